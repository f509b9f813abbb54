"""Stacks (z, y, x): the periodised filter bank along three axes, with fewer levels in z.

Stacks are sampled more coarsely in z than in the plane. The finest levels therefore split the plane only; the
``levels_z`` coarsest levels, where voxels are about as wide as they are deep, split all three axes.
"""

from __future__ import annotations

from functools import partial
from itertools import product
from typing import Annotated, NamedTuple

import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from wavegen.core.errors import InputError
from wavegen.transforms.adjoint import linear
from wavegen.transforms.filters import FilterPair, filter_pairs, is_orthonormal
from wavegen.transforms.shifts import analyse_axis, synthesise_axis

PLANE, SPACE = (-2, -1), (-3, -2, -1)
Size = tuple[int, int, int]


class PlaneDetails(NamedTuple):
    """Details of a level that splits the plane only, (B, C, D, h, w): keys of ``pywt.dwtn`` over (y, x)."""

    ad: Tensor
    da: Tensor
    dd: Tensor


class SpaceDetails(NamedTuple):
    """Details of a level that splits all axes, (B, C, d, h, w): keys of ``pywt.wavedecn``, letters for z, y, x."""

    aad: Tensor
    ada: Tensor
    add: Tensor
    daa: Tensor
    dad: Tensor
    dda: Tensor
    ddd: Tensor


class VolumeSubbands(NamedTuple):
    """A decomposed stack: the coarsest band, details coarsest first, and the stack's (D, H, W)."""

    low: Tensor
    details: tuple[PlaneDetails | SpaceDetails, ...]
    size: Size


def _split(x: Tensor, pair: FilterPair, axes: tuple[int, ...]) -> tuple[Tensor, ...]:
    """Bands in the order of their names: aa..a first, the last axis fastest."""
    bands: tuple[Tensor, ...] = (x,)
    for axis in axes:
        bands = tuple(part for band in bands for part in analyse_axis(band, pair, axis))
    return bands


def _merge(*bands: Tensor, pair: FilterPair, axes: tuple[int, ...]) -> tuple[Tensor, ...]:
    """The transpose of :func:`_split`."""
    for axis in reversed(axes):
        bands = tuple(synthesise_axis(lo, hi, pair, axis) for lo, hi in zip(bands[::2], bands[1::2], strict=True))
    return bands


