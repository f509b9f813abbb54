"""Controls for ablations: average pooling with residuals, the undecimated Haar transform, wavelet packets."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from wavegen.core.errors import InputError
from wavegen.core.registry import build, register
from wavegen.core.types import Details, Subbands
from wavegen.transforms.adjoint import linear
from wavegen.transforms.base import Bands, DyadicTransform, Transform, check_image, check_size
from wavegen.transforms.patches import check_bare

Levels = Annotated[int, Field(ge=1, le=8)]


@register(
    "transform",
    "pool",
    "2 x 2 average pooling with its residual: a pyramid that is no wavelet",
    paper="Burt, Adelson, IEEE Trans. Comm. 31 (1983) 532-540, made critically sampled",
)
class Pool(DyadicTransform):
    """LL is twice the mean of each 2 x 2 block; h, v, d are the deviations of three of its pixels from the mean.

    h belongs to the top right pixel of the block, v to the bottom left one, d to the bottom right one. The four
    deviations sum to zero, which gives the fourth. LL equals that of Haar; the difference is that the basis
    functions of the details are neither smooth nor orthogonal to each other.

    Args:
        levels: number of levels; a side of 1 stays 1.
    """

    orthonormal = False
    oriented = False

    def __init__(self, levels: Levels = 2) -> None:
        super().__init__(levels)

    def analyse(self, x: Tensor) -> Bands:
        """(B, C, 2h, 2w) to LL, H, V, D, each (B, C, h, w)."""
        first, right = x[..., 0::2, 0::2], x[..., 0::2, 1::2]
        below, across = x[..., 1::2, 0::2], x[..., 1::2, 1::2]
        mean = (first + right + below + across) / 4
        return 2 * mean, right - mean, below - mean, across - mean

    def synthesise(self, ll: Tensor, h: Tensor, v: Tensor, d: Tensor) -> Tensor:
        """The inverse of :meth:`analyse`."""
        mean = ll / 2
        top = torch.stack((mean - (h + v + d), mean + h), -1).flatten(-2)
        bottom = torch.stack((mean + v, mean + d), -1).flatten(-2)
        return torch.stack((top, bottom), -2).flatten(-3, -2)

    def extra_repr(self) -> str:
        """Levels, for ``print``."""
        return f"levels={self.levels}"


def _spread(x: Tensor, step: int) -> Bands:
    """Half sums and differences of pixels at distance ``step`` along both axes, periodically."""
    right = x.roll(-step, -1)
    low, high = x + right, x - right
    low_below, high_below = low.roll(-step, -2), high.roll(-step, -2)
    return (low + low_below) / 4, (low - low_below) / 4, (high + high_below) / 4, (high - high_below) / 4


def _gather(ll: Tensor, h: Tensor, v: Tensor, d: Tensor, step: int) -> tuple[Tensor]:
    """The transpose of :func:`_spread`."""
    low = (ll + h) + (ll - h).roll(step, -2)
    high = (v + d) + (v - d).roll(step, -2)
    return (((low + high) + (low - high).roll(step, -1)) / 4,)


@register(
    "transform",
    "undecimated",
    "undecimated (stationary) Haar: redundant bands of full size, for cycle spinning",
    paper="Coifman, Donoho, Translation-invariant de-noising, 1995",
    capabilities=("redundant",),
)
class Undecimated(DyadicTransform):
    """Stationary Haar transform; coefficients as ``pywt.swt2(x, "haar", norm=True)``, at any size.

    Every band has the size of the image. Level k combines pixels at a distance of 2^(k-1), periodically. It is a
    tight frame: the sum of squares of the coefficients is that of the image. The inverse is the
    transpose. It averages over the reconstructions of all shifted Haar transforms, so that bands
    changed by a network give images without block edges.

    Args:
        levels: number of levels.
    """

    orthonormal = False  # redundant, although the sum of squares is preserved
    ratio = 1

    def __init__(self, levels: Levels = 2) -> None:
        super().__init__(levels)

    def analyse(self, x: Tensor, level: int = 1) -> Bands:
        """(B, C, H, W) to LL, H, V, D of the same size; the finest level is 1."""
        step = 2 ** (level - 1)
        ll, h, v, d = linear(partial(_spread, step=step), partial(_gather, step=step), x)
        return ll, h, v, d

    def synthesise(self, ll: Tensor, h: Tensor, v: Tensor, d: Tensor, level: int = 1) -> Tensor:
        """The transpose of :meth:`analyse`, which inverts it."""
        step = 2 ** (level - 1)
        return linear(partial(_gather, step=step), partial(_spread, step=step), ll, h, v, d)[0]

    def forward(self, x: Tensor) -> Subbands:
        """Decompose (B, C, H, W) into ``levels`` detail levels of that size, coarsest first, and LL.

        Raises:
            InputError: ``x`` is not 4-D, is empty, or is not of a real floating-point dtype.
        """
        check_image(x)
        self.sizes((x.shape[-2], x.shape[-1]))
        ll, details = x, []
        for level in range(1, self.levels + 1):
            ll, *high = self.analyse(ll, level)
            details.append(Details(*high))
        return Subbands(ll, tuple(reversed(details)), (x.shape[-2], x.shape[-1]))

    def inverse(self, bands: Subbands) -> Tensor:
        """Reconstruct the image: (B, C, H, W) with (H, W) = ``bands.size``.

        Raises:
            InputError: the number of levels, a shape or a dtype does not fit.
        """
        if len(bands.details) != self.levels:
            raise InputError(f"the subbands have {len(bands.details)} detail levels; expected {self.levels}")
        self.sizes(bands.size)
        ll = bands.ll
        for level, details in zip(range(self.levels, 0, -1), bands.details, strict=True):
            ll = self.inverse_level(ll, details, bands.size, level)
        return ll

    def inverse_level(self, ll: Tensor, details: Details, size: tuple[int, int], level: int | None = None) -> Tensor:
        """One level up, at the same size; ``level`` sets the distance of the combined pixels.

        Raises:
            InputError: a shape or dtype does not fit, or ``level`` is not one of the transform's.
        """
        if level is None and self.levels == 1:
            level = 1
        if level is None or not 1 <= level <= self.levels:
            raise InputError(
                f"level = {level}: all undecimated bands have one size, so the level is needed; give 1 to {self.levels}"
            )
        self._check_level(ll, details, size, ll.dtype)
        return self.synthesise(ll, *details, level=level)

    def coarser(self, size: tuple[int, int]) -> tuple[int, int]:
        """The size itself."""
        return size[0], size[1]

    def extra_repr(self) -> str:
        """Levels, for ``print``."""
        return f"levels={self.levels}"


@register(
    "transform",
    "packets",
    "wavelet packets, full tree: all bands of one size as channels of ll, no details",
    paper="Coifman, Wickerhauser, IEEE Trans. Inf. Theory 38 (1992) 713-718",
)
class Packets(Transform):
    """``ll`` is (B, C * 4^levels, h, w): every band is split again at every level; there are no details.

    Coefficients as ``pywt.WaveletPacket2D(x, wavelet, "periodization")``. Channel c * 4^levels + i holds node i of
    channel c, with the nodes in the order ``aa, ah, av, ad, ha, ...`` (for two levels).

    Args:
        wavelet: a registered wavelet that halves the size at each level.
        levels: depth of the tree.

    Raises:
        InputError: no such wavelet, or one that does not halve the size.
    """

    levels = 0

    def __init__(self, wavelet: str = "haar", levels: Annotated[int, Field(ge=1, le=4)] = 2) -> None:
        super().__init__()
        split = build("transform", {"name": wavelet, "levels": 1})
        if not isinstance(split, DyadicTransform) or split.ratio != 2:
            raise InputError(f"packets need a wavelet that halves the size, not {wavelet!r}")
        self.wavelet, self.depth, self.split = wavelet, levels, split
        self.orthonormal = split.orthonormal

    def forward(self, x: Tensor) -> Subbands:
        """Decompose (B, C, H, W), any H, W >= 1.

        Raises:
            InputError: ``x`` is not 4-D, is empty, or is not of a real floating-point dtype.
        """
        check_image(x)
        bands = x
        for _ in range(self.depth):
            ll, (details,), _ = self.split.forward(bands)
            bands = torch.stack((ll, *details), 2).flatten(1, 2)
        return Subbands(bands, (), (x.shape[-2], x.shape[-1]))

    def inverse(self, bands: Subbands) -> Tensor:
        """Reconstruct the image: (B, C, H, W) with (H, W) = ``bands.size``.

        Raises:
            InputError: there are details, or the shape of ``ll`` does not fit.
        """
        sizes = self._sizes(bands.size)
        check_bare(bands, sizes[-1])
        count = 4**self.depth
        if bands.ll.shape[1] % count:
            raise InputError(f"band ll has {bands.ll.shape[1]} channels; expected a multiple of {count}")
        x = bands.ll
        for size in sizes[-2::-1]:
            ll, h, v, d = torch.unflatten(x, 1, (-1, 4)).unbind(2)
            x = self.split.inverse_level(ll, Details(h, v, d), size)
        return x

    def sizes(self, size: tuple[int, int]) -> list[tuple[int, int]]:
        """The image's size and that of ``ll``.

        Raises:
            InputError: ``size`` is not a pair of positive integers.
        """
        sizes = self._sizes(size)
        return [sizes[0], sizes[-1]]

    def _sizes(self, size: tuple[int, int]) -> list[tuple[int, int]]:
        check_size(size)
        result = [(size[0], size[1])]
        for _ in range(self.depth):
            result.append(self.split.coarser(result[-1]))
        return result

    def coarse_channels(self, channels: int) -> int:
        """``channels * 4^levels``."""
        return int(channels * 4**self.depth)

    def extra_repr(self) -> str:
        """Depth, for ``print``."""
        return f"{self.wavelet!r}, levels={self.depth}"
