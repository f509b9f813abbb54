"""The parts of a page, each as Markdown and as HTML, and the HTML page around them."""

from __future__ import annotations

import base64
import html
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from wavegen.core.files import atomic
from wavegen.reports.intervals import ONE, SAME

STYLE = """:root{color-scheme:light dark;--ink:#222;--paper:#fff;--soft:#555;--line:#ddd;--box:#f5f5f5}
@media(prefers-color-scheme:dark){:root{--ink:#ddd;--paper:#161616;--soft:#aaa;--line:#3a3a3a;--box:#242424}}
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:72rem;padding:0 1rem;color:var(--ink);
background:var(--paper)}
.scroll{overflow-x:auto}table{border-collapse:collapse;font-size:14px;font-variant-numeric:tabular-nums}
td,th{padding:.2rem .6rem;text-align:right;border-bottom:1px solid var(--line)}
th:first-child,td:first-child{text-align:left;min-width:11rem}figure{display:inline-block;margin:0 .5rem .5rem 0}
img{width:256px;image-rendering:pixelated;background:#000}figcaption{font-size:13px;color:var(--soft)}
.wide{display:block;margin:1rem 0}.wide img{width:auto;max-width:100%;image-rendering:auto}
.wide svg{width:100%;height:auto}pre{background:var(--box);padding:.6rem;overflow:auto}"""


@dataclass(frozen=True)
class Heading:
    """A heading of level 1 to 6."""

    text: str
    level: int = 2

    def markdown(self) -> str:
        """One line."""
        return f"{'#' * self.level} {self.text}\n"

    def html(self) -> str:
        """One element."""
        return f"<h{self.level}>{html.escape(self.text)}</h{self.level}>"


@dataclass(frozen=True)
class Text:
    """A paragraph without markup."""

    text: str

    def markdown(self) -> str:
        """One line."""
        return f"{self.text}\n"

    def html(self) -> str:
        """One element."""
        return f"<p>{html.escape(self.text)}</p>"


@dataclass(frozen=True)
class Code:
    """Text to be copied."""

    text: str
    language: str = ""

    def markdown(self) -> str:
        """A fenced block."""
        return f"```{self.language}\n{self.text}\n```\n"

    def html(self) -> str:
        """One element."""
        return f"<pre>{html.escape(self.text)}</pre>"


@dataclass(frozen=True)
class Table:
    """Cells of text; the first column names the rows."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def markdown(self) -> str:
        """One line for each row."""
        lines = [self.head, *self.rows]
        head, *rows = ("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
        return "\n".join([head, "|---" * len(self.head) + "|", *rows]) + "\n"

    def html(self) -> str:
        """A table that scrolls where the page is too narrow for it."""
        head = "".join(f"<th>{html.escape(cell)}</th>" for cell in self.head)
        rows = ("".join(f"<td>{_unbroken(html.escape(cell))}</td>" for cell in row) for row in self.rows)
        body = "".join(f"<tr>{row}</tr>\n" for row in rows)
        return f'<div class="scroll"><table><tr>{head}</tr>\n{body}</table></div>'


def _unbroken(cell: str) -> str:
    """A cell in which a figure with its interval, and a verdict, are not broken across lines."""
    for words in (" ± ", SAME, ONE):
        cell = cell.replace(words, words.replace(" ", "&nbsp;"))
    return cell


@dataclass(frozen=True)
class Picture:
    """A picture: a PNG beside a Markdown page under the name ``file``, inside an HTML page, as SVG if it is ``vector``.

    ``draw`` makes it, of the kind ``png`` or ``svg``, when it is needed: figures take seconds. ``wide`` ones may take
    the whole width of an HTML page; others stand side by side.
    """

    file: str
    alt: str
    draw: Callable[[str], bytes]
    vector: bool = False
    wide: bool = True

    def markdown(self, folder: str = "") -> str:
        """A link to the file in ``folder``."""
        return f"![{self.alt}]({folder}{self.file})\n"

    def html(self) -> str:
        """The picture itself, with its name below."""
        name = html.escape(self.alt)
        opening = '<figure class="wide">' if self.wide else "<figure>"
        if self.vector:
            shown = self.draw("svg").decode()
        else:
            shown = f'<img alt="{name}" src="data:image/png;base64,{base64.b64encode(self.draw("png")).decode()}">'
        return f"{opening}{shown}<figcaption>{name}</figcaption></figure>"

    def write(self, folder: Path) -> Path:
        """Write the PNG to a folder, which is made where it does not exist."""
        folder.mkdir(parents=True, exist_ok=True)
        with atomic(folder / self.file) as file:
            file.write(self.draw("png"))
        return folder / self.file


def kept(content: bytes, kind: str) -> bytes:
    """What draws a picture that is there already: ``partial(kept, png)``."""
    return content


Block = Heading | Text | Code | Table | Picture


def to_markdown(blocks: Iterable[Block], folder: str = "") -> str:
    """All blocks, separated by empty lines; ``folder`` holds the files of the pictures."""
    texts = (block.markdown(folder) if isinstance(block, Picture) else block.markdown() for block in blocks)
    return "\n".join(texts)


def to_html(title: str, blocks: Iterable[Block]) -> str:
    """All blocks as one self-contained page, light or dark like the reader's screen."""
    body = "\n".join(block.html() for block in blocks)
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(title)}</title><style>{STYLE}</style>\n{body}\n</html>\n"
    )
