"""Are samples as spread as they are wrong? Scores of an ensemble against the truth."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from wavegen.core.errors import InputError
from wavegen.core.registry import register
from wavegen.metrics._inputs import DataRange, check_finite, check_images, range_per_image
from wavegen.metrics.base import EnsembleMetric
from wavegen.metrics.image import spread


def _check(samples: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    target = check_images("target", target)
    if samples.ndim != 5 or samples.shape[1:] != target.shape or not samples.is_floating_point():
        raise InputError(
            f"samples must be floating point and (S, B, C, H, W) over targets (B, C, H, W), "
            f"got {tuple(samples.shape)} of {samples.dtype} over {tuple(target.shape)}"
        )
    if len(samples) < 2:
        raise InputError("an ensemble needs at least 2 samples of each image: its spread is not known from one")
    check_finite(samples, target)
    return samples.to(target.dtype), target


def crps(samples: Tensor, target: Tensor, fair: bool = True) -> Tensor:
    """Continuous ranked probability score, the mean over pixels, in intensity units; lower is better.

    mean_i |x_i - y| - sum_ij |x_i - x_j| / (2 S (S - 1)) (Ferro 2014, doi:10.1002/qj.2270: fair, its expectation does
    not depend on S), or with 2 S² in place of 2 S (S - 1) (the ensemble taken for the whole distribution).

    Args:
        samples: (S, B, C, H, W), S >= 2.
        target: (B, C, H, W).
        fair: which of the two.

    Returns:
        (B,). The fair score may be slightly negative.

    Raises:
        InputError: shapes do not fit, one sample only, or values that are not finite.
    """
    samples, target = _check(samples, target)
    s = len(samples)
    error = (samples - target).abs().mean(dim=0)
    # sum_i<j (x_(j) - x_(i)) = sum_i (2 i - S - 1) x_(i), i from 1, over the sorted samples.
    weight = 2 * torch.arange(1, s + 1, dtype=target.dtype, device=target.device) - s - 1
    ordered = (samples - samples.mean(dim=0)).sort(dim=0).values
    pairs = (weight.view(-1, 1, 1, 1, 1) * ordered).sum(dim=0)
    return (error - pairs / (s * (s - 1) if fair else s * s)).mean(dim=(1, 2, 3))


def spread_skill(samples: Tensor, target: Tensor) -> Tensor:
    """Spread over error of the ensemble mean: 1 where the samples are as uncertain as they are wrong.

    sqrt((S + 1) / S · mean variance) / root mean squared error of the mean (Fortin et al. 2014,
    doi:10.1175/JHM-D-14-0008.1); below 1 the samples are too sure of themselves.

    Args:
        samples: (S, B, C, H, W), S >= 2.
        target: (B, C, H, W).

    Returns:
        (B,); infinite where the mean is exact.

    Raises:
        InputError: as :func:`crps`.
    """
    samples, target = _check(samples, target)
    s = len(samples)
    variance = samples.var(dim=0, correction=1).mean(dim=(1, 2, 3))
    error = (samples.mean(dim=0) - target).square().mean(dim=(1, 2, 3))
    return ((s + 1) / s * variance / error).sqrt()


@register(
    "metric",
    "crps",
    "fair continuous ranked probability score of samples, over the range of intensities",
    paper="Ferro 2014, doi:10.1002/qj.2270",
    capabilities=("ensemble", "lower_is_better"),
)
class Crps(EnsembleMetric):
    """:func:`crps` over the range of intensities."""

    title = "CRPS"
    higher_is_better, best = False, 0.0  # fair, it may be slightly negative
    places = ()

    def __call__(self, samples: Tensor, target: Tensor, data_range: DataRange) -> Tensor:
        """:func:`crps` over ``data_range``."""
        return crps(samples, target) / range_per_image(data_range, target).flatten().to(target)


@register(
    "metric",
    "spread",
    "root mean square over pixels of the standard deviation of samples, over the range of intensities",
    capabilities=("ensemble",),
)
class Spread(EnsembleMetric):
    """:func:`wavegen.metrics.spread` over the range of intensities; by itself neither good nor bad."""

    title = "spread"
    higher_is_better, values = None, (0.0, math.inf)
    places = ("evaluate", "table")

    def __call__(self, samples: Tensor, target: Tensor, data_range: DataRange) -> Tensor:
        """:func:`wavegen.metrics.spread` over ``data_range``."""
        samples, target = _check(samples, target)
        return spread(samples) / range_per_image(data_range, target).flatten().to(target)


@register(
    "metric",
    "spread_skill",
    "spread of samples over the error of their mean",
    paper="Fortin et al. 2014, doi:10.1175/JHM-D-14-0008.1",
    capabilities=("ensemble", "ideal_is_one"),
)
class SpreadSkill(EnsembleMetric):
    """:func:`spread_skill` as a component."""

    title, form = "spread/skill", ".2f"
    higher_is_better, best, values = None, 1.0, (0.0, math.inf)
    places = ("table",)

    def __call__(self, samples: Tensor, target: Tensor, data_range: DataRange) -> Tensor:
        """:func:`spread_skill`: a ratio has no units, so that the range drops out."""
        return spread_skill(samples, target)
