"""``wavegen bench memory``."""

from __future__ import annotations

from typing import Annotated

import typer

from wavegen.cli.output import Json, print_json


def memory(
    turns: Annotated[int, typer.Option(metavar="N", min=1, help="Processes of each cell; medians are printed.")] = 5,
    as_json: Json = False,
) -> None:
    """Time restorations with freed memory given back to the system and kept, in turn, on one thread."""
    import torch

    from benchmarks.memory import bench_memory as run
    from wavegen.experiments.spec.record import cpu_name

    rows = run(turns=turns)
    if as_json:
        print_json({"machine": cpu_name(), "torch": torch.__version__, "turns": turns, "rows": rows})
        return
    print(f"{cpu_name()}, one thread, torch {torch.__version__}: freed memory given back and kept")
    print(f"{'system':<14}{'images':>12}{'ms back':>9}{'ms kept':>9}{'ratio':>7}{'MB back':>9}{'MB kept':>9}")
    for row in rows:
        images = f"{row['batch']} of {row['side']}²"
        print(
            f"{row['system']:<14}{images:>12}{row['ms_given_back']:>9.1f}{row['ms_kept']:>9.1f}"
            f"{row['ms_given_back'] / row['ms_kept']:>7.2f}{row['mb_given_back']:>9.0f}{row['mb_kept']:>9.0f}"
        )
