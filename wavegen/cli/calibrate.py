"""``wavegen calibrate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wavegen.cli.datasets import open_dataset
from wavegen.cli.output import Json, print_json
from wavegen.cli.specs import Data, Inputs, Steps, Targets, data_spec


def calibrate(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A trained pipeline: it keeps what is found.")],
    data: Data = None,
    x: Targets = None,
    y: Inputs = None,
    steps: Steps = None,
    images: Annotated[int, typer.Option(metavar="N", min=1, help="At most so many.")] = 16,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only print it.")] = False,
    as_json: Json = False,
) -> None:
    """Find the temperature at which a model's samples spread as far as they are off, and make it the model's own.

    Use images that neither trained the model nor will judge it; a simulated set gives its validation split. A model
    whose samples spread too little gets a temperature above 1. Printed is the spread over the residual in each Haar
    band: 1 is right.
    """
    from wavegen.core.errors import InputError
    from wavegen.experiments import Row, calibrated_temperature, spread_of_bands
    from wavegen.pipeline import Pipeline, configure_sampler

    if not folder.is_dir():
        raise InputError(f"{folder} is no folder; give that of a trained pipeline (shipped ones stay as they are)")
    pipeline = Pipeline.from_pretrained(folder)
    sampler = pipeline.config.sampler
    spec, pairs = open_dataset(data_spec(data, x, y), "validation", images, pipeline.config.channels)
    row = Row(system=str(folder), steps=steps or sampler.steps, eta=sampler.eta)
    heat = calibrated_temperature(pipeline, row, pairs, images)
    ratios = {
        at: spread_of_bands(pipeline, row.model_copy(update={"temperature": at}), pairs, images) for at in (1.0, heat)
    }
    if not dry_run:
        configure_sampler(folder, steps=row.steps, temperature=heat)
    if as_json:
        print_json({"temperature": heat, "steps": row.steps, "data": spec, "spread_over_residual": ratios})
        return
    print("| temperature | " + " | ".join(ratios[heat]) + " |")
    for at, found in ratios.items():
        print(f"| {at:g} | " + " | ".join(f"{ratio:.2f}" for ratio in found.values()) + " |")
    print(f"temperature {heat:g} {'would be' if dry_run else 'is now'} that of {folder}")
