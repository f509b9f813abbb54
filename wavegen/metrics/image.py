"""Fidelity to the target, and the spread of samples, image by image."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from wavegen.core.errors import InputError
from wavegen.core.registry import register
from wavegen.metrics._inputs import DataRange, check_pair, range_per_image, wide
from wavegen.metrics.base import PairedMetric

SSIM_WINDOW = 11
SSIM_SIGMA = 1.5
SSIM_K1, SSIM_K2 = 0.01, 0.03


def psnr(restored: Tensor, target: Tensor, data_range: DataRange) -> Tensor:
    """Peak signal-to-noise ratio, 10 log10(data_range² / mean squared error), in dB.

    Args:
        restored: (B, C, H, W).
        target: (B, C, H, W).
        data_range: the width of the range of possible intensities, in the images' units (1.0, 255.0,
            65535.0, ...); a number, or a (B,) tensor.

    Returns:
        (B,); infinite where the images are equal.

    Raises:
        InputError: shapes differ or are not (B, C, H, W); integer images; a range that is not positive.
    """
    restored, target = check_pair(restored, target)
    scale = range_per_image(data_range, restored)
    error = ((wide(restored) - wide(target)) / scale).square().mean(dim=(1, 2, 3))
    return (-10.0 * torch.log10(error)).to(restored.dtype)


def rmse(restored: Tensor, target: Tensor, data_range: DataRange) -> Tensor:
    """Root mean squared error over ``data_range``.

    Args:
        restored: (B, C, H, W).
        target: (B, C, H, W).
        data_range: as for :func:`psnr`.

    Returns:
        (B,).

    Raises:
        InputError: as :func:`psnr`.
    """
    restored, target = check_pair(restored, target)
    error = (wide(restored) - wide(target)).square().mean(dim=(1, 2, 3)).sqrt()
    return (error / range_per_image(data_range, restored).flatten()).to(restored.dtype)


def ssim(restored: Tensor, target: Tensor, data_range: DataRange) -> Tensor:
    """Structural similarity (Wang et al. 2004, doi:10.1109/TIP.2003.819861, eq. 13), in [-1, 1].

    Gaussian window 11×11, sigma 1.5, K1 = 0.01, K2 = 0.03, population moments; the mean over
    channels and over the windows that lie inside the image. Differentiable; computed in float64,
    whatever autocast says.

    Args:
        restored: (B, C, H, W) with H, W >= 11.
        target: (B, C, H, W).
        data_range: as for :func:`psnr`.

    Returns:
        (B,).

    Raises:
        InputError: as :func:`psnr`, or an image smaller than the window.
    """
    restored, target = check_pair(restored, target)
    if min(restored.shape[2:]) < SSIM_WINDOW:
        height, width = restored.shape[2:]
        raise InputError(f"SSIM needs images of at least 11 x 11 pixels (its window), got {height} x {width}")
    scale = range_per_image(data_range, restored)
    luminance, structure = ssim_parts(restored, target, scale)
    return (luminance * structure).mean(dim=(1, 2, 3)).to(restored.dtype)


def ssim_parts(restored: Tensor, target: Tensor, scale: Tensor) -> tuple[Tensor, Tensor]:
    """SSIM's two factors at every window inside the image, (B, C, H - 10, W - 10) each.

    They are luminance, and contrast times structure, each in [-1, 1]; float64. ``scale`` is the range,
    broadcast against the images.
    """
    restored, target, scale = wide(restored), wide(target), wide(scale)
    # Variances do not change with an offset; taking the mean off first spares them the cancellation.
    offset = target.detach().mean(dim=(2, 3), keepdim=True)
    with torch.autocast(restored.device.type, enabled=False):
        x, y, offset = (restored - offset) / scale, (target - offset) / scale, offset / scale
        mean_x, mean_y, xx, yy, xy = _window_mean(torch.stack((x, y, x * x, y * y, x * y))).unbind()
        # What rounding takes beyond the inequalities of variances would be divided by c2 alone.
        var_x, var_y = (xx - mean_x**2).clamp_min(0), (yy - mean_y**2).clamp_min(0)
        limit = (var_x * var_y).sqrt().detach()
        cov = (xy - mean_x * mean_y).clamp(-limit, limit)
        mean_x, mean_y = mean_x + offset, mean_y + offset
        c1, c2 = SSIM_K1**2, SSIM_K2**2
        luminance = (2 * mean_x * mean_y + c1) / (mean_x**2 + mean_y**2 + c1)
        structure = (2 * cov + c2) / (var_x + var_y + c2)
    return luminance, structure


def _window_mean(images: Tensor) -> Tensor:
    """Gaussian-weighted mean over every window inside the image: (..., H, W) -> (..., H-10, W-10)."""
    position = torch.arange(SSIM_WINDOW, dtype=images.dtype, device=images.device) - SSIM_WINDOW // 2
    weight = torch.exp(-0.5 * (position / SSIM_SIGMA) ** 2)
    weight = weight / weight.sum()
    flat = images.reshape(-1, 1, *images.shape[-2:])
    flat = F.conv2d(F.conv2d(flat, weight.view(1, 1, -1, 1)), weight.view(1, 1, 1, -1))
    return flat.reshape(*images.shape[:-2], *flat.shape[-2:])


def spread(samples: Tensor) -> Tensor:
    """How much restorations of one input differ: the root mean square of the pixels' standard deviation.

    Args:
        samples: (S, B, C, H, W), S samples of each of B restorations.

    Returns:
        (B,), in the units of the samples (ddof = 1); 0 for a single sample.

    Raises:
        InputError: not a non-empty (S, B, C, H, W) floating-point tensor.
    """
    if samples.ndim != 5 or samples.numel() == 0 or not samples.is_floating_point():
        raise InputError(
            "samples must be a non-empty floating-point (S, B, C, H, W) tensor, "
            f"got shape {tuple(samples.shape)} of {samples.dtype}"
        )
    kept = samples if samples.dtype == torch.float64 else samples.float()
    if len(kept) == 1:
        return kept.new_zeros(kept.shape[1])
    return kept.var(dim=0, correction=1).mean(dim=(1, 2, 3)).sqrt()


@register(
    "metric",
    "psnr",
    "peak signal-to-noise ratio in dB, of each image against its target",
    capabilities=("paired", "higher_is_better"),
)
class Psnr(PairedMetric):
    """:func:`psnr` as a component."""

    title, unit, form = "PSNR", "dB", ".2f"
    higher_is_better, best = True, math.inf

    def __call__(self, restored: Tensor, target: Tensor, data_range: DataRange) -> Tensor:
        """:func:`psnr`."""
        return psnr(restored, target, data_range)


@register(
    "metric",
    "rmse",
    "root mean squared error over the range of intensities, of each image from its target",
    capabilities=("paired", "lower_is_better", "differentiable"),
)
class Rmse(PairedMetric):
    """:func:`rmse` as a component."""

    title = "RMSE"
    higher_is_better, best, values = False, 0.0, (0.0, math.inf)
    places = ()

    def __call__(self, restored: Tensor, target: Tensor, data_range: DataRange) -> Tensor:
        """:func:`rmse`."""
        return rmse(restored, target, data_range)


@register(
    "metric",
    "ssim",
    "structural similarity (Gaussian window 11, sigma 1.5), of each image against its target",
    paper="Wang et al. 2004, doi:10.1109/TIP.2003.819861",
    capabilities=("paired", "higher_is_better", "differentiable"),
)
class Ssim(PairedMetric):
    """:func:`ssim` as a component."""

    title = "SSIM"
    higher_is_better, best, values = True, 1.0, (-1.0, 1.0)
    least_side = SSIM_WINDOW

    def __call__(self, restored: Tensor, target: Tensor, data_range: DataRange) -> Tensor:
        """:func:`ssim`."""
        return ssim(restored, target, data_range)
