"""``wavegen bench train``."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from wavegen.cli.output import Json, print_json


def train(
    data: Annotated[str, typer.Option("--data", metavar="NAME", help="A simulated data set.")] = "hela",
    steps: Annotated[int, typer.Option(metavar="N", help="Training steps of each loop.")] = 60,
    batch: Annotated[int, typer.Option(metavar="N", help="Crops in a batch.")] = 8,
    crop: Annotated[int, typer.Option(metavar="PIXELS", help="Side of the crops.")] = 128,
    width: Annotated[int, typer.Option(metavar="N", help="Width of the U-Net.")] = 32,
    threads: Annotated[int, typer.Option(metavar="N", help="Threads of the processor.")] = 1,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="LOOP", help="Run these loops only; repeatable.", show_default=False),
    ] = None,
    as_json: Json = False,
) -> None:
    """Training speed and memory, beside a naive float32 loop and one over diffusers' UNet2DModel."""
    import torch

    from benchmarks.train import DIFFUSERS, LOOPS, PLAIN, Task
    from benchmarks.train import bench_train as run
    from wavegen.core.errors import InputError
    from wavegen.core.registry import entry
    from wavegen.experiments.spec.record import cpu_name

    entry("dataset", data)
    for name, value in (("steps", steps), ("batch", batch), ("crop", crop), ("width", width), ("threads", threads)):
        if value < 1:
            raise InputError(f"--{name} {value}: give 1 or more")
    size = max(2 * crop, 64)
    task = Task(data=data, steps=steps, batch=batch, crop=crop, size=size, width=width, threads=threads)
    rows = run(task, tuple(only) if only else LOOPS)
    if as_json:
        print_json({"machine": cpu_name(), "torch": torch.__version__, "task": vars(task), "rows": rows})
        return
    print(f"{cpu_name()}, {threads} thread(s), torch {torch.__version__}: {steps} steps of {batch} crops of {crop}²")
    naive, reference = next(iter(PLAIN)), DIFFUSERS
    print(f"{'loop':<44}{'images/s':>9}{'× naive':>9}{'× diffusers':>13}{'peak MB':>9}{'loss':>8}{'M':>6}")
    for row in rows:
        print(_line(row, _speed(rows, naive), _speed(rows, reference)))


def _speed(rows: list[dict[str, Any]], loop: str) -> float | None:
    return next((row.get("images_per_second") for row in rows if row["loop"] == loop), None)


def _line(row: dict[str, Any], naive: float | None, reference: float | None) -> str:
    if "skipped" in row:
        return f"{row['loop']:<44}skipped: {row['skipped']}"
    speed = row["images_per_second"]
    ratios = [f"{speed / other:.2f}" if other else "–" for other in (naive, reference)]
    return (
        f"{row['loop']:<44}{speed:>9.1f}{ratios[0]:>9}{ratios[1]:>13}{row['peak_mb']:>9.0f}"
        f"{row['final_loss']:>8.4f}{row['parameters'] / 1e6:>6.2f}"
    )