class VolumeTransform(nn.Module):
    """Critically sampled periodised wavelet transform of stacks (B, C, D, H, W), any sizes from 1 on.

    Each level equals ``pywt.dwtn(x, wavelet, "periodization", axes)``. An odd side is padded by repeating its last
    sample, which the inverse removes. Not in the registry, since pipelines are two-dimensional.

    Args:
        wavelet: the name of a discrete wavelet.
        levels: levels in y and x.
        levels_z: how many of them, the coarsest, also split z; 0 treats every plane separately.

    Raises:
        InputError: no such wavelet, or levels that are not 0 <= levels_z <= levels, 1 <= levels <= 8.
    """

    def __init__(
        self,
        wavelet: str = "haar",
        levels: Annotated[int, Field(ge=1, le=8)] = 2,
        levels_z: Annotated[int, Field(ge=0, le=8)] = 1,
    ) -> None:
        super().__init__()
        if not 1 <= levels <= 8 or not 0 <= levels_z <= levels:
            raise InputError(
                f"levels = {levels}, levels_z = {levels_z}: give 1 <= levels <= 8, 0 <= levels_z <= levels"
            )
        self.wavelet, self.levels, self.levels_z = wavelet, levels, levels_z
        self.analysis, self.dual = filter_pairs(wavelet)
        self.orthonormal = is_orthonormal(self.analysis)

    def axes(self, level: int) -> tuple[int, ...]:
        """The axes that a level splits; the finest level is 1."""
        return SPACE if level > self.levels - self.levels_z else PLANE

    def sizes(self, size: Size) -> list[Size]:
        """(D, H, W) of the low band after 0, 1, ..., ``levels`` levels.

        Raises:
            InputError: ``size`` is not three positive integers.
        """
        if len(size) != 3 or min(size) < 1:
            raise InputError(f"stack size {tuple(size)} is not (D, H, W) with every side >= 1")
        result = [(size[0], size[1], size[2])]
        for level in range(1, self.levels + 1):
            d, h, w = result[-1]
            result.append((-(-d // 2) if self.axes(level) == SPACE else d, -(-h // 2), -(-w // 2)))
        return result

    def forward(self, x: Tensor) -> VolumeSubbands:
        """Decompose (B, C, D, H, W) of a floating dtype.

        Raises:
            InputError: ``x`` is not 5-D, is empty, or is not of a real floating-point dtype.
        """
        _check(x, "stack")
        low, details = x, []
        for level in range(1, self.levels + 1):
            axes = self.axes(level)
            pads = [side % 2 if axis in axes else 0 for axis, side in zip(SPACE, low.shape[-3:], strict=True)]
            if any(pads):
                low = F.pad(low, (0, pads[2], 0, pads[1], 0, pads[0]), mode="replicate")
            split = partial(_split, pair=self.analysis, axes=axes)
            low, *high = linear(split, partial(_merge, pair=self.analysis, axes=axes), low)
            details.append(SpaceDetails(*high) if axes == SPACE else PlaneDetails(*high))
        return VolumeSubbands(low, tuple(reversed(details)), (x.shape[-3], x.shape[-2], x.shape[-1]))

    def inverse(self, bands: VolumeSubbands) -> Tensor:
        """Reconstruct the stack: (B, C, D, H, W) with (D, H, W) = ``bands.size``.

        Raises:
            InputError: the number of levels, the kind of a level, a shape or a dtype does not fit.
        """
        if len(bands.details) != self.levels:
            raise InputError(f"the stack's bands have {len(bands.details)} detail levels; expected {self.levels}")
        sizes, low = self.sizes(bands.size), bands.low
        _check(low, "band low")
        if tuple(low.shape[-3:]) != sizes[-1]:
            raise InputError(f"band low has shape {tuple(low.shape)}; stack size {tuple(bands.size)} needs {sizes[-1]}")
        for level, details in zip(range(self.levels, 0, -1), bands.details, strict=True):
            axes = self.axes(level)
            self._check_level(level, low, details)
            merge = partial(_merge, pair=self.dual, axes=axes)
            (low,) = linear(merge, partial(_split, pair=self.dual, axes=axes), low, *details)
            d, h, w = sizes[level - 1]
            low = low[..., :d, :h, :w]
        return low

    def _check_level(self, level: int, low: Tensor, details: PlaneDetails | SpaceDetails) -> None:
        names = ["".join(k) for k in product("ad", repeat=len(self.axes(level)))][1:]
        if list(details._fields) != names:
            raise InputError(f"level {level} has bands {', '.join(details._fields)}; expected {', '.join(names)}")
        for name, band in zip(names, details, strict=True):
            if band.shape != low.shape or band.dtype != low.dtype:
                raise InputError(
                    f"band {name} of level {level} has shape {tuple(band.shape)} and dtype {band.dtype}; "
                    f"its low band has {tuple(low.shape)} and {low.dtype}"
                )

    def extra_repr(self) -> str:
        """Wavelet and levels, for ``print``."""
        return f"{self.wavelet!r}, levels={self.levels}, levels_z={self.levels_z}"


def _check(x: Tensor, what: str) -> None:
    if not x.is_floating_point():
        raise InputError(f"{what} has dtype {x.dtype}; a transform needs a real floating-point dtype")
    if x.ndim != 5 or 0 in x.shape:
        raise InputError(f"{what} has shape {tuple(x.shape)}; expected (B, C, D, H, W), every size >= 1")
