"""``wavegen ablate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wavegen.cli.output import note, print_table
from wavegen.cli.specs import read_yaml
from wavegen.core.errors import InputError

PARTLY = 3  # exit code: done, but for some runs


def ablate(
    grid: Annotated[Path, typer.Argument(metavar="GRID.yaml", help="What varies; see the page on ablations.")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder of the grid.", show_default=False)],
    scheduler: Annotated[
        str,
        typer.Option(
            metavar="local|tcp://HOST:PORT|tls://HOST:PORT", help="Processes here, or a running Dask scheduler."
        ),
    ] = "local",
    workers: Annotated[int, typer.Option(metavar="N", min=1, help="Local processes, one thread each.")] = 2,
    tls_ca_file: Annotated[
        Path | None, typer.Option(metavar="PEM", help="Of a scheduler tls://...: whom to trust.", show_default=False)
    ] = None,
    tls_cert: Annotated[
        Path | None, typer.Option(metavar="PEM", help="The certificate of this machine.", show_default=False)
    ] = None,
    tls_key: Annotated[
        Path | None, typer.Option(metavar="PEM", help="Its key.", show_default="in the certificate's file")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check everything and list the runs.")] = False,
) -> None:
    """Train and judge every configuration of a grid, on one machine or many.

    What is done is not done again; what was interrupted goes on; what fails is named, and the others go on.

    DIR gets results.csv, results.json, table.md, times.json and figure.png, and a folder for each run.
    """
    from wavegen.experiments.engine.dispatch import secured
    from wavegen.experiments.engine.grids import ablate as run
    from wavegen.experiments.engine.grids import overview, prepare_grid
    from wavegen.experiments.spec.grid import read_grid
    from wavegen.inference.files import check_writable

    plan = read_grid(read_yaml(str(grid)), str(grid))
    if dry_run:
        ready = prepare_grid(plan, out)
        print_table(["run", "state", "rows", "key"], overview(ready))
        note(f"{len(ready.todo)} of {len(ready.tasks)} runs to do")
        return
    check_writable(out)
    with secured(tls_ca_file, tls_cert, tls_key):
        outcome = run(plan, out, workers=workers, scheduler=scheduler)
    print(outcome.table)
    note(f"results: {out / 'results.csv'}, {out / 'results.json'}, {out / 'table.md'}, {out / 'figure.png'}")
    note(f"a page with fronts of quality and time: wavegen report {out} --out {out / 'report'}")
    for task, error in outcome.failed.items():
        note(f"FAILED {task}: {' '.join(str(error).split()) or type(error).__name__}")
    if outcome.failed and not outcome.rows:
        raise InputError("no run succeeded; see above")
    if outcome.failed:
        note("the same command tries them again")
        raise typer.Exit(PARTLY)
