"""Pages of results: filled from templates and committed files, and the committed pages are what the command makes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from result_files import TIMES, draw, rows, write

from wavegen.core.errors import InputError
from wavegen.reports import pack, read_study, write_docs
from wavegen.reports.docs import PARTS, render

DOCS = Path(__file__).resolve().parents[2] / "docs" / "results"


def folder(tmp_path: Path, text: str, data: bool = True) -> Path:
    (tmp_path / "docs" / "templates").mkdir(parents=True)
    (tmp_path / "docs" / "templates" / "page.md").write_text(text)
    (tmp_path / "docs" / "templates" / "README.md").write_text("# Results\n\n{{pages}}\n")
    if data:
        made = write(tmp_path / "run", rows(), TIMES, data={"name": "nanobeads"})
        draw(made / "figure.png")
        (made / "heads.md").write_text("| a | b |\n|---|---|\n| 1 | ± 2 |\n")
        pack(read_study([made]), tmp_path / "docs" / "data" / "sr.json")
    return tmp_path / "docs"


def test_committed_pages_are_what_the_command_makes() -> None:
    texts, pictures = render(DOCS)
    assert {page.name for page in DOCS.glob("*.md")} == texts.keys(), "make results; remove pages without a template"
    for name, text in texts.items():
        assert (DOCS / name).read_text(encoding="utf-8") == text, f"{name} is not up to date: make results"
    assert all((DOCS / "figures" / picture.file).is_file() for picture in pictures)
    assert not re.search(r"[\s\"'(=]/[\w.-]+/", "".join(texts.values())), "a path of a machine"


def test_every_place_is_filled(tmp_path: Path) -> None:
    places = "\n\n".join(f"{part}: {{{{{part}:sr}}}}" for part in PARTS)
    docs = folder(
        tmp_path,
        f"# A page\n\n{places}\n\n{{{{differences:sr:hybrid, 1 at eta 1}}}}\n\n"
        "{{note:sr:heads}}\n\n{{note:sr:verdicts}}\n\n{{table:other}}\n",
    )
    files = write_docs(docs)
    assert [file.name for file in files] == ["README.md", "page.md"]
    text = (docs / "page.md").read_text()
    assert "{{" not in text
    assert "| unet, 1 at eta 1 | 25.00 ± 0.25 |" in text
    assert "| less hybrid, 1 at eta 1 |" in text
    assert "| a | b |\n|---|---|\n| 1 | ± 2 |\n\nNo verdicts of `sr` yet." in text
    assert "No results of `other` yet." in text
    assert "--root data" in text
    assert (docs / "README.md").read_text().endswith("# Results\n\n- [A page](page.md)\n")
    shown = ("pareto-8-images-batch-1", "pareto-8-images-batch-8", "images")
    for name in shown:
        assert f"](figures/sr-{name}.png)" in text
        assert (docs / "figures" / f"sr-{name}.png").stat().st_size > 500
    assert render(docs)[0] == {file.name: file.read_text() for file in files}


def test_without_any_file_only_the_list_is_made(tmp_path: Path) -> None:
    docs = folder(tmp_path, "# A page\n\n{{table:sr}}\n", data=False)
    texts, pictures = render(docs)
    assert list(texts) == ["README.md"]
    assert texts["README.md"].endswith("No results yet.\n")
    assert not pictures


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("{{tabel:sr}}", r"page.md, line 3: \{\{tabel:sr\}\} is no place; did you mean 'table'"),
        ("{{table}}", "line 3: .* is no place"),
        ("{{table:sr:unet}}", "line 3: .* is no place"),
        ("{{differences:sr:unet}}", "line 3: no row 'unet' in sr"),
    ],
)
def test_wrong_places_are_refused(tmp_path: Path, place: str, message: str) -> None:
    docs = folder(tmp_path, f"# A page\n\n{place}\n\n{{{{table:sr}}}}\n")
    with pytest.raises(InputError, match=message):
        write_docs(docs)
    assert not (docs / "page.md").exists()
