"""Scores of trained systems and of classical methods."""

from __future__ import annotations

import math
import statistics
from pathlib import Path

import torch
from torch import Tensor

from wavegen.core.registry import build
from wavegen.core.types import PairSource, Restoration
from wavegen.data import Simulator, is_simulator
from wavegen.degradations import sigma_pixels
from wavegen.experiments.spec.comparison import Comparison, Row, restored_by
from wavegen.experiments.spec.folders import Result, model_hash
from wavegen.experiments.spec.images import images_of
from wavegen.inference.evaluate import Scorer, evaluate
from wavegen.metrics.classical import method_named, restorer, tune
from wavegen.pipeline.pipeline import Pipeline
from wavegen.training import state


def score_classical(plan: Comparison, name: str, data: PairSource, scorer: Scorer) -> Result:
    """Tune a method where the truth may be looked at, and score it."""
    simulated = is_simulator(plan.data)
    tuning = images_of(plan, "validation") if simulated else build("dataset", plan.data)
    known = plan.known
    if isinstance(data, Simulator) and not known:  # from the confocal to the STED spot, both Gaussian
        known = {"sigma": sigma_pixels(math.sqrt(data.confocal_fwhm_nm**2 - data.sted_fwhm_nm**2), data.pixel_nm)}
    method = method_named(name)
    options = tune(method, tuning, plan.scale, known)
    scores = evaluate(
        restorer(method, options, data, plan.scale), data, images=plan.test_images, scorer=scorer, batch=1
    )
    label = ", ".join(f"{key} {value:.3g}" for key, value in options.items())
    name = f"{name} ({label})" if label else name
    return {"system": name, "steps": 0, "eta": 0.0, "seed": 0, "parameters": 0, "minutes": 0.0, **scores}


def score_row(row: Row, seed: int, images: int, folder: Path, data: PairSource, scorer: Scorer) -> Result:
    """The scores of one trained model, sampled in one way, on the first ``images`` of the data."""
    pipe = Pipeline.from_pretrained(folder / "model")

    def restore(y: Tensor, first: int, samples: int = 1) -> Restoration:
        return restored_by(pipe, row, y, range(first, first + len(y)), samples)

    count = min(row.spread_images, images) if row.samples > 1 else 0
    together = row.samples if count == images else 1
    scores = evaluate(lambda y, i: restore(y, i, together), data, images=images, scorer=scorer)
    scores.pop("ms_per_image")  # times are taken separately, all rows in turn
    if together < row.samples:
        ensemble = Scorer(scorer.keys_of("ensemble"), scorer.scale)
        drawn = evaluate(lambda y, i: restore(y, i, row.samples), data, images=count, scorer=ensemble)
        scores |= {name: drawn[name] for name in ensemble.keys}
    note = state.recorded(folder / "checkpoint.safetensors")
    return {
        "system": row.system,
        "steps": row.steps,
        "eta": row.eta,
        "key": row.key(),
        "solver": row.solver_words,
        "seed": seed,
        "model": model_hash(folder),
        "parameters": pipe.parameters_count,
        "minutes": note["progress"]["core_seconds"] / 60,
        "training_steps": note["progress"]["step"],
        "s": pipe.bridge.total_variance,
        "s_over_v": s_over_v(pipe, data),
        **scores,
    }


@torch.inference_mode()
def s_over_v(pipe: Pipeline, data: PairSource, images: int = 8) -> float | None:
    """Total variance S of the bridge over the residual variance v of its band, which step counts depend on.

    v is the mean squared error of the one-call estimate on the first images: the variance of x0 given y, plus
    what the network has not learnt. None for processes that are not pinned at y, whose S means something else, and
    where the estimate is exact.
    """
    if pipe.bridge.total_variance is None or not pipe.bridge.pinned:
        return None
    errors = []
    for i in range(min(images, len(data))):
        x, y = (image[None] for image in pipe.normalise(data[i]))
        bands, true = pipe.transform.forward(y), pipe.transform.forward(x)
        y_low, t = pipe.norm.low(bands.ll, 0), torch.ones(1)
        x0 = pipe.denoiser(pipe.condition(y, bands))(y_low, t, y_low)
        errors.append(float((x0 - pipe.norm.low(true.ll, 0)).square().mean()))
    mean = statistics.fmean(errors)
    return pipe.bridge.total_variance / mean if mean > 0 else None
