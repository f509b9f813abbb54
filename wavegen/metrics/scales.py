"""On which intensity scale a restoration is compared with its target: a choice that a score is nothing without."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor

from wavegen.core.errors import InputError
from wavegen.core.intensity import intensity_range
from wavegen.metrics._inputs import wide
from wavegen.metrics.invariant import apply_affine, fit_affine

Scale = Literal["target", "affine", "fixed", "luma"]
OWN_RANGE = ("target", "affine")  # scales that are the target's own range
TOP = 255.0  # of 8-bit images, for "fixed" and "luma"
LUMA_BORDER = 4  # pixels that the super-resolution literature leaves out at x 4
# Weights of R, G, B in ITU-R BT.601's luma, whose 8-bit range is 16 to 235.
LUMA, LUMA_OFFSET = (65.481 / 255, 128.553 / 255, 24.966 / 255), 16.0


def target_range(target: Tensor) -> tuple[Tensor, Tensor]:
    """Offset and width of each image's range (:func:`~wavegen.core.intensity.intensity_range`), (N, 1, 1, 1) float64.

    The width is 0 for a constant image alone.
    """
    ranges = [intensity_range(image.detach().cpu().numpy()) for image in target]
    both = torch.tensor(ranges, dtype=torch.float64, device=target.device)
    return both[:, 0].view(-1, 1, 1, 1), both[:, 1].view(-1, 1, 1, 1)


def to_target_range(restored: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Both images scaled by the target's range, in float64; values beyond it stay. A constant target becomes 0."""
    low, width = target_range(target)
    width = torch.where(width > 0, width, 1.0)
    return (restored - low) / width, (target - low) / width


def affine_fit(image: Tensor, target: Tensor) -> Tensor:
    """Each image of (N, C, H, W) with the gain and offset that bring it closest to its target in least squares."""
    return apply_affine(image, fit_affine(image, target))


def _affine(restored: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    return to_target_range(affine_fit(wide(restored), target), target)


def _fixed(restored: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    return restored / TOP, target / TOP


def _luma(restored: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    height, width = target.shape[-2:]
    if min(height, width) <= 2 * LUMA_BORDER:
        raise InputError(f"scale luma leaves out {LUMA_BORDER} pixels at each border: {height} x {width} is too small")
    inner = slice(LUMA_BORDER, -LUMA_BORDER)

    def luma(image: Tensor) -> Tensor:
        image = image.round().clamp(0, TOP)[..., inner, inner]  # what an 8-bit file would hold
        if image.shape[1] == 3:
            weights = torch.tensor(LUMA, dtype=image.dtype, device=image.device).view(1, 3, 1, 1)
            image = (image * weights).sum(dim=1, keepdim=True) + LUMA_OFFSET
        return image / TOP

    return luma(restored), luma(target)


SCALES: dict[str, Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]] = {
    "target": to_target_range,
    "affine": _affine,
    "fixed": _fixed,
    "luma": _luma,
}


def scaled(scale: Scale, restored: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Restorations and targets (N, C, H, W) on a scale of width 1.

    ``target``: by the target's own 0.1 and 99.9 percentiles (smallest and largest value where these are equal), nothing
    fitted (a restoration off in gain or offset is scored as such). ``affine``: the same after the least-squares gain
    and offset of each image, for pairs whose intensities are on unrelated scales. ``fixed``: by 255, for 8-bit images.
    ``luma``: BT.601 luma of 8-bit images over 255, without a border of 4 pixels, as the super-resolution literature
    does.
    """
    return SCALES[scale](restored, target)


def has_scale(scale: Scale, target: Tensor) -> Tensor:
    """Which targets (N, C, H, W) have a scale to be compared on: all but constant ones, of their own range; (N,)."""
    flat = target.flatten(1)
    varied = flat.amax(dim=1) > flat.amin(dim=1)
    return varied if scale in OWN_RANGE else torch.ones_like(varied)
