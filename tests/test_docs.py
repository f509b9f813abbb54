"""Guards the documentation: every Python block runs as it stands, in order, in one namespace per page; notebooks run;
no link or anchor is broken; no page is left out of the site."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from wavegen import names
from wavegen.core import registry

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGES = [page for page in sorted(DOCS.rglob("*.md")) if "templates" not in page.parts]
PAGES += [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")]
NOTEBOOKS = sorted((DOCS / "notebooks").glob("*.ipynb"))
BLOCK = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)
FENCE = re.compile(r"^(```|~~~).*?^\1", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
EXAMPLE = re.compile(r"^# (docs/examples/\S+\.py)$", re.MULTILINE)  # docs/hooks.py shows the file in its place
MADE = re.compile(r"notebooks/[\w-]+\.md|reference/api/[\w.]+\.md")  # pages that only the site has


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.fixture(autouse=True)
def _registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a page registers is gone after it."""
    names("transform")
    monkeypatch.setattr(registry, "_entries", dict(registry._entries))


@pytest.mark.parametrize("page", [page for page in PAGES if BLOCK.search(page.read_text(encoding="utf-8"))], ids=name)
def test_blocks_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = page.read_text(encoding="utf-8")
    namespace: dict[str, object] = {"__name__": "__main__"}
    for found in BLOCK.finditer(text):
        if shown := EXAMPLE.fullmatch(found.group(1).strip()):
            file = ROOT / shown.group(1)
            exec(compile(file.read_text(encoding="utf-8"), str(file), "exec"), namespace)
            continue
        # Blank lines in front make a traceback show the page's own line numbers.
        line = text.count("\n", 0, found.start(1))
        exec(compile("\n" * line + found.group(1), str(page), "exec"), namespace)


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=name)
def test_notebooks_run(notebook: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their code runs without Jupyter, and they are committed as executed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    cells = [cell for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1)), "run docs/run_notebooks.py"
    assert any("image/png" in output.get("data", {}) for cell in cells for output in cell["outputs"])
    namespace: dict[str, object] = {"__name__": "__main__", "display": lambda *_: None}
    for number, cell in enumerate(cells, start=1):
        exec(compile("".join(cell["source"]), f"{notebook.name}, cell {number}", "exec"), namespace)


def test_every_example_is_shown() -> None:
    """Each file of ``docs/examples`` is shown, and so run, by a page; a page shows nothing else."""
    shown = {path for page in PAGES for path in EXAMPLE.findall(page.read_text(encoding="utf-8"))}
    assert shown == {name(file) for file in (DOCS / "examples").rglob("*.py")}


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as both GitHub and the site make them."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[\s-]+", "-", re.sub(r"[^\w\s-]", "", title.lower())).strip("-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page: Path) -> None:
    for link in LINK.findall(FENCE.sub("", page.read_text(encoding="utf-8"))):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        found = (page.parent / path).resolve() if path else page
        if found.is_relative_to(DOCS) and MADE.fullmatch(str(found.relative_to(DOCS))):
            assert "api" in found.parts or found.with_suffix(".ipynb").is_file(), f"{name(page)} links to {link}"
            continue
        assert found.exists(), f"{name(page)} links to {link}, which is not there"
        assert not page.is_relative_to(DOCS) or found.is_relative_to(DOCS), f"{link} leaves the site's folder"
        assert not anchor or anchor in anchors(found), f"{name(page)} links to {link}: no such heading"


def test_code_names_pages_that_exist() -> None:
    for folder in ("wavegen", "recipes", "benchmarks", "models"):
        for file in (f for f in (ROOT / folder).rglob("*") if f.suffix in (".py", ".yaml", ".md")):
            for page in re.findall(r"\bdocs/[\w/-]+\.md", file.read_text(encoding="utf-8")):
                assert (ROOT / page).is_file(), f"{name(file)} names {page}, which is not there"


def test_every_page_is_in_the_site() -> None:
    listed = set(re.findall(r"([\w/-]+\.md)", (ROOT / "mkdocs.yml").read_text(encoding="utf-8")))
    there = {str(page.relative_to(DOCS)) for page in PAGES if page.is_relative_to(DOCS)}
    there |= {f"notebooks/{notebook.stem}.md" for notebook in NOTEBOOKS}
    assert there == listed


def test_the_build_of_the_site_is_strict() -> None:
    """With ``--quiet`` MkDocs does not count warnings, and a broken link passes."""
    assert "\nstrict: true\n" in (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    commands = re.findall(r"mkdocs build.*", (ROOT / "Makefile").read_text(encoding="utf-8"))
    assert commands == ["mkdocs build"]


def test_decimals_have_a_leading_zero() -> None:
    for page in PAGES:
        for number, line in enumerate(FENCE.sub("", page.read_text(encoding="utf-8")).split("\n"), start=1):
            found = re.search(r"(?<![\w.])\.\d", re.sub(r"`[^`]*`", "", line))
            assert not found, f"{name(page)}, line {number}: a decimal without its zero: {line.strip()[:80]}"
