"""``wavegen bench restore``."""

from __future__ import annotations

from typing import Annotated

import typer

from wavegen.cli.output import Json, print_json
from wavegen.cli.specs import Seed


def restore(
    model: Annotated[str, typer.Option("--model", metavar="NAME|FOLDER", help="A trained pipeline.")] = "mscgm-hela",
    size: Annotated[int, typer.Option(metavar="PIXELS", min=8, help="Side of the image.")] = 256,
    steps: Annotated[int, typer.Option(metavar="N", min=1, help="Steps of the bridge.")] = 16,
    runs: Annotated[int, typer.Option(metavar="N", min=1, help="Restorations; medians are printed.")] = 15,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Time restorations beside their network calls, in turn, on one thread."""
    from benchmarks.restore import bench_restore as run

    times = run(model, size=size, steps=steps, runs=runs, seed=seed)
    if as_json:
        print_json(times)
        return
    print(
        f"{times['model']}, {size} x {size}, {times['calls']} calls, medians of {runs} runs "
        f"({times['cpu']}, one thread, torch {times['torch']}, {times['date']}, seed {seed})\n"
        f"network calls alone   {times['ms_calls']:8.1f} ms\n"
        f"bridge, with its calls{times['ms_walk']:8.1f} ms   {times['walk_over_calls']:.3f} times the calls inside it,"
        f" {times['walk_over_calls_alone']:.3f} times the calls alone\n"
        f"whole restoration     {times['ms_restore']:8.1f} ms   {times['restore_over_networks']:.3f} times its networks"
        f" (heads included), {times['restore_over_calls']:.3f} times the bridge's calls"
    )
