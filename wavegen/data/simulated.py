"""Clean images from files, degraded on the fly."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from wavegen.core.errors import InputError, some
from wavegen.core.intensity import intensity_range
from wavegen.core.registry import build, register
from wavegen.core.types import Pair
from wavegen.data.base import PairDataset
from wavegen.data.files import Shape, enlarged, finite, images_of, pixel_header
from wavegen.data.tables import beside, read_rows
from wavegen.io import Header

LARGEST = {"uint8": 255.0, "uint16": 65535.0}


@register("dataset", "simulated", "clean images of a folder or table, degraded on the fly")
class Simulated(PairDataset):
    """x: a clean image, y: the same through a degradation. Item i is a pure function of (seed, i) and its file.

    A degraded image that is smaller by a whole factor is enlarged to x's grid (bicubic).

    Args:
        degradation: ``{"name": ..., **options}``; see ``wavegen list degradation``.
        folder: folder of clean images (TIFF, PNG or JPEG).
        index: instead of ``folder``, a CSV file with the column ``target``; inputs in the table are ignored.
        split: keep the rows of the table whose ``split`` is this.
        dataset: keep the rows of the table whose ``dataset`` is this.
        task: keep the rows of the table whose ``task`` is this.
        scale: intensity scale on which the degradation acts. ``percentile``: 0 at the image's 0.1 and 1 at its 99.9
            percentile (negative values become 0); ``type``: 1 is the largest value of the file's integer type;
            ``none``: as in the file.
        multiple: crop the bottom and right so that the sides are multiples of this, as required by down-sampling.
        per_channel: treat each channel as a separate image.
        repeats: use each image this many times, each time with another draw of the degradation.
        seed: of the degradation.

    Raises:
        InputError: no images, a table or a degradation that does not fit, images of several channel counts, or with
            ``type`` or ``none`` of several dtypes; at an item: values that are not finite or a size that changes by
            no whole factor.
    """

    one_scale = True

    def __init__(
        self,
        degradation: dict[str, Any],
        folder: str | None = None,
        index: str | None = None,
        split: str | None = None,
        dataset: str | None = None,
        task: str | None = None,
        scale: Literal["percentile", "type", "none"] = "percentile",
        multiple: Annotated[int, Field(ge=1, le=64)] = 1,
        per_channel: bool = False,
        repeats: Annotated[int, Field(ge=1, le=10_000)] = 1,
        seed: Annotated[int, Field(ge=0)] = 0,
    ) -> None:
        filters = {"split": split, "dataset": dataset, "task": task}
        if index is not None and folder is None:
            rows = read_rows(Path(index), ["target"], filters)
            paths = [beside(Path(index), row["target"]) for row in rows if row["target"]]
        elif folder is not None and index is None and not any(filters.values()):
            paths = list(images_of(Path(folder)).values())
        else:
            raise InputError("simulated needs folder, or index (a table) with split, dataset and task")
        if not paths:
            raise InputError(f"{index}: no row with a target is left; change split, dataset or task")
        self.degradation = build("degradation", degradation)
        self.scale, self.multiple, self.seed = scale, multiple, seed
        self.repeats = repeats
        self.sources, self.shapes = _sources(paths, multiple, per_channel, scale != "percentile")
        self.names = [path.name for path, _ in self.sources] * repeats

    def __len__(self) -> int:
        return len(self.sources) * self.repeats

    def clean(self, index: int) -> Tensor:
        """The target of item ``index``, (C, H, W) float32."""
        path, channel = self.sources[index % len(self.sources)]
        image = finite(path)
        if channel is not None:
            image = image[channel : channel + 1]
        height, width = (side - side % self.multiple for side in image.shape[-2:])
        return scaled(image[..., :height, :width], self.scale, str(pixel_header(path).dtype))

    def __getitem__(self, index: int) -> Pair:
        """Item ``index``, each (C, H, W) float32."""
        if not 0 <= index < len(self):
            raise IndexError(f"item {index} of a data set of {len(self)}")
        x = self.clean(index)
        state = np.random.SeedSequence(self.seed, spawn_key=(index,)).generate_state(1, np.uint64)[0]
        with torch.no_grad():
            y = self.degradation(x[None], torch.Generator().manual_seed(int(state) % 2**63))[0].float()
        path = self.sources[index % len(self.sources)][0]
        if not bool(torch.isfinite(y).all()):
            raise InputError(f"{path}: the degraded image has values that are not finite; change the degradation")
        if y.shape != x.shape:
            y = self._on_grid(path, x, y)
        return Pair(x, y)

    def _on_grid(self, path: Path, x: Tensor, y: Tensor) -> Tensor:
        ratios = {a / b for a, b in zip(x.shape[-2:], y.shape[-2:], strict=True)}
        if len(ratios) != 1 or not next(iter(ratios)).is_integer() or x.shape[0] != y.shape[0]:
            raise InputError(
                f"{path}: {tuple(x.shape)} becomes {tuple(y.shape)}, which is not smaller by one whole factor; "
                "give multiple = that factor"
            )
        return enlarged(y, (x.shape[-2], x.shape[-1]))


def scaled(image: Tensor, scale: str, dtype: str) -> Tensor:
    """Intensities on the scale of the degradation; see :class:`Simulated`."""
    if scale == "none":
        return image.contiguous()
    if scale == "type":
        return image / LARGEST.get(dtype, 1.0)
    low, width = intensity_range(image.numpy())
    return ((image - low) / (width or 1.0)).clamp_min(0)


def _sources(
    paths: list[Path], multiple: int, per_channel: bool, one_dtype: bool
) -> tuple[list[tuple[Path, int | None]], list[Shape]]:
    """(file, channel or None) of every image, and their shapes.

    Raises:
        InputError: several channel counts or dtypes, or an image smaller than ``multiple``.
    """
    headers = [pixel_header(path) for path in paths]
    if one_dtype:
        _check_one_dtype(paths, headers)
    if not per_channel:
        _check_one_channel_count(paths, headers)
    sources: list[tuple[Path, int | None]] = []
    shapes: list[Shape] = []
    for path, header in zip(paths, headers, strict=True):
        height, width = (side - side % multiple for side in header.shape[1:])
        if min(height, width) == 0:
            raise InputError(f"{path}: {header.shape[1]}x{header.shape[2]} is smaller than multiple = {multiple}")
        channels = list(range(header.shape[0])) if per_channel else [None]
        sources += [(path, channel) for channel in channels]
        shapes += [(1 if per_channel else header.shape[0], height, width)] * len(channels)
    return sources, shapes


def _check_one_dtype(paths: list[Path], headers: list[Header]) -> None:
    first = headers[0].dtype
    others = [f"{p.name} ({h.dtype})" for p, h in zip(paths, headers, strict=True) if h.dtype != first]
    if others:
        raise InputError(
            f"{paths[0].name} has {first} values, unlike {some(others)}; give scale = percentile, or one type"
        )


def _check_one_channel_count(paths: list[Path], headers: list[Header]) -> None:
    first = headers[0].shape[0]
    others = [f"{p.name} ({h.shape[0]})" for p, h in zip(paths, headers, strict=True) if h.shape[0] != first]
    if others:
        raise InputError(f"{paths[0].name} has {first} channel(s), unlike {some(others)}; give per_channel = true")
