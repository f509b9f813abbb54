"""``wavegen bench round-trip``: every kind of file read, written and read again."""

from __future__ import annotations

import tempfile
from pathlib import Path

import typer

from wavegen.cli.output import Json, note, print_json


def round_trip(as_json: Json = False) -> None:
    """Make some ninety kinds of image files, read, write and read each again, and name what differs.

    The exit code is 1 where something does.
    """
    from benchmarks import round_trip as kinds

    with tempfile.TemporaryDirectory() as folder:
        rows = kinds.round_trip(Path(folder))
    if as_json:
        print_json(rows)
    else:
        note(kinds.table(rows))
    if any(row["read"] or row["written"] for row in rows):
        raise typer.Exit(1)
