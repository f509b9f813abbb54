"""Noise scales that make systems comparable: S/v the same for all, v the variance of x0 given y in the band of each."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from wavegen.analysis import BandSpectrum, residual_spectra
from wavegen.bridges.planning.placement import SCALES
from wavegen.core.config import Spec
from wavegen.core.registry import build, validate
from wavegen.core.types import Pair
from wavegen.pipeline.config import PipelineConfig

GROWING = ("beta_max", "b_d", "b_min")  # options that S grows with, but not in proportion
DIGITS = ".4g"


@torch.no_grad()
def coarsest(pairs: Sequence[Pair], config: PipelineConfig) -> BandSpectrum:
    """The spectra of a system's coarsest band: of x, and of what the best linear estimate from y's leaves.

    Raises:
        InputError: fewer than 8 pairs, or bands below 8 x 8.
    """
    return residual_spectra(pairs, build("transform", config.transform), config.intensity, images=len(pairs))[0]


def residual_variance(band: BandSpectrum) -> float:
    """v, the mean over all frequencies, in units in which the band has variance 1: an upper bound of what a network
    that sees all of y leaves."""
    return sum(v * m for v, m in zip(band.residual, band.modes, strict=True)) / sum(band.modes)


def with_variance(bridge: Spec, S: float) -> Spec:
    """The process with total variance S; unchanged where it has no scale (ddpm, flow, regression).

    S as each process defines it (:attr:`~wavegen.bridges.Bridge.total_variance`), sigma0² of indi.
    """
    _, options = validate("bridge", bridge)
    for option, of in SCALES.items():
        if option in options:
            return {**bridge, option: float(format(of(S), DIGITS))}
    growing = {key: float(options[key]) for key in GROWING if key in options}
    if not growing:
        return dict(bridge)
    low, high = -6.0, 6.0  # logarithm of what the options are multiplied by
    for _ in range(60):
        middle = (low + high) / 2
        scaled = {**bridge, **{key: float(format(value * math.exp(middle), ".6g")) for key, value in growing.items()}}
        low, high = (middle, high) if build("bridge", scaled).total_variance < S else (low, middle)
    return scaled
