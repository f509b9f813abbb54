"""What ``make docs`` adds to the pages: the API from docstrings, the commands from their help, the notebooks, examples.

A hook of MkDocs. The package is read from its syntax tree or, for the commands, imported without torch.
"""

from __future__ import annotations

import ast
import json
import re
import sys
from html import escape
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[1]
MARK = "<!-- commands -->"  # where reference/commands.md takes the help of all commands
EXAMPLE = re.compile(r"^# (docs/examples/\S+\.py)$", re.MULTILINE)  # a line in whose place a page shows the file
HIDDEN = {"cli"}  # documented by its commands


def packages() -> dict[str, str]:
    """Dotted name and first docstring line of each package of wavegen that lists public names in ``__all__``."""
    found = {}
    for file in sorted((ROOT / "wavegen").glob("**/__init__.py")):
        parts = file.parent.relative_to(ROOT).parts
        tree = ast.parse(file.read_text(encoding="utf-8"))
        named = any(isinstance(n, ast.Assign) and ast.unparse(n.targets[0]) == "__all__" for n in tree.body)
        if named and len(parts) <= 2 and not HIDDEN & set(parts):
            found[".".join(parts)] = (ast.get_docstring(tree) or "").split("\n")[0]
    module = ROOT / "wavegen" / "testing.py"
    if module.is_file():
        found["wavegen.testing"] = (ast.get_docstring(ast.parse(module.read_text())) or "").split("\n")[0]
    return found


def on_config(config: Any) -> Any:
    """Put one page for each public package below Reference, API."""
    reference = next(item["Reference"] for item in config["nav"] if "Reference" in item)
    place = next(item for item in reference if "API" in item)
    place["API"] = [{name: f"reference/api/{name}.md"} for name in packages()]
    return config


def on_files(files: Files, config: Any) -> Files:
    """Add the API's pages and the notebooks, which stay .ipynb in the repository."""
    for name in packages():
        text = f"# `{name}`\n\n::: {name}\n"
        files.append(File.generated(config, f"reference/api/{name}.md", content=text))
    for notebook in sorted((ROOT / "docs" / "notebooks").glob("*.ipynb")):
        old = files.get_file_from_path(f"notebooks/{notebook.name}")
        if old is not None:
            files.remove(old)
        pages, pictures = _notebook(json.loads(notebook.read_text(encoding="utf-8")), notebook.stem)
        files.append(File.generated(config, f"notebooks/{notebook.stem}.md", content=pages))
        for file, data in pictures.items():
            files.append(File.generated(config, f"notebooks/{file}", content=data))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Fill the page of commands; show the examples."""
    markdown = EXAMPLE.sub(lambda found: (ROOT / found[1]).read_text(encoding="utf-8").rstrip(), markdown)
    return markdown.replace(MARK, commands()) if MARK in markdown else markdown


def commands() -> str:
    """Every command with its arguments and options, as Markdown."""
    sys.path.insert(0, str(ROOT))
    from typer.main import get_command

    from wavegen.cli import app

    parts: list[str] = []
    _command(get_command(app), "wavegen", parts)
    return "\n".join(parts)


def _command(command: Any, name: str, parts: list[str]) -> None:
    inner = getattr(command, "commands", None)
    if name != "wavegen":
        parts += [f"## `{name}`", "", command.help or "", ""]
        rows = [_row(option) for option in command.params if not getattr(option, "hidden", False)]
        rows = [row for row in rows if row]
        if rows:
            parts += ["| option | what | default |", "|---|---|---|", *rows, ""]
    for key, value in (inner or {}).items():
        _command(value, f"{name} {key}", parts)


def _row(option: Any) -> str:
    if option.name == "help":
        return ""
    argument = option.param_type_name == "argument"
    metavar = getattr(option, "metavar", None) or ""
    names = metavar or option.name.upper() if argument else ", ".join([*option.opts, *option.secondary_opts])
    if not argument and metavar:
        names += f" {metavar}"
    shown = option.show_default
    default = shown if isinstance(shown, str) else option.default
    plain = shown is not False and isinstance(default, str | int | float) and not isinstance(default, bool)
    cells = getattr(option, "help", None) or "", f"{default}" if plain else ""
    texts = [escape(" ".join(cell.split())).replace("|", "&#124;") for cell in (names, *cells)]
    return f"| <code>{texts[0]}</code> | {texts[1]} | {texts[2]} |"


def _notebook(notebook: dict[str, Any], stem: str) -> tuple[str, dict[str, bytes]]:
    """A notebook as Markdown, and its pictures by file name."""
    import base64

    parts: list[str] = []
    pictures: dict[str, bytes] = {}
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            parts.append(source)
            continue
        parts.append(f"```python\n{source}\n```")
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if "image/png" in data:
                file = f"{stem}-{len(pictures) + 1}.png"
                pictures[file] = base64.b64decode(data["image/png"])
                parts.append(f"![output]({file})")
            elif text := "".join(output.get("text", data.get("text/plain", []))):
                parts.append(f"```text\n{text.rstrip()}\n```")
    return "\n\n".join(parts) + "\n", pictures
