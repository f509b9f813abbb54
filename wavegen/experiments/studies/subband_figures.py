"""The pictures of subbands in the documentation."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from wavegen.core.files import atomic, make_folder
from wavegen.core.registry import build
from wavegen.data import microscope_sample
from wavegen.experiments.judge.subband_picture import GAP, Grey, around_grey, stretched, subband_picture
from wavegen.transforms import VolumeTransform

SIDE, PLANES = 128, 16


def subband_figures(pages: Mapping[str, list[dict[str, Any]]], out: str | Path) -> list[Path]:
    """Write one PNG for each page: the subbands of a real micrograph by each of its transforms, side by side.

    Shown is a crop of 128 x 128 pixels of :func:`~wavegen.data.microscope_sample`. The name ``stack`` shows a simulated
    stack of beads instead, by :class:`~wavegen.transforms.VolumeTransform` with the remaining options.

    Raises:
        InputError: an unknown transform, or the sample is not installed.
    """
    from PIL import Image

    crop = microscope_sample().pixels[0, 120 : 120 + SIDE, 260 : 260 + SIDE]
    pictures, folder = [], Path(out)
    make_folder(folder)
    for name, specs in pages.items():
        parts = [_stack_picture(spec) if spec["name"] == "stack" else _picture(spec, crop) for spec in specs]
        pictures.append(folder / f"{name}.png")
        with atomic(pictures[-1]) as file:
            Image.fromarray(_side_by_side(parts)).save(file, format="PNG", optimize=True)
    return pictures


def _picture(spec: dict[str, Any], crop: NDArray[Any]) -> Grey:
    transform = build("transform", spec)
    picture = subband_picture(transform, crop)
    if not transform.levels and picture.shape[1] > 2 * SIDE:  # many channels: set them in a square
        tiles = np.split(_without_gaps(picture, transform.coarse_channels(1)), transform.coarse_channels(1), axis=1)
        rows = round(len(tiles) ** 0.5)
        padded = [np.pad(tile, ((0, GAP), (0, GAP)), constant_values=255) for tile in tiles]
        picture = np.block([padded[i * rows : (i + 1) * rows] for i in range(rows)])[:-GAP, :-GAP]
    return picture


def _without_gaps(picture: Grey, count: int) -> Grey:
    width = (picture.shape[1] - GAP * (count - 1)) // count
    return np.concatenate([picture[:, i * (width + GAP) : i * (width + GAP) + width] for i in range(count)], axis=1)


def _stack_picture(spec: dict[str, Any]) -> Grey:
    """The middle plane of each band: low, then the details of each level in a row of its own."""
    transform = VolumeTransform(**{k: v for k, v in spec.items() if k != "name"})
    with torch.no_grad():
        bands = transform.forward(torch.from_numpy(bead_stack())[None, None])
    rows = [
        [stretched(_middle(bands.low))],
        *([around_grey(_middle(band)) for band in details] for details in bands.details),
    ]
    return _below([_side_by_side(row) for row in rows])


def bead_stack(seed: int = 0) -> NDArray[np.float32]:
    """A simulated stack (16, 128, 128) of 60 beads, blurred three times as wide in z (in voxels: sigma 1.2 and 1.5)."""
    from scipy.ndimage import gaussian_filter

    rng = np.random.default_rng(seed)
    stack = np.zeros((PLANES, SIDE, SIDE), np.float32)
    for z, y, x in zip(*(rng.integers(0, n, 60) for n in stack.shape), strict=True):
        stack[z, y, x] += rng.uniform(0.3, 1)
    blurred: NDArray[np.float32] = gaussian_filter(stack, (1.2, 1.5, 1.5))
    return blurred


def _middle(band: torch.Tensor) -> NDArray[np.float32]:
    plane: NDArray[np.float32] = band[0, 0, band.shape[2] // 2].numpy()
    return plane


def _side_by_side(parts: list[Grey]) -> Grey:
    return _below([part.T for part in parts]).T


def _below(parts: list[Grey]) -> Grey:
    width = max(part.shape[1] for part in parts)
    even = [np.pad(part, ((0, 2 * GAP), (0, width - part.shape[1])), constant_values=255) for part in parts]
    return np.concatenate(even)[: -2 * GAP]
