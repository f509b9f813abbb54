"""``wavegen restore``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from wavegen.cli.output import Json, note, print_json
from wavegen.cli.specs import Eta, Grid, Model, Seed, Solver, Steps, Temperature, grid_spec, solver_choice

SOME_LEFT_OUT = 3  # exit code


class Groups(StrEnum):
    """How the channels of an image go through a model."""

    joint = "joint"
    each = "each"


class Missing(StrEnum):
    """What is done about planes that a file announces and does not hold."""

    refuse = "refuse"
    leave_out = "leave-out"


def restore(
    source: Annotated[
        Path, typer.Argument(metavar="IN", help="An image (TIFF, OME-Zarr, PNG, JPEG), or a folder of images.")
    ],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="The restored image, or the folder for them.")],
    model: Model,
    steps: Steps = None,
    samples: Annotated[int, typer.Option(metavar="N", min=1, help="Draws; their mean is written.")] = 1,
    seed: Seed = 0,
    eta: Eta = None,
    solver: Solver = None,
    grid: Grid = None,
    temperature: Temperature = None,
    std: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Also write the spread of the draws (TIFF, OME-Zarr, or a folder).", show_default=False
        ),
    ] = None,
    axes: Annotated[
        str | None,
        typer.Option(
            metavar="LETTERS",
            help="What the dimensions are, e.g. ZCYX, where the file does not say.",
            show_default=False,
        ),
    ] = None,
    series: Annotated[int, typer.Option(metavar="N", min=1, help="Which of several images in a file.")] = 1,
    missing: Annotated[
        Missing, typer.Option(help="Planes that a file announces and does not hold: refuse it, or leave them out.")
    ] = Missing.refuse,
    channels: Annotated[
        Groups, typer.Option(help="Give the model all channels at once, or each by itself (model of 1 channel).")
    ] = Groups.joint,
    to: Annotated[
        str | None,
        typer.Option(
            metavar="EXTENSION", help="Other format for a folder's results, e.g. .ome.tif.", show_default=False
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Restore images; units, data type, size and metadata stay those of the input.

    Stacks are restored plane by plane. An image of a folder that cannot be restored is left out and named, at once
    and at the end; the exit code is then 3.
    """
    from wavegen.inference.files import plan
    from wavegen.inference.restore import Failed, restore_files
    from wavegen.pipeline.pipeline import Pipeline

    opening: dict[str, Any] = {"axes": axes.upper() if axes else None, "series": series, "missing": missing.value}
    jobs = plan(source, target, std, samples, to=to, **opening)
    pipeline = Pipeline.from_pretrained(model)
    done: list[dict[str, Any]] = []
    failed: list[Failed] = []
    options: dict[str, Any] = {"steps": steps, "eta": eta, "solver": solver_choice(solver), "grid": grid_spec(grid)}
    options |= {"temperature": temperature, "channels": channels.value, "model": model, **opening}
    for result in restore_files(pipeline, jobs, samples=samples, seed=seed, **options):
        if isinstance(result, Failed):
            failed.append(result)
            if len(jobs) > 1:
                note(f"left out: {result.reason}")
            continue
        done.append({"input": str(result.job.source), "output": str(result.job.target), "nfe": result.nfe,
                     "planes": result.planes, "seconds": result.seconds, "remarks": list(result.remarks)})  # fmt: skip
        for remark in result.remarks:
            note(f"{result.job.source}: {remark}")
        if not as_json:
            planes = f"{result.planes} planes, " if result.planes > 1 else ""
            print(f"{result.job.target}  ({planes}{result.nfe} call{'s' * (result.nfe != 1)}, {result.seconds:.2f} s)")
    if as_json:
        print_json(done + [{"input": str(f.job.source), "error": f.reason} for f in failed])
    if failed:
        note(f"{len(failed)} of {len(jobs)} images were left out:")
        for one in failed:
            note(f"  {one.job.source.name}: {one.reason}")
        raise typer.Exit(SOME_LEFT_OUT)
