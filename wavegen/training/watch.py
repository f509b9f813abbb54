"""Collapse and hallucination watch: do heads use their noise, and do their bands look like the truth's?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from wavegen.core.errors import InputError
from wavegen.core.types import Details, Pair, Subbands
from wavegen.gans import noise_deviation
from wavegen.metrics import spectrum_error
from wavegen.pipeline.levels import levels_at
from wavegen.pipeline.pipeline import Pipeline
from wavegen.transforms import Haar, low_bands

EXPLODED = 100.0  # a band of more than this times the truth's energy ends a training
CALLS = 4  # of the bridge at most, for a spectrum: a watch must not take longer than the training
LEAST = 1e-12


class Watch:
    """A callback: every ``every`` steps, figures of fixed pairs, added to the record of the log.

    Give it before the log. A band whose energy explodes or is not finite stops the training. Keys are
    ``watch/level0/h/spread`` and so on, level 0 being the coarsest (:func:`band_figures`), ``watch/spectrum_error``
    (dB) and ``watch/null`` (:func:`null_test`).
    """

    def __init__(self, pairs: Sequence[Pair], every: int, draws: int = 4) -> None:
        if not pairs or every < 1:
            raise InputError(f"a watch needs pairs and a number of steps, got {len(pairs)} pairs, every {every}")
        # Of images of several sizes the parts that all have.
        height, width = (min(image.shape[axis] for pair in pairs for image in pair) for axis in (-2, -1))
        self.pairs = [Pair(*(image[..., :height, :width] for image in pair)) for pair in pairs]
        self.every, self.draws, self.seen = every, draws, 0

    def begin(self, step: int) -> None:
        """Go on as if the run had not been interrupted."""
        self.seen = step // self.every

    def __call__(self, record: dict[str, Any], pipeline: Pipeline) -> None:
        """Measure where it is due."""
        if record["step"] // self.every <= self.seen:
            return
        self.seen = record["step"] // self.every
        values = figures(pipeline, self.pairs, self.draws)
        record.update({f"watch/{name}": value for name, value in values.items()})
        for name, value in values.items():
            if name.endswith("/energy") and not value <= EXPLODED:
                band = name.removesuffix("/energy")
                record.setdefault("diverged", f"the energy of band {band} is {value:.3g} times the truth's")


def figures(pipeline: Pipeline, pairs: Sequence[Pair], draws: int = 4, seed: int = 0) -> dict[str, float]:
    """All of the watch, flat: bands by ``level0/h/spread``, ``spectrum_error``, ``null``."""
    values: dict[str, float] = {}
    if len(pipeline.heads):
        for level, bands in enumerate(band_figures(pipeline, pairs, draws, seed)):
            values |= {f"level{level}/{b}/{name}": value for b, row in bands.items() for name, value in row.items()}
    x, y = (torch.stack(images) for images in zip(*pairs, strict=True))
    steps = min(CALLS, pipeline.config.sampler.steps)
    restored = torch.as_tensor(pipeline.restore(y, steps=steps, seed=seed).image)
    values["spectrum_error"] = float(spectrum_error(restored.cpu(), x.cpu()).mean())
    values["null"] = null_test(pipeline, pairs, seed)
    return values


@torch.no_grad()
def band_figures(
    pipeline: Pipeline, pairs: Sequence[Pair], draws: int = 4, seed: int = 0
) -> list[dict[str, dict[str, float]]]:
    """Of each level, coarsest first, and each band (h, v, d): draws of its head at the true low band.

    ``spread``: standard deviation over draws, divided by that of the residual truth - draw less the draws' own share,
    sqrt(E(x - f)² - spread²): 0 for a head that ignores its noise, 1 for a posterior's draws, more for noise
    without reason. ``difference``: root mean square of f - f' over that of x - E f. ``energy`` and ``kurtosis``:
    mean square, and excess kurtosis + 3, over the truth's; ``error``: E|x - f|² over E|x|², as a root.

    Args:
        pipeline: with heads.
        pairs: whole images of one size, in their own units.
        draws: 2 or more.
        seed: of the noise.

    Raises:
        InputError: no heads, or fewer than two draws.
    """
    if not len(pipeline.heads) or draws < 2:
        raise InputError(f"{len(pipeline.heads)} heads and {draws} draws: a watch of bands needs a head and two draws")
    normal = [pipeline.normalise(pair) for pair in pairs]
    x, y = (torch.stack(images).to(pipeline.device) for images in zip(*normal, strict=True))
    true, y_bands = pipeline.transform.forward(x), pipeline.transform.forward(y)
    levels = levels_at(
        pipeline.transform, y_bands, *(low_bands(pipeline.transform, bands) for bands in (true, y_bands))
    )
    features = late_features(pipeline, true, y_bands, y, seed)
    rows = []
    for level, truth in zip(levels, true.details, strict=True):
        generator = torch.Generator().manual_seed(seed)
        several = [pipeline.detail(level, pipeline.draw_noise(level.low, generator), features) for _ in range(draws)]
        rows.append(
            {name: _compare(torch.stack([d[i] for d in several]), truth[i]) for i, name in enumerate(Details._fields)}
        )
    return rows


def _compare(drawn: Tensor, truth: Tensor) -> dict[str, float]:
    """Figures of draws (S, B, C, h, w) against the truth (B, C, h, w)."""
    drawn, truth = drawn.double().cpu(), truth.double().cpu()
    variance = float(drawn.var(dim=0, correction=1).mean())
    error = float((drawn - truth).square().mean())
    energy = float(truth.square().mean())
    residual = math.sqrt(max(error - variance, LEAST))
    return {
        "spread": math.sqrt(variance) / residual,
        "difference": math.sqrt(2 * variance) / residual,
        "energy": float(drawn.square().mean()) / max(energy, LEAST),
        "kurtosis": _kurtosis(drawn) / _kurtosis(truth),
        "error": math.sqrt(error / max(energy, LEAST)),
    }


def _kurtosis(band: Tensor) -> float:
    """Fourth moment about the mean over the squared variance; 3 for a normal band, and for a constant one."""
    centred = band - band.mean()
    variance = float(centred.square().mean())
    return float(centred.pow(4).mean()) / variance**2 if variance > LEAST else 3.0


@torch.no_grad()
def late_features(pipeline: Pipeline, true: Subbands, y_bands: Subbands, y: Tensor, seed: int) -> Tensor | None:
    """The coarse network's features at the last state of the sampler's grid, made from the true band."""
    time = pipeline.times[-2]
    x0, y_low = pipeline.norm.low(true.ll, 0), pipeline.norm.low(y_bands.ll, 0)
    eps = torch.randn(x0.shape, generator=torch.Generator().manual_seed(seed)).to(x0)
    t = torch.full((len(y),), time, dtype=torch.float64)
    x_t = pipeline.bridge.state(x0, y_low, t, eps)
    return pipeline.denoiser(pipeline.condition(y, y_bands)).estimate(x_t, t, y_low).features


@torch.no_grad()
def null_test(pipeline: Pipeline, pairs: Sequence[Pair], seed: int = 0) -> float:
    """Hallucination test: restore pure noise; the 99.9 percentile of |restored - its median|, in units of the range.

    The input is the darkest level of the images with white noise of their own deviation (median of the finest
    diagonal Haar band), on the same scale as if the rest of the image were there; restored in one call. 0 is right;
    the images' structures have about 1.
    """
    normal = [pipeline.normalise(pair) for pair in pairs]
    y = torch.stack([pair.y for pair in normal]).to(pipeline.device)
    generator = torch.Generator().manual_seed(seed)
    sigma = noise_deviation(Haar(levels=1).forward(y).details[0].d)
    empty = sigma * torch.randn(y.shape, generator=generator).to(y)
    restored = one_call(pipeline, empty, generator).flatten(1).float().cpu()
    distance = (restored - restored.median(dim=1, keepdim=True).values).abs()
    return float(np.quantile(distance.numpy(), 0.999, axis=1).mean())  # torch's takes no more than 2^24 values


@torch.no_grad()
def one_call(pipeline: Pipeline, y: Tensor, generator: torch.Generator) -> Tensor:
    """Restore y (B, C, H, W), in network units and as it is, in one call of the coarse network."""
    y_bands = pipeline.transform.forward(y)
    y_low = pipeline.norm.low(y_bands.ll, 0)
    state = pipeline.bridge.prior(y_low, torch.randn(y_low.shape, generator=generator).to(y_low))
    t = torch.ones(len(y), device=y.device)
    denoiser = pipeline.denoiser(pipeline.condition(y, y_bands))
    x0 = denoiser(state, t, y_low)
    return pipeline.synthesise(
        pipeline.norm.low_inverse(x0, 0),
        y_bands,
        denoiser.features,
        lambda level: pipeline.draw_noise(level.low, generator),
    )


def with_details(pipeline: Pipeline, low: Tensor, y: Subbands, features: Tensor | None, seed: int) -> Tensor:
    """The image that the heads make of a coarsest band (not normalised), with noise of one seed."""
    generator = torch.Generator().manual_seed(seed)
    return pipeline.synthesise(low, y, features, lambda level: pipeline.draw_noise(level.low, generator))
