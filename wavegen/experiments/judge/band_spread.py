"""How far samples spread beside their residual, band by band, and the temperature at which they spread as far."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor

from wavegen.core.errors import InputError
from wavegen.core.types import PairSource
from wavegen.experiments.spec.comparison import Row, restored_by
from wavegen.metrics.scales import has_scale, scaled
from wavegen.pipeline.pipeline import Pipeline
from wavegen.transforms import Haar

IMAGES, DRAWS = 16, 4  # that spreads are taken over
LEVELS = 2  # of the Haar bands in which all systems are compared
TOLERANCE, TRIES = 0.02, 6  # of the search: share of the mean ratio, times that spreads are taken
COLDEST, HOTTEST = 0.25, 4.0


def spread_of_bands(pipe: Pipeline, row: Row, data: PairSource, images: int = IMAGES) -> dict[str, float]:
    """Spread of whole restorations over their residual's, by Haar band (``ll2``, ``h2``, ..., ``d1``).

    sqrt(Var f / (E(x - f)² - Var f)) over draws f at one y, both summed over the images: 1 for draws of the
    posterior, 0 for a regression. Images are on the truth's scale, so that all weigh alike; those whose truth is
    constant have none and are left out.

    Raises:
        InputError: images whose truth is constant alone.
    """
    haar = Haar(levels=LEVELS)
    variance: dict[str, float] = {}
    error: dict[str, float] = {}
    for index in range(min(images, len(data))):
        pair = data[index]
        if not bool(has_scale("target", pair.x[None])):
            continue
        drawn = torch.as_tensor(restored_by(pipe, row, pair.y, [index], DRAWS).samples).float()
        draws, truth = scaled("target", drawn.reshape(DRAWS, *pair.x.shape), pair.x[None].expand(DRAWS, -1, -1, -1))
        for name, (f, x) in _bands(haar, draws, truth[:1]).items():
            of_draws = float(f.var(dim=0, correction=1).mean())
            variance[name] = variance.get(name, 0.0) + of_draws
            error[name] = error.get(name, 0.0) + float((f - x).square().mean()) - of_draws
    if not variance:
        raise InputError("the truth of every image is constant, and spreads have no scale; give images with a content")
    return {name: math.sqrt(variance[name] / max(error[name], 1e-12)) for name in variance}


def calibrated_temperature(pipe: Pipeline, row: Row, data: PairSource, images: int = IMAGES) -> float:
    """The temperature at which the geometric mean over bands of :func:`spread_of_bands` is 1, to two digits.

    Few-step samples of a network that was trained for a mean spread too little; their spread grows nearly in
    proportion to the noise. Choose it on images that judge nothing. Found by secants in logarithms, between
    ``COLDEST`` and ``HOTTEST``.

    Raises:
        InputError: a row whose draws do not differ.
    """

    def mean_log_ratio(heat: float) -> float:
        ratios = spread_of_bands(pipe, row.model_copy(update={"temperature": heat}), data, images).values()
        if min(ratios) == 0:
            raise InputError(f"{row.system}: its draws do not differ, and no temperature makes them")
        return sum(math.log(ratio) for ratio in ratios) / len(ratios)

    tried = [(0.0, mean_log_ratio(1.0))]  # logarithms of temperature and mean ratio
    while abs(tried[-1][1]) > TOLERANCE and len(tried) < TRIES:
        slope = 1.0  # spread in proportion to the noise
        for (before, ratio_before), (now, ratio) in list(pairwise(tried))[-1:]:
            slope = min(2.0, max(0.5, (ratio - ratio_before) / (now - before))) if now != before else slope
        heat = min(HOTTEST, max(COLDEST, math.exp(tried[-1][0] - tried[-1][1] / slope)))
        tried.append((math.log(heat), mean_log_ratio(heat)))
    return round(math.exp(min(tried, key=lambda t: abs(t[1]))[0]), 2)


def _bands(haar: Haar, *images: Tensor) -> dict[str, tuple[Tensor, ...]]:
    """Bands of several batches by name."""
    split = [haar.forward(image) for image in images]
    named = {f"ll{LEVELS}": tuple(s.ll for s in split)}
    for index in range(LEVELS):
        for band in ("h", "v", "d"):
            named[f"{band}{LEVELS - index}"] = tuple(getattr(s.details[index], band) for s in split)
    return named
