"""``wavegen bench processes``."""

from __future__ import annotations

from typing import Annotated

import typer

from wavegen.cli.output import Json, print_json


def processes(
    data: Annotated[str, typer.Option("--data", metavar="NAME", help="A simulated data set.")] = "hela",
    steps: Annotated[int, typer.Option(metavar="N", min=1, help="Training steps of each run.")] = 40,
    batch: Annotated[int, typer.Option(metavar="N", min=2, help="Crops in a batch, over all processes.")] = 8,
    crop: Annotated[int, typer.Option(metavar="PIXELS", min=8, help="Side of the crops.")] = 128,
    width: Annotated[int, typer.Option(metavar="N", min=1, help="Width of the U-Net.")] = 32,
    turns: Annotated[int, typer.Option(metavar="N", min=1, help="Runs of each way, in turn; medians are printed.")] = 3,
    precision: Annotated[
        str, typer.Option(metavar="auto|bf16|float32", help="Of the networks; losses agree best in float32.")
    ] = "auto",
    as_json: Json = False,
) -> None:
    """Training speed of two processes, of two threads, and of one, at one batch."""
    import datetime

    import torch

    from benchmarks.processes import bench_processes as run
    from benchmarks.train import Task
    from wavegen.core.registry import entry
    from wavegen.experiments.spec.record import cpu_name

    entry("dataset", data)
    task = Task(data=data, steps=steps, batch=batch, crop=crop, size=max(2 * crop, 64), width=width)
    rows = run(task, turns, precision=precision)
    today = datetime.date.today().isoformat()
    if as_json:
        print_json({"machine": cpu_name(), "torch": torch.__version__, "date": today, "task": vars(task), "rows": rows})
        return
    print(f"{today}, {cpu_name()}, torch {torch.__version__}: {steps} steps of {batch} crops of {crop}², {turns} turns")
    print(f"{'processes':>9}{'threads':>9}{'images/s':>10}{'× one':>7}{'losses off by':>15}")
    for row in rows:
        ratio = row["images_per_second"] / rows[0]["images_per_second"]
        print(
            f"{row['processes']:>9}{row['threads']:>9}{row['images_per_second']:>10.1f}{ratio:>7.2f}{row['off']:>15.1e}"
        )
