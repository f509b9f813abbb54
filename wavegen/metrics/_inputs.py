"""Checks and conversions that every metric shares."""

from __future__ import annotations

import torch
from torch import Tensor

from wavegen.core.errors import InputError

DataRange = float | Tensor


def check_images(name: str, images: Tensor) -> Tensor:
    """``images`` (B, C, H, W) as float32 (float64 stays float64).

    Raises:
        InputError: not four dimensions, empty, or not floating point.
    """
    if images.ndim != 4 or images.numel() == 0:
        raise InputError(f"{name} must be a non-empty (B, C, H, W) tensor, got shape {tuple(images.shape)}")
    if not images.is_floating_point():
        raise InputError(f"{name} must be a floating-point tensor, got {images.dtype}: convert it with .float()")
    return images if images.dtype == torch.float64 else images.float()


def check_pair(restored: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Two image batches of one shape, as :func:`check_images` returns them."""
    if restored.shape != target.shape:
        raise InputError(
            f"restored and target must have one shape, got {tuple(restored.shape)} and {tuple(target.shape)}"
        )
    return check_images("restored", restored), check_images("target", target)


def range_per_image(data_range: DataRange, images: Tensor) -> Tensor:
    """``data_range`` as a (B, 1, 1, 1) or (1, 1, 1, 1) tensor like ``images``.

    Raises:
        InputError: neither a number nor one number per image; or not positive and finite.
    """
    value = torch.as_tensor(data_range, dtype=images.dtype, device=images.device)
    if value.shape not in ((), (len(images),)):
        raise InputError(
            f"data_range must be a number or one number per image ({len(images)}), got shape {tuple(value.shape)}"
        )
    if not bool((torch.isfinite(value) & (value > 0)).all()):
        raise InputError(f"data_range must be positive and finite, got {data_range}")
    return value.reshape(-1, 1, 1, 1)


def to_unit_rgb(images: Tensor, data_range: DataRange) -> Tensor:
    """``images`` (B, 1 or 3, H, W) in [0, data_range] as float32 (B, 3, H, W) in [0, 1]; grey is repeated.

    Raises:
        InputError: as :func:`check_images` and :func:`range_per_image`, or other than 1 or 3 channels.
    """
    images = check_images("images", images)
    if images.shape[1] not in (1, 3):
        raise InputError(
            f"this metric needs 1 (grey) or 3 (RGB) channels, got {images.shape[1]}: compute it channel by channel"
        )
    return (images / range_per_image(data_range, images)).float().expand(-1, 3, -1, -1)


def check_finite(*images: Tensor) -> None:
    """Refuse NaN and infinity.

    Raises:
        InputError: a value that is not finite.
    """
    if not all(bool(torch.isfinite(each).all()) for each in images):
        raise InputError("an image holds values that are not finite: this metric would fit them")


def is_constant(images: Tensor) -> Tensor:
    """Which images of (B, C, H, W) hold one value alone: (B,)."""
    flat = images.flatten(1)
    return flat.amax(dim=1) == flat.amin(dim=1)


def wide(images: Tensor) -> Tensor:
    """``images`` in float64, for differences of nearly equal numbers; as they are on devices that have no float64."""
    return images if images.device.type == "mps" else images.double()
