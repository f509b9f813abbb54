"""``wavegen bench``: the benchmarks of the repository, which are not part of an installed package."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from wavegen.core.errors import InputError

FOLDER = "benchmarks"
PASSED_ON = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}


def bench(
    context: typer.Context,
    repository: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="A checkout of the repository.", show_default="the one of this package"),
    ] = None,
) -> None:
    """Measure parts of the package against references: ``wavegen bench --help`` lists them (from the repository)."""
    where = repository or Path(__file__).resolve().parents[2]
    if not (where / FOLDER / "__main__.py").is_file():
        raise InputError(
            f"there is no {FOLDER} folder in {where}: the benchmarks come with the repository of wavegen, not with the "
            "package; run this from a checkout, or give --repository DIR"
        )
    sys.path.insert(0, str(where.resolve()))
    import_module(f"{FOLDER}.__main__").run(context.args)
