"""Pages of results: templates of prose with places that committed result files fill."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

from wavegen.core.errors import InputError, near_matches
from wavegen.core.files import write_text
from wavegen.reports.blocks import Block, Picture, to_markdown
from wavegen.reports.sections import costs, differences, front_tables, legend, made_by, plots, scores, strips
from wavegen.reports.study import Study, read_study

# {{table:hela}}, {{differences:hela:ROW}}, {{note:hela:heads}}
PLACE = re.compile(r"\{\{(\w+)(?::([^:{}]+))?(?::([^{}]+))?\}\}")
PARTS: dict[str, Callable[[Study], list[Block]]] = {
    "table": scores,
    "cost": costs,
    "fronts": front_tables,
    "pareto": plots,
    "differences": differences,
    "strips": strips,
    "about": made_by,
    "legend": legend,
}
FIGURES, INDEX = "figures/", "README.md"
NOTE = "note"  # a recipe's own table
KINDS, OF_A_ROW = (*PARTS, NOTE), ("differences", NOTE)


def write_docs(folder: Path) -> list[Path]:
    """Make ``folder``'s pages, and their figures, from its ``templates/*.md`` and the packed files in ``data``.

    A page is made where at least one of its result files is there; where another one is not, the page says so.

    Raises:
        InputError: no templates; a place that is unknown; a result file that is broken.
    """
    texts, pictures = render(folder)
    for name, text in texts.items():
        write_text(folder / name, text)
    for picture in pictures:
        picture.write(folder / FIGURES)
    return [folder / name for name in texts]


def render(folder: Path) -> tuple[dict[str, str], list[Picture]]:
    """The text of each page by file name, and the pictures that they show."""
    templates = sorted((folder / "templates").glob("*.md"))
    if not templates:
        raise InputError(f"no templates in {folder / 'templates'}; give a folder with templates/*.md and data/*.json")
    studies = {file.stem: read_study([file]) for file in sorted((folder / "data").glob("*.json"))}
    pictures: dict[str, Picture] = {}
    texts: dict[str, str] = {}
    for template in templates:
        text = template.read_text(encoding="utf-8")
        named = {place[2] for place in PLACE.finditer(text) if place[2]}
        if named and not named & studies.keys():
            continue
        filled = PLACE.sub(partial(_fill, template, studies, pictures), text)
        origin = f"<!-- made by wavegen report --docs from templates/{template.name}: edit that -->\n\n"
        texts[template.name] = origin + re.sub(r"\n{3,}", "\n\n", filled)
    index = "".join(f"- [{_title(text)}]({name})\n" for name, text in texts.items() if name != INDEX)
    texts = {name: text.replace("{{pages}}", index.rstrip("\n") or "No results yet.") for name, text in texts.items()}
    return texts, list(pictures.values())


def _fill(template: Path, studies: dict[str, Study], pictures: dict[str, Picture], place: re.Match[str]) -> str:
    """What stands in one place of a template; its pictures are added to ``pictures``."""
    kind, name, row = place.groups()
    if kind == "pages":
        return str(place[0])
    where = f"{template}, line {place.string.count(chr(10), 0, place.start()) + 1}"
    if kind not in KINDS or name is None or (row and kind not in OF_A_ROW):
        raise InputError(f"{where}: {place[0]} is no place; {near_matches(kind, KINDS)}, as in {{{{table:NAME}}}}")
    if name not in studies:
        return f"No results of `{name}` yet." if kind == "table" else ""
    if kind == NOTE:
        return studies[name].notes.get(row or "", f"No {row} of `{name}` yet.").rstrip("\n")
    try:
        blocks = differences(studies[name], row) if row else PARTS[kind](studies[name])
    except InputError as error:
        raise InputError(f"{where}: {error}") from None
    pictures.update({block.file: block for block in blocks if isinstance(block, Picture)})
    return to_markdown(blocks, FIGURES).rstrip("\n")


def _title(page: str) -> str:
    heading = re.search(r"^# (.+)$", page, re.MULTILINE)
    return heading[1] if heading else "results"
