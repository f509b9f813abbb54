"""``wavegen calibrate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wavegen.cli.datasets import open_dataset
from wavegen.cli.output import Json, print_json
from wavegen.cli.results import reserve
from wavegen.cli.specs import Data, Inputs, Steps, Targets, data_spec


def calibrate(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A trained pipeline; its configuration is updated.")],
    data: Data = None,
    x: Targets = None,
    y: Inputs = None,
    steps: Steps = None,
    images: Annotated[int, typer.Option(metavar="N", min=1, help="Use at most N images.")] = 16,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the temperature, change nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Find the sampling temperature at which the spread of the samples matches their error, and store it in the model.

    Use images that are neither training nor test data; of a simulated set the validation split is used. Samples that
    spread too little get a temperature above 1. The table shows spread over residual in each Haar band, where 1 is
    calibrated.
    """
    from wavegen.core.errors import InputError
    from wavegen.experiments import Row, calibrated_temperature, spread_of_bands
    from wavegen.pipeline import Pipeline, configure_sampler

    if not folder.is_dir():
        raise InputError(
            f"{folder} is no folder; give the folder of a trained pipeline (shipped ones cannot be changed)"
        )
    if not dry_run:
        reserve(context, folder, "calibration")
    pipeline = Pipeline.from_pretrained(folder)
    sampler = pipeline.config.sampler
    spec, pairs = open_dataset(data_spec(data, x, y), "validation", images, pipeline.config.channels)
    row = Row(system=str(folder), steps=steps or sampler.steps, eta=sampler.eta)
    temperature = calibrated_temperature(pipeline, row, pairs, images)
    ratios = {
        at: spread_of_bands(pipeline, row.model_copy(update={"temperature": at}), pairs, images)
        for at in (1.0, temperature)
    }
    if not dry_run:
        configure_sampler(folder, steps=row.steps, temperature=temperature)
    if as_json:
        print_json({"temperature": temperature, "steps": row.steps, "data": spec, "spread_over_residual": ratios})
        return
    print("| temperature | " + " | ".join(ratios[temperature]) + " |")
    for at, found in ratios.items():
        print(f"| {at:g} | " + " | ".join(f"{ratio:.2f}" for ratio in found.values()) + " |")
    print(f"temperature {temperature:g} {'would be' if dry_run else 'is now'} stored in {folder}")
