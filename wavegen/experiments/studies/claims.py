"""Evidence for the paper's claims 1 (lossless), 3 (the bridge needs y) and 4 (heads depend on LL and noise)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from wavegen.core.registry import build
from wavegen.core.types import PairSource, Restoration
from wavegen.experiments.engine.runs import prepare, run_missing
from wavegen.experiments.spec.comparison import Comparison
from wavegen.experiments.spec.folders import run_folder, write_json
from wavegen.experiments.spec.images import images_of
from wavegen.experiments.spec.record import about
from wavegen.inference.evaluate import evaluate
from wavegen.pipeline.levels import Level, levels_at
from wavegen.pipeline.pipeline import Pipeline
from wavegen.transforms import low_bands

PHOTONS = (5.0, 15.0, 50.0, 150.0)  # of the brightest pixel; training images have 15 to 150


def claims(plan: Comparison, out: Path, *, jobs: int = 2) -> dict[str, Any]:
    """Train the plan's systems; return and write all evidence. The first is the one that is looked into."""
    outcome = run_missing(prepare(plan.model_copy(update={"timed": False}), out), workers=jobs)
    for error in outcome.failed.values():
        raise error
    rows = outcome.rows
    first = next(iter(plan.systems))
    models = {name: Pipeline.from_pretrained(run_folder(out, name, 0) / "model") for name in plan.systems}
    data = build("dataset", {**plan.data, "split": "test", "size": plan.size, "length": plan.test_images})
    evidence = {
        "claim 1, lossless": lossless(models[first]),
        "claim 3, what the network sees of y": [
            {key: row[key] for key in ("system", "steps", "psnr", "ssim", "spectrum_error", "spread")}
            for row in rows
            if row["system"] != "paper"
        ],
        "claim 3, fall with the light": darker(plan, models[first]),
        "claim 4, heads": {name: heads(models[name], data) for name in (first, "paper")},
        "about": about(plan),
    }
    write_json(out / "claims.json", evidence)
    return {key: value for key, value in evidence.items() if key != "about"}


def lossless(pipe: Pipeline, count: int = 200, seed: int = 0) -> dict[str, float]:
    """Worst errors of :meth:`Pipeline.roundtrip` over random sizes and dtypes."""
    rng = np.random.default_rng(seed)
    worst = {"float32 relative": 0.0, "uint16 absolute": 0.0, "uint8 absolute": 0.0}
    for index in range(count):
        height, width = (int(n) for n in rng.integers(1, 130, size=2))
        shape = (pipe.config.channels, height, width)
        if index % 3 == 0:
            image = rng.normal(100, 30, shape).astype(np.float32)
            error = np.abs(pipe.roundtrip(image) - image).max() / np.abs(image).max()
            worst["float32 relative"] = max(worst["float32 relative"], float(error))
        else:
            name, dtype = ("uint16", np.uint16) if index % 3 == 1 else ("uint8", np.uint8)
            whole = rng.integers(0, np.iinfo(dtype).max, shape, dtype=dtype, endpoint=True)
            error = np.abs(pipe.roundtrip(whole).astype(np.int64) - whole.astype(np.int64)).max()
            worst[f"{name} absolute"] = max(worst[f"{name} absolute"], float(error))
    return worst


def under(plan: Comparison, photons: float) -> Comparison:
    """The comparison with the brightest pixel of every y at ``photons``."""
    return plan.model_copy(update={"data": {**plan.data, "photons": (photons, photons)}})


def darker(plan: Comparison, pipe: Pipeline) -> list[dict[str, Any]]:
    """Scores of the same specimens under less and less light."""
    rows: list[dict[str, Any]] = []
    for photons in PHOTONS:
        data = images_of(under(plan, photons))
        for steps in (1, 4) if pipe.bridge.max_steps is None else (1,):

            def restore(y: Tensor, first: int, steps: int = steps) -> Restoration:
                return pipe.restore(y, steps=steps, seed=list(range(first, first + len(y))), samples=2)

            scores = evaluate(restore, data, perceptual=False)
            rows.append(
                {"photons": photons, "steps": steps} | {k: scores[k] for k in ("psnr", "ssim", "rmse", "spread")}
            )
    return rows


@torch.inference_mode()
def heads(pipe: Pipeline, data: PairSource, draws: int = 8) -> list[dict[str, float]]:
    """Of each level, coarsest first: the relative error of its bands given the true LL, and LL of another image.

    ``spread over noise`` is the standard deviation over noise draws for one LL, relative to the bands' own. A head
    that ignores LL has equal errors; one that ignores noise has a spread of 0.
    """
    pairs = [pipe.normalise(data[i]) for i in range(min(8, len(data)))]
    x, y = torch.stack([p.x for p in pairs]), torch.stack([p.y for p in pairs])
    true, y_bands = pipe.transform.forward(x), pipe.transform.forward(y)
    y_low = pipe.norm.low(y_bands.ll, 0)
    features = pipe.denoiser(pipe.condition(y, y_bands)).estimate(y_low, torch.ones(len(x)), y_low).features
    levels = levels_at(pipe.transform, y_bands, *(low_bands(pipe.transform, bands) for bands in (true, y_bands)))
    rows = []
    for level, truth in zip(levels, true.details, strict=True):

        def draw(low: Tensor, seed: int, level: Level = level) -> Tensor:
            z = pipe.draw_noise(low, torch.Generator().manual_seed(seed))
            return torch.cat(pipe.detail(replace(level, low=low), z, features))

        wanted = torch.cat(truth)
        size = float(wanted.norm())
        several = torch.stack([draw(level.low, seed) for seed in range(draws)])
        rows.append(
            {
                "error, true LL": float((several[0] - wanted).norm()) / size,
                "error, LL of another image": float((draw(level.low.roll(1, 0), 0) - wanted).norm()) / size,
                "spread over noise": float(several.std(dim=0).norm()) / size,
            }
        )
    return rows
