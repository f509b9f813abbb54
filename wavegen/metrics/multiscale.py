"""SSIM over five scales."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from wavegen.core.errors import InputError
from wavegen.core.registry import register
from wavegen.metrics._inputs import DataRange, check_pair, range_per_image, wide
from wavegen.metrics.base import PairedMetric
from wavegen.metrics.image import SSIM_WINDOW, ssim_parts

WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # finest scale first
SMALLEST = SSIM_WINDOW * 2 ** (len(WEIGHTS) - 1)


def ms_ssim(restored: Tensor, target: Tensor, data_range: DataRange) -> Tensor:
    """Multi-scale structural similarity (Wang et al. 2003, doi:10.1109/ACSSC.2003.1292216, eq. 7), in [0, 1].

    The product over five scales, each half the size of the one before (means of 2 x 2), of the mean contrast and
    structure to the paper's powers, with luminance at the coarsest. A negative mean counts as 0. Windows as in
    :func:`wavegen.metrics.ssim`.

    Args:
        restored: (B, C, H, W) with H, W >= 176: the coarsest scale must hold one window.
        target: (B, C, H, W).
        data_range: as for :func:`wavegen.metrics.psnr`.

    Returns:
        (B,).

    Raises:
        InputError: as :func:`wavegen.metrics.psnr`, or an image that is too small.
    """
    restored, target = check_pair(restored, target)
    if min(restored.shape[2:]) < SMALLEST:
        height, width = restored.shape[2:]
        raise InputError(
            f"MS-SSIM needs images of at least {SMALLEST} x {SMALLEST} pixels (11 at the fifth scale), "
            f"got {height} x {width}: use ssim for smaller ones"
        )
    kind, scale = restored.dtype, range_per_image(data_range, restored)
    restored, target = wide(restored), wide(target)
    result = torch.ones(len(restored), dtype=restored.dtype, device=restored.device)
    for level, weight in enumerate(WEIGHTS):
        luminance, structure = ssim_parts(restored, target, scale)
        last = level == len(WEIGHTS) - 1
        part = (luminance * structure if last else structure).mean(dim=(1, 2, 3))
        result = result * part.clamp_min(0) ** weight
        if not last:
            restored, target = F.avg_pool2d(restored, 2), F.avg_pool2d(target, 2)
    return result.to(kind)


@register(
    "metric",
    "ms_ssim",
    "structural similarity over five scales, of each image against its target",
    paper="Wang et al. 2003, doi:10.1109/ACSSC.2003.1292216",
    capabilities=("paired", "higher_is_better", "differentiable"),
)
class MsSsim(PairedMetric):
    """:func:`ms_ssim` as a component."""

    title = "MS-SSIM"
    higher_is_better, best, values = True, 1.0, (0.0, 1.0)
    least_side = SMALLEST
    places = ("evaluate",)

    def __call__(self, restored: Tensor, target: Tensor, data_range: DataRange) -> Tensor:
        """:func:`ms_ssim`."""
        return ms_ssim(restored, target, data_range)
