"""``wavegen restore``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wavegen.cli.output import Json, print_json
from wavegen.cli.specs import Eta, Grid, Model, Seed, Solver, Steps, grid_spec


def restore(
    source: Annotated[Path, typer.Argument(metavar="IN", help="An image (TIFF or PNG), or a folder of images.")],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="The restored image, or the folder for them.")],
    model: Model,
    steps: Steps = None,
    samples: Annotated[int, typer.Option(metavar="N", min=1, help="Draws; their mean is written.")] = 1,
    seed: Seed = 0,
    eta: Eta = None,
    solver: Solver = None,
    grid: Grid = None,
    std: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Also write the spread of the draws (TIFF, or a folder).", show_default=False
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Restore images; units, data type and size stay those of the input."""
    from wavegen.inference.files import plan, restore_files
    from wavegen.pipeline import Pipeline

    jobs = plan(source, target, std, samples)
    pipeline = Pipeline.from_pretrained(model)
    done = []
    walk = {"steps": steps, "eta": eta, "solver": solver, "grid": grid_spec(grid)}
    for result in restore_files(pipeline, jobs, samples=samples, seed=seed, **walk):
        done.append({"input": str(result.job.source), "output": str(result.job.target), "nfe": result.nfe,
                     "seconds": result.seconds})  # fmt: skip
        if not as_json:
            print(f"{result.job.target}  ({result.nfe} calls, {result.seconds:.2f} s)")
    if as_json:
        print_json(done)
