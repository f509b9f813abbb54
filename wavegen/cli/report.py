"""``wavegen report``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def report(
    results: Annotated[
        list[Path] | None,
        typer.Argument(metavar="RESULTS", help="Result files or folders of one data set."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write report.html and report.md.", show_default=False)
    ] = None,
    against: Annotated[
        str | None, typer.Option(metavar="ROW", help="Compare with this row, named as in the tables.")
    ] = None,
    pack: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write what tables need as one small file.", show_default=False),
    ] = None,
    docs: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Make DIR/*.md from DIR/templates and DIR/data.", show_default=False),
    ] = None,
) -> None:
    """Make tables, fronts and a page from the results of comparisons and grids, without running anything."""
    from wavegen.core.errors import InputError

    if docs is not None:
        if results or out or pack or against:
            raise InputError("--docs takes its results from DIR/data alone; leave RESULTS and other options out")
        _docs(docs)
        return
    if not results or not (out or pack):
        raise InputError("give RESULTS with --out DIR, --pack FILE or both; or --docs DIR alone")
    from wavegen.reports.blocks import to_markdown
    from wavegen.reports.pack import pack as write_pack
    from wavegen.reports.page import report_page
    from wavegen.reports.sections import front_tables
    from wavegen.reports.study import read_study

    study = read_study(results)
    files = report_page(study, out, against) if out else []
    if pack:
        write_pack(study, pack)
        files.append(pack)
    print(to_markdown(front_tables(study)))
    print("written: " + ", ".join(map(str, files)))


def _docs(folder: Path) -> None:
    from wavegen.reports.docs import write_docs

    for page in write_docs(folder):
        print(page)
