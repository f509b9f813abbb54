"""``wavegen bench budgets``."""

from __future__ import annotations

from typing import Annotated

import typer

from wavegen.cli.output import Json, print_json


def budgets(
    minutes: Annotated[float, typer.Option(metavar="M", min=0.05, help="Processor minutes of each training.")] = 1.0,
    neighbours: Annotated[int, typer.Option(metavar="N", min=1, help="Other trainings beside it.")] = 3,
    data: Annotated[str, typer.Option("--data", metavar="NAME", help="A simulated data set.")] = "hela",
    batch: Annotated[int, typer.Option(metavar="N", min=1, help="Crops in a batch.")] = 8,
    crop: Annotated[int, typer.Option(metavar="PIXELS", min=16, help="Side of the crops.")] = 64,
    as_json: Json = False,
) -> None:
    """Minutes planned and taken, quiet and beside other trainings; steps of a study calibrated in both."""
    import datetime
    import tempfile
    from pathlib import Path

    import torch

    from benchmarks.budgets import Task, bench_budgets, bench_steps
    from wavegen.core.registry import entry
    from wavegen.experiments.spec.record import cpu_name

    entry("dataset", data)
    task = Task(data=data, minutes=minutes, batch=batch, crop=crop)
    rows = bench_budgets(task, neighbours)
    with tempfile.TemporaryDirectory() as folder:
        steps = bench_steps(task, neighbours, Path(folder))
    about = {"machine": cpu_name(), "torch": torch.__version__, "date": datetime.date.today().isoformat()}
    if as_json:
        print_json({**about, "task": vars(task), "rows": rows, "steps": steps})
        return
    print(f"{about['date']}, {about['machine']}, torch {about['torch']}: batch {batch}, crops of {crop}²\n")
    print("| system | beside | planned min | taken min | off | steps planned at first | steps made |")
    print("|---|---|---|---|---|---|---|")
    for row in rows:
        figures = [
            f"{row['planned']:.2f}",
            f"{row['taken']:.2f}",
            f"{row['off']:+.1%}",
            row["first_plan"],
            row["steps"],
        ]
        print(f"| {row['system']} ({row['what']}) | {row['beside']} | {' | '.join(map(str, figures))} |")
    print(f"\n| steps of {minutes:g} min in a study | timed at once, quiet | begun quiet | grown beside {neighbours} |")
    print("|---|---|---|---|")
    for row in steps:
        print(f"| {row['system']} | {row['at_once']} | {row['first'] or '–'} | {row['beside_load']} |")
