"""The parts of a report, each as Markdown and as HTML."""

from __future__ import annotations

import html
from collections.abc import Iterable
from dataclasses import dataclass

from wavegen.reports.gallery import picture
from wavegen.reports.intervals import ONE, SAME


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
        made = ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines]
        made.insert(1, "|---" * len(self.head) + "|")
        return "\n".join(made) + "\n"

    def html(self) -> str:
        """A table that scrolls where the page is too narrow for it."""
        head = "".join(f"<th>{html.escape(cell)}</th>" for cell in self.head)
        rows = ("".join(f"<td>{_whole(html.escape(cell))}</td>" for cell in row) for row in self.rows)
        body = "".join(f"<tr>{row}</tr>\n" for row in rows)
        return f'<div class="scroll"><table><tr>{head}</tr>\n{body}</table></div>'


def _whole(cell: str) -> str:
    """A cell in which a figure with its interval, and a verdict, each stay on one line."""
    for words in (" ± ", SAME, ONE):
        cell = cell.replace(words, words.replace(" ", "&nbsp;"))
    return cell


@dataclass(frozen=True)
class Picture:
    """A picture: ``png`` beside a Markdown page under the name ``file``, ``svg`` (where given) inside an HTML page."""

    file: str
    alt: str
    png: bytes
    svg: str = ""

    def markdown(self, folder: str = "") -> str:
        """A link to the file in ``folder``."""
        return f"![{self.alt}]({folder}{self.file})\n"

    def html(self) -> str:
        """The picture itself."""
        if not self.svg:
            return picture(self.alt, self.png, "wide")
        return f'<figure class="wide">{self.svg}<figcaption>{html.escape(self.alt)}</figcaption></figure>'


Block = Heading | Text | Code | Table | Picture


def to_markdown(blocks: Iterable[Block]) -> str:
    """All blocks, apart by empty lines."""
    return "\n".join(block.markdown() for block in blocks)
