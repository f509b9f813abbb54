"""``wavegen demo``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from wavegen.cli.output import Json, note, print_json, print_scores
from wavegen.cli.results import reserve


def demo(
    context: typer.Context,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the figure goes.")] = Path("out/demo"),
    as_json: Json = False,
) -> None:
    """Restore held-out simulated images and a real micrograph with the shipped models; one table, one figure."""
    import torch

    from wavegen.inference.demo import demo as run

    reserve(context, out, "demonstration")
    torch.set_num_threads(1)  # what the times are stated for; images this small gain little from more
    result = run(out)
    if as_json:
        print_json({**asdict(result), "figure": str(result.figure)})
        return
    print_scores(result.scores, ["images", "method"])
    if all(row.get("lpips") is None for row in result.scores):
        note('left out: LPIPS (it needs pip install "wavegen[eval]" and its weights; see wavegen weights)')
    print("nanobeads and hela: held-out simulated images; real image: no truth is known, so nothing to score it by")
    print(f"restorations took {result.restoring_seconds:.1f} s on one thread; figure: {result.figure}")
