"""``wavegen bench``: commands that print the figures of the documentation."""

from __future__ import annotations

import typer

from wavegen.cli.bench_degradations import degradations
from wavegen.cli.bench_io import bench_io
from wavegen.cli.bench_memory import bench_memory
from wavegen.cli.bench_restore import bench_restore
from wavegen.cli.bench_train import bench_train
from wavegen.cli.bench_transforms import transforms

bench = typer.Typer(name="bench", help="Measure parts of the package against references.", no_args_is_help=True)


@bench.callback()
def _bench() -> None:
    pass


bench.command()(degradations)
bench.command("io")(bench_io)
bench.command("memory")(bench_memory)
bench.command("restore")(bench_restore)
bench.command("train")(bench_train)
bench.command()(transforms)
