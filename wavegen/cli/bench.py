"""``wavegen bench``."""

from __future__ import annotations

import typer

from wavegen.cli.bench_train import bench_train

bench = typer.Typer(name="bench", help="Measure speed and memory on this machine.", no_args_is_help=True)


@bench.callback()
def _bench() -> None:
    """Measure speed and memory on this machine."""


bench.command("train")(bench_train)
