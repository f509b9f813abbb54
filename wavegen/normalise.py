"""Units: image intensities <-> network units, subbands <-> unit variance."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from wavegen.config import Intensity
from wavegen.errors import InputError
from wavegen.transforms import Transform, subband_statistics
from wavegen.transforms import low_bands as low_bands  # for those who look for it here
from wavegen.types import Details

INTEGER_RANGE = {torch.uint8: 255, torch.uint16: 65535}


@dataclass(frozen=True)
class Layout:
    """How the user's array looked, so that results can be given back in the same form."""

    numpy: bool
    dtype: torch.dtype
    ndim: int
    device: torch.device

    def give_back(self, batch: Tensor, *, integer: bool = True) -> Any:
        """(..., B, C, H, W) float -> the user's shape, container and, where ``integer``, dtype (rounded, clipped)."""
        lead = batch.ndim - 4
        if self.ndim < 4:
            batch = batch.squeeze(lead)
        if self.ndim < 3:
            batch = batch.squeeze(lead)
        top = INTEGER_RANGE.get(self.dtype)
        if top is not None and integer:
            batch = batch.round().clamp(0, top).to(self.dtype)
        elif top is None:
            batch = batch.to(self.dtype)
        return batch.numpy() if self.numpy else batch.to(self.device)


def as_batch(image: Any, channels: int) -> tuple[Tensor, Layout]:
    """Check an image (numpy or tensor; (H,W), (C,H,W) or (B,C,H,W)) and return it as float32 (B,C,H,W).

    Raises:
        InputError: not an array, dtype other than uint8, uint16, float32 or float64, size 0, another number of
            channels, NaN or infinity (with its position).
    """
    if isinstance(image, np.ndarray):
        if image.dtype.name not in ("uint8", "uint16", "float32", "float64"):
            raise InputError(f"image dtype is {image.dtype}; give uint8, uint16, float32 or float64")
        native = np.require(image, dtype=image.dtype.newbyteorder("="), requirements=["C", "W"])
        tensor = torch.from_numpy(native)
    elif isinstance(image, Tensor):
        tensor = image.detach().cpu()
        if tensor.dtype not in (torch.uint8, torch.uint16, torch.float32, torch.float64):
            raise InputError(f"image dtype is {tensor.dtype}; give uint8, uint16, float32 or float64")
    else:
        raise InputError(f"an image is a numpy array or a tensor, not {type(image).__name__}")
    device = image.device if isinstance(image, Tensor) else tensor.device
    layout = Layout(isinstance(image, np.ndarray), tensor.dtype, tensor.ndim, device)
    shape = tuple(tensor.shape)
    if tensor.ndim not in (2, 3, 4) or 0 in shape:
        raise InputError(f"image shape is {shape}; give (H, W), (C, H, W) or (B, C, H, W) without a size 0")
    batch = tensor[(None,) * (4 - tensor.ndim)]
    if batch.shape[1] != channels:
        raise InputError(
            f"image of shape {shape} has {batch.shape[1]} channel(s), the model takes {channels}; "
            "give one image per channel group, channels first"
        )
    batch = batch.to(torch.float32)
    finite = torch.isfinite(batch)
    if not finite.all():
        where = tuple(int(i) for i in (~finite).nonzero()[0])[4 - tensor.ndim :]
        raise InputError(
            f"image has {int((~finite).sum())} values that are NaN or infinite, the first at {where}; replace them"
        )
    return batch, layout


def intensity_of(y: Tensor, config: Intensity) -> tuple[Tensor, Tensor]:
    """Offset and scale, each (B, 1, 1, 1), that map each image of ``y`` (B, C, H, W) to network units."""
    count = y.shape[0]
    if config.mode == "fixed":
        offset, scale = np.full(count, config.offset), np.full(count, config.scale)
    else:
        flat = y.reshape(count, -1).cpu().numpy()
        low, high = np.percentile(flat, [config.low, config.high], axis=1)
        # A constant image has no contrast to stretch: map it to zero with its own magnitude as the scale.
        size = np.maximum(np.abs(low), np.abs(high))
        offset, scale = low, np.where(high - low > 1e-6 * size, high - low, np.where(size > 0, size, 1.0))
    both = torch.as_tensor(np.stack([offset, scale]), dtype=torch.float32, device=y.device)
    return both[0].view(-1, 1, 1, 1), both[1].view(-1, 1, 1, 1)


def target_intensity(x: Tensor, of_y: tuple[Tensor, Tensor], config: Intensity) -> tuple[Tensor, Tensor]:
    """Offset and scale, each (B, 1, 1, 1), of the clean images ``x`` whose degraded images have those of ``of_y``."""
    if config.target == "own":
        return intensity_of(x, config.model_copy(update={"mode": "percentile"}))
    return result_intensity(of_y, config)


def result_intensity(of_y: tuple[Tensor, Tensor], config: Intensity) -> tuple[Tensor, Tensor]:
    """Offset and scale that bring network units back to the units of results."""
    if config.target != "fixed":
        return of_y
    like = of_y[0]
    return torch.full_like(like, config.offset), torch.full_like(like, config.scale)


class SubbandNorm(nn.Module):
    """Zero mean and unit variance for low bands, unit variance for high bands, from data statistics.

    Index 0 is the coarsest level. ``low_*`` are (max(levels, 1), C'), ``detail_scale`` (levels, 3, C).
    """

    low_mean: Tensor
    low_scale: Tensor
    detail_scale: Tensor

    def __init__(self, transform: Transform, channels: int) -> None:
        super().__init__()
        count, wide = max(transform.levels, 1), transform.coarse_channels(channels)
        self.register_buffer("low_mean", torch.zeros(count, wide))
        self.register_buffer("low_scale", torch.ones(count, wide))
        self.register_buffer("detail_scale", torch.ones(transform.levels, 3, channels))

    def low(self, band: Tensor, index: int) -> Tensor:
        """Normalise the low band of level ``index``."""
        return (band - self.low_mean[index][:, None, None]) / self.low_scale[index][:, None, None]

    def low_inverse(self, band: Tensor, index: int) -> Tensor:
        """Undo :meth:`low`."""
        return band * self.low_scale[index][:, None, None] + self.low_mean[index][:, None, None]

    def details(self, bands: Details, index: int) -> Details:
        """Normalise the high bands of level ``index``."""
        scale = self.detail_scale[index][:, :, None, None]
        return Details(*(band / s for band, s in zip(bands, scale, strict=True)))

    def details_inverse(self, bands: Details, index: int) -> Details:
        """Undo :meth:`details`."""
        scale = self.detail_scale[index][:, :, None, None]
        return Details(*(band * s for band, s in zip(bands, scale, strict=True)))

    @torch.no_grad()
    def fit(self, transform: Transform, images: Iterable[Tensor]) -> None:
        """Set the statistics from clean images (1, C, H, W) in network units, in one pass."""
        found = subband_statistics(transform, images)
        self.low_mean.copy_(torch.stack([m.mean for m in found.low]).float())
        self.low_scale.copy_(_root(torch.stack([m.variance for m in found.low])))
        if transform.levels:
            power = torch.stack([torch.stack([m.power for m in level]) for level in found.details])
            self.detail_scale.copy_(_root(power))


def _root(square: Tensor) -> Tensor:
    """The scale of a mean square; a constant band keeps a small one."""
    return square.clamp_min(1e-8).sqrt().float()
