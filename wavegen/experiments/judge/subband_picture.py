"""The subbands of one image as one grey picture, for the documentation of a transform."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from wavegen.core.errors import InputError
from wavegen.core.intensity import unit_range
from wavegen.transforms import Transform

GAP = 2  # white pixels between bands
CLIP = 99.5  # percentile of |band| that becomes black or white
Grey = NDArray[np.uint8]


def subband_picture(transform: Transform, image: ArrayLike | Tensor) -> Grey:
    """All subbands of an image in one picture: uint8, (rows, columns).

    Laid out as is usual: the coarsest band top left, h, v and d of each level around what is coarser. Where
    the bands of all levels have one size (undecimated transforms), each level has a row of its own under
    the coarsest band, coarsest first; several channels of the coarsest band are set side by side. The
    coarsest band is stretched from its darkest to its brightest half per cent; in a detail band zero is
    middle grey and the half per cent of the largest magnitudes is black or white, for each band on its own.

    Args:
        transform: any two-dimensional transform.
        image: (H, W), of any real dtype.

    Raises:
        InputError: the image is not (H, W).
    """
    pixels = torch.as_tensor(np.asarray(image, dtype=np.float32))
    if pixels.ndim != 2:
        raise InputError(f"image has shape {tuple(pixels.shape)}; a picture of subbands needs (H, W)")
    with torch.no_grad():
        bands = transform.forward(pixels[None, None])
    picture = _row([stretched(channel) for channel in bands.ll[0].numpy()])
    undecimated = len(bands.details) > 1 and bands.details[0].h.shape == bands.details[-1].h.shape
    for details in bands.details:
        h, v, d = (around_grey(band[0, 0].numpy()) for band in details)
        picture = _column([picture, _row([h, v, d])] if undecimated else [_row([picture, h]), _row([v, d])])
    return picture


def stretched(band: NDArray[Any]) -> Grey:
    """Black to white between the darkest and the brightest half per cent, as uint8."""
    return _to_bytes(unit_range(band, 100 - CLIP, CLIP))


def around_grey(band: NDArray[Any]) -> Grey:
    """Zero as middle grey, the half per cent of the largest magnitudes as black or white, as uint8."""
    size = np.abs(band)
    scale = float(np.percentile(size, CLIP)) or float(size.max()) or 1.0
    return _to_bytes(0.5 + 0.5 * band / scale)


def _to_bytes(values: NDArray[Any]) -> Grey:
    return (values.clip(0, 1) * 255).round().astype(np.uint8)


def _row(parts: list[Grey]) -> Grey:
    return _column([part.T for part in parts]).T


def _column(parts: list[Grey]) -> Grey:
    """Below each other, from the left, on white."""
    width = max(part.shape[1] for part in parts)
    filled: list[Grey] = []
    for part in parts:
        if filled:
            filled.append(np.full((GAP, width), 255, np.uint8))
        filled.append(np.pad(part, ((0, 0), (0, width - part.shape[1])), constant_values=255))
    return np.concatenate(filled)
