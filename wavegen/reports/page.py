"""A report as files: one HTML page that needs nothing else, the same in Markdown with its pictures beside it."""

from __future__ import annotations

from pathlib import Path

from wavegen.core.files import exclusive, write_text
from wavegen.reports.blocks import Picture, to_html, to_markdown
from wavegen.reports.sections import report
from wavegen.reports.study import Study


def report_page(study: Study, out: Path, against: str | None = None) -> list[Path]:
    """Write ``report.html``, ``report.md`` and the pictures of the latter to the folder ``out``.

    The same study gives the same bytes (pictures: with the same version of matplotlib).

    Args:
        study: what :func:`~wavegen.reports.study.read_study` read.
        out: made where it does not exist.
        against: the row that others are compared with, as the tables name it.

    Returns:
        The files.

    Raises:
        InputError: no row is called ``against``; a folder that cannot be written.
    """
    blocks = report(study, against)
    files = [out / "report.html", out / "report.md"]
    with exclusive(out / ".report.lock", f"the report in {out}"):
        write_text(files[0], to_html(study.name, blocks))
        write_text(files[1], to_markdown(blocks))
        return files + [block.write(out) for block in blocks if isinstance(block, Picture)]
