"""``wavegen bench fuzz``: damaged files against every reader."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wavegen.core.errors import InputError, near_matches


def fuzz(
    formats: Annotated[
        list[str] | None,
        typer.Option("--format", metavar="NAME", help="One of them; may be repeated.", show_default="all"),
    ] = None,
    mutants: Annotated[int, typer.Option(metavar="N", min=1, help="Mutants of each format.")] = 1000,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Tallies, and files that a reader fails on.")] = Path(
        "out/fuzz"
    ),
    seed: Annotated[int, typer.Option(metavar="N", min=0, help="Other mutants for another number.")] = 0,
) -> None:
    """Read damaged files: each must be read or refused with one line, within 10 s and 1 GB.

    What is done is not done again. The exit code is 1 where a mutant fails.
    """
    from benchmarks import fuzz as fuzzing
    from benchmarks.fuzzing.formats import FORMATS

    for name in formats or ():
        if name not in FORMATS:
            raise InputError(f"no format {name!r}; {near_matches(name, FORMATS)}")
    tallies = {name: fuzzing.fuzz(name, mutants, out, seed) for name in formats or FORMATS}
    print(fuzzing.table(tallies), end="")
    if fuzzing.faults(list(tallies.values())):
        raise typer.Exit(1)
