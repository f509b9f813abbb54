"""Scores that do not depend on the gain and offset of the restored image."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from wavegen.core.registry import register
from wavegen.metrics._inputs import DataRange, check_finite, check_pair, is_constant, range_per_image
from wavegen.metrics.base import PairedMetric
from wavegen.metrics.image import SSIM_WINDOW, psnr, ssim

BACKGROUND = 0.03  # MicroSSIM's background is this quantile
GOLDEN = (5**0.5 - 1) / 2
STEPS = 40  # of the golden section: the bracket shrinks to 4e-9 of its width


class Affine(NamedTuple):
    """``gain`` and ``offset``, (B,) each."""

    gain: Tensor
    offset: Tensor


def fit_affine(restored: Tensor, target: Tensor) -> Affine:
    """Gain and offset with the least squared error of gain · restored + offset against the target.

    One pair for each image, all channels together, in float64; gain 0 for a constant image. The fit of Weigert et al.
    2018 (doi:10.1038/s41592-018-0216-7, supplementary note on metrics).

    Args:
        restored: (B, C, H, W).
        target: (B, C, H, W).

    Raises:
        InputError: shapes differ or are not (B, C, H, W); integer images; values that are not finite.
    """
    restored, target = check_pair(restored, target)
    check_finite(restored, target)
    x, y = restored.flatten(1).double(), target.flatten(1).double()
    mean_x, mean_y = x.mean(dim=1, keepdim=True), y.mean(dim=1, keepdim=True)
    square = (x - mean_x).square().sum(dim=1)
    # The mean of a constant is off it by rounding: its spread is none.
    varied = (x.amax(dim=1) > x.amin(dim=1)) & (square > 0)
    gain = torch.where(varied, ((x - mean_x) * (y - mean_y)).sum(dim=1) / torch.where(varied, square, 1.0), 0.0)
    return Affine(gain, mean_y[:, 0] - gain * mean_x[:, 0])


def apply_affine(images: Tensor, affine: Affine) -> Tensor:
    """gain · images + offset, (B, C, H, W), computed in float64, in the images' type."""
    gain, offset = (value.view(-1, 1, 1, 1) for value in affine)
    return (images.double() * gain + offset).to(images.dtype)


def range_invariant_psnr(restored: Tensor, target: Tensor, data_range: DataRange) -> Tensor:
    """PSNR after the gain and offset that suit each restored image best (:func:`fit_affine`), in dB.

    The scale is still that of ``data_range``; the range of the target itself, max - min, is what CARE's code takes.
    A restoration that is upside down (negative gain) scores as its negative would.

    Args:
        restored: (B, C, H, W).
        target: (B, C, H, W).
        data_range: as for :func:`wavegen.metrics.psnr`.

    Returns:
        (B,); NaN where the target is constant, which any image can be fitted to.

    Raises:
        InputError: as :func:`wavegen.metrics.psnr`, or values that are not finite.
    """
    restored, target = check_pair(restored, target)
    score = psnr(apply_affine(restored, fit_affine(restored, target)), target, data_range)
    return torch.where(is_constant(target), math.nan, score)


def micro_ssim(restored: Tensor, target: Tensor, data_range: DataRange) -> Tensor:
    """MicroSSIM (Ashesh et al. 2024, arXiv 2408.08747): SSIM of the signals above background, at the best gain.

    Background is the 3 % quantile. Both images lose theirs and are divided by the target's highest value above it; the
    restored one is then multiplied by the alpha > 0 that maximises the mean SSIM.

    Unlike the authors' package, which fits background and alpha once for a whole data set, this fits each image by
    itself, so that a score does not depend on the other images. ``data_range`` is checked and otherwise not used: after
    the division the range is 1. The SSIM is :func:`wavegen.metrics.ssim`.

    Args:
        restored: (B, C, H, W) with H, W >= 11.
        target: (B, C, H, W).
        data_range: as for :func:`wavegen.metrics.psnr`.

    Returns:
        (B,), in [-1, 1]; NaN where the target is constant, or has nothing above its background.

    Raises:
        InputError: as :func:`wavegen.metrics.ssim`; values that are not finite.
    """
    restored, target = check_pair(restored, target)
    check_finite(restored, target)
    range_per_image(data_range, restored)
    x, y = (_above_background(images) for images in (restored, target))
    peak = y.amax(dim=(1, 2, 3), keepdim=True)
    scores = x.new_full((len(x),), math.nan)
    for i in (peak.flatten() > 0).nonzero().flatten().tolist():
        scores[i] = _best_gain((x[i] / peak[i])[None], (y[i] / peak[i])[None])
    return scores


def _above_background(images: Tensor) -> Tensor:
    flat = images.flatten(1)
    rank = max(1, round(BACKGROUND * flat.shape[1]))
    # torch.quantile takes no more than 2^24 values.
    return images - flat.kthvalue(rank, dim=1).values.view(-1, 1, 1, 1)


def _best_gain(x: Tensor, y: Tensor) -> Tensor:
    """The largest SSIM(alpha x, y): alpha searched coarsely over four decades, then by golden section in its log."""
    guess = float((x * y).mean() / x.square().mean().clamp_min(1e-30))
    centre = torch.tensor(max(guess, 1e-6)).log10()

    def score(exponent: float) -> float:
        return float(ssim(x * 10.0**exponent, y, 1.0)[0])

    grid = [float(v) for v in centre + torch.linspace(-2, 2, 17)]
    best = max(range(len(grid)), key=lambda i: score(grid[i]))
    low, high = grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)]
    for _ in range(STEPS):
        a, b = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
        low, high = (low, b) if score(a) > score(b) else (a, high)
    return ssim(x * 10.0 ** ((low + high) / 2), y, 1.0)[0]


@register(
    "metric",
    "range_invariant_psnr",
    "PSNR in dB after the best gain and offset, of each image against its target",
    paper="Weigert et al. 2018, doi:10.1038/s41592-018-0216-7",
    capabilities=("paired", "higher_is_better", "affine_invariant"),
)
class RangeInvariantPsnr(PairedMetric):
    """:func:`range_invariant_psnr` as a component."""

    title, unit, form = "range-invariant PSNR", "dB", ".2f"
    higher_is_better, best = True, math.inf
    key = "ri_psnr"
    places = ()

    def __call__(self, restored: Tensor, target: Tensor, data_range: DataRange) -> Tensor:
        """:func:`range_invariant_psnr`."""
        return range_invariant_psnr(restored, target, data_range)


@register(
    "metric",
    "micro_ssim",
    "SSIM above background at the best gain, of each image against its target",
    paper="Ashesh et al. 2024, arXiv 2408.08747",
    capabilities=("paired", "higher_is_better", "affine_invariant"),
)
class MicroSsim(PairedMetric):
    """:func:`micro_ssim` as a component."""

    title = "MicroSSIM"
    higher_is_better, best, values = True, 1.0, (-1.0, 1.0)
    least_side = SSIM_WINDOW

    def __call__(self, restored: Tensor, target: Tensor, data_range: DataRange) -> Tensor:
        """:func:`micro_ssim`."""
        return micro_ssim(restored, target, data_range)
