"""Image intensities <-> network units, and the user's array <-> a batch."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from wavegen.core.errors import InputError
from wavegen.core.intensity import intensity_range
from wavegen.pipeline.config import Intensity

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
    """Check an image (numpy or tensor; (H,W), (C,H,W) or (B,C,H,W)) and return it as (B,C,H,W).

    float64 stays, everything else becomes float32.

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
    batch = batch if batch.dtype == torch.float64 else batch.to(torch.float32)
    finite = torch.isfinite(batch)
    if not finite.all():
        where = tuple(int(i) for i in (~finite).nonzero()[0])[4 - tensor.ndim :]
        raise InputError(
            f"image has {int((~finite).sum())} values that are NaN or infinite, the first at {where}; replace them"
        )
    return batch, layout


def intensity_of(y: Tensor, config: Intensity) -> tuple[Tensor, Tensor]:
    """Offset and scale, each (B, 1, 1, 1), that map each image of ``y`` (B, C, H, W) to network units.

    Both have the type of ``y``. The scale is positive: the width of the range between the percentiles
    (:func:`~wavegen.core.intensity.intensity_range`); of a constant image, its own magnitude.

    Raises:
        InputError: an image whose range is beyond the type of its values.
    """
    count = y.shape[0]
    if config.mode == "fixed":
        found = [(config.offset, config.scale)] * count
    else:
        found = [_percentile_units(image, config) for image in y.reshape(count, -1).cpu().numpy()]
    both = torch.tensor(found, dtype=y.dtype, device=y.device)
    if not bool(torch.isfinite(both).all() and (both[:, 1] > 0).all()):
        raise InputError(
            f"the image's values range from {float(y.min()):g} to {float(y.max()):g}, which {y.dtype} cannot scale; "
            "give it in other units"
        )
    return both[:, 0].view(-1, 1, 1, 1), both[:, 1].view(-1, 1, 1, 1)


def _percentile_units(image: NDArray[Any], config: Intensity) -> tuple[float, float]:
    offset, width = intensity_range(image, config.low, config.high)
    return offset, width or abs(offset) or 1.0


def is_constant(batch: Tensor) -> Tensor:
    """Which images of (B, C, H, W) hold one value alone: (B, 1, 1, 1)."""
    flat = batch.flatten(1)
    return (flat.amax(dim=1) == flat.amin(dim=1)).view(-1, 1, 1, 1)


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


def scaled_by_input(config: Intensity) -> bool:
    """Whether results have the scale of their input: then nothing can be restored of a constant one."""
    return config.mode == "percentile" and config.target != "fixed"


def check_result(images: Tensor) -> None:
    """Refuse restored images (S, B, C, H, W) that are not finite, before a cast makes numbers of them.

    Raises:
        InputError: NaN or infinity: how many, where the first is, what to try.
    """
    finite = torch.isfinite(images)
    if not bool(finite.all()):
        bad = (~finite).nonzero()
        raise InputError(
            f"{len(bad)} of {images.numel()} restored values are NaN or infinite, the first at (y, x) = "
            f"({int(bad[0, -2])}, {int(bad[0, -1])}), so that nothing is given back; remove extreme pixels from the "
            "image, set the pipeline's precision to 'float32', or use another model"
        )


FAR = 20.0  # widths of the scaling range


def outlier_remark(image: NDArray[Any], config: Intensity) -> str | None:
    """A remark where the brightest or the darkest pixel is far outside the range that a model scales by, else None.

    Args:
        image: (C, H, W) or (H, W), in any units.
        config: of the model.
    """
    if config.mode != "percentile":
        return None
    offset, width = intensity_range(image, config.low, config.high)
    brightest, darkest = float(image.max()), float(image.min())
    above, below = brightest - (offset + width), offset - darkest
    if not width or max(above, below) <= FAR * width:
        return None
    which, value, distance = ("brightest", brightest, above) if above >= below else ("darkest", darkest, below)
    return (
        f"the {which} pixel ({value:g}) is {distance / width:.0f} times the range from {offset:g} to "
        f"{offset + width:g} away from it, by which the model scales: it and its surroundings are not to be "
        "trusted; remove hot or dead pixels first"
    )


def whole_numbers(seed: int | Sequence[int], count: int) -> list[int]:
    """One seed for each of ``count`` images."""
    try:
        seeds = [operator.index(seed)] * count if np.ndim(seed) == 0 else [operator.index(s) for s in seed]  # type: ignore[arg-type, union-attr]
    except TypeError:
        raise InputError(f"seed = {seed!r}: give a whole number, or one for each image") from None
    if len(seeds) != count:
        raise InputError(f"{len(seeds)} seeds for {count} images; give one, or one for each")
    return seeds
