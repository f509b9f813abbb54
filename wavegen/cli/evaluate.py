"""``wavegen evaluate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wavegen.cli.datasets import open_dataset
from wavegen.cli.output import Json, finite, note, print_json, print_scores
from wavegen.cli.results import reserve
from wavegen.cli.specs import (
    Data,
    Eta,
    Grid,
    Inputs,
    Model,
    Seed,
    Solver,
    Steps,
    Targets,
    Temperature,
    data_spec,
    grid_spec,
    solver_choice,
)

IMAGES = 64  # simulated test images, unless the data's length says otherwise


def evaluate(
    context: typer.Context,
    model: Model,
    data: Data = None,
    x: Targets = None,
    y: Inputs = None,
    steps: Steps = None,
    eta: Eta = None,
    solver: Solver = None,
    grid: Grid = None,
    temperature: Temperature = None,
    samples: Annotated[int, typer.Option(metavar="N", min=1, help="Draws, for the spread.")] = 1,
    images: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Only the first N images.", show_default="all")
    ] = None,
    seed: Seed = 0,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Also write evaluation.json, .csv and .html.", show_default=False),
    ] = None,
    scale: Annotated[
        str,
        typer.Option(metavar="target|affine|fixed|luma", help="Intensity scale of the scores."),
    ] = "target",
    metrics: Annotated[
        str | None,
        typer.Option(
            metavar="NAME,NAME,...",
            help="Score by these alone (see wavegen list metric).",
            show_default="the standard ones, and those of plug-ins",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Score a trained pipeline on a data set with known truth, beside the unrestored input.

    A simulated set gives its test split. Scores are those of one draw; LPIPS and KID need weights
    (see wavegen weights) and pip install "wavegen[eval]".
    """
    import torch

    from wavegen.core.errors import InputError, near_matches
    from wavegen.core.types import Restoration
    from wavegen.inference.evaluate import evaluate as score
    from wavegen.metrics import Scorer
    from wavegen.metrics.means import left_out_lines
    from wavegen.metrics.scales import SCALES
    from wavegen.pipeline.pipeline import Pipeline
    from wavegen.reports.gallery import Gallery, write_evaluation

    if scale not in SCALES:
        raise InputError(f"unknown scale {scale!r}; {near_matches(scale, SCALES)}")
    chosen = None if metrics is None else [name.strip() for name in metrics.split(",") if name.strip()]
    scorer = Scorer(chosen, scale=scale)  # type: ignore[arg-type]
    pipeline, times, way = Pipeline.from_pretrained(model), grid_spec(grid), solver_choice(solver)
    spec, source = open_dataset(data_spec(data, x, y), "test", IMAGES, pipeline.config.channels)
    if out is not None:
        reserve(context, out, "evaluation")

    def restore(batch: torch.Tensor, first: int) -> Restoration:
        seeds = [seed + first + i for i in range(len(batch))]
        return pipeline.restore(
            batch,
            steps=steps,
            eta=eta,
            samples=samples,
            seed=seeds,
            solver=way,
            grid=times,
            temperature=temperature,
        )

    def keep(batch: torch.Tensor, first: int) -> Restoration:
        return Restoration(batch, torch.zeros_like(batch), batch[None], 0, 0.0)

    gallery = Gallery(scorer.scale)
    scores = {
        "input": score(keep, source, images=images, scorer=scorer),
        "restored": score(restore, source, images=images, scorer=scorer, observer=gallery),
    }
    report = {"model": model, "data": spec, "steps": scores["restored"]["nfe"], "eta": eta, "solver": solver,
              "grid": times, "temperature": temperature, "samples": samples, "seed": seed, "scale": scale,
              **scores}  # fmt: skip
    if out is not None:
        write_evaluation(out, finite(report), gallery)
    for remark in scorer.remarks + [f"{name}: {line}" for name, row in scores.items() for line in left_out_lines(row)]:
        note(remark)
    if as_json:
        print_json(report)
        return
    print_scores([{"method": name, **row} for name, row in scores.items()], ["method"])
    print(f"{scores['restored']['images']} images of {spec['name']}")
