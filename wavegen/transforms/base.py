"""What every transform does: image <-> subbands, with the checks and the level loop in one place."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from wavegen.core.errors import InputError
from wavegen.core.types import Details, Subbands

Bands = tuple[Tensor, Tensor, Tensor, Tensor]
HALF = (torch.bfloat16, torch.float16)


def check_image(x: Tensor, what: str = "image") -> None:
    """Raise InputError unless ``x`` is a non-empty real floating-point (B, C, H, W) tensor."""
    if not x.is_floating_point():
        raise InputError(f"{what} has dtype {x.dtype}; a transform needs a real floating-point dtype")
    if x.ndim != 4 or 0 in x.shape:
        raise InputError(f"{what} has shape {tuple(x.shape)}; expected (B, C, H, W), every size >= 1")


def check_size(size: tuple[int, int]) -> None:
    """Raise InputError unless ``size`` is a pair (H, W) of positive integers."""
    if len(size) != 2 or min(size) < 1:
        raise InputError(f"image size {tuple(size)} is not a pair (H, W) with H, W >= 1")


def halve(size: tuple[int, int]) -> tuple[int, int]:
    """(ceil(H / 2), ceil(W / 2))."""
    return (size[0] + 1) // 2, (size[1] + 1) // 2


def max_levels(size: tuple[int, int]) -> int:
    """The number of halvings that takes both sides of an image of ``size`` (H, W) to 1; at least 1.

    Raises:
        InputError: ``size`` is not a pair of positive integers.
    """
    check_size(size)
    return max(1, (max(size) - 1).bit_length())


class Transform(nn.Module, ABC):
    """A map from a batch of images to its subbands: linear and exactly invertible, unless declared lossy.

    Attributes:
        levels: number of detail levels (0: the transform has no details).
        orthonormal: whether the coefficients have the sum of squares of the image, for sizes that need no padding.
        ratio: the factor by which one level divides each side and multiplies the mean of LL.
        lossy: whether the inverse is learned and approximate.
        oriented: whether h, v and d hold stripes along rows, stripes along columns and checkerboards.
    """

    levels: int
    orthonormal: bool
    ratio: int = 2
    lossy: bool = False
    oriented: bool = True

    @classmethod
    def facts(cls) -> dict[str, bool]:
        """Capabilities that the class itself shows; registering it checks that they are declared."""
        return {"lossy": cls.lossy}

    @abstractmethod
    def forward(self, x: Tensor) -> Subbands:
        """Decompose ``x``, (B, C, H, W) of a floating dtype, any H, W >= 1; the dtype and units are kept.

        Raises:
            InputError: ``x`` is not 4-D, is empty, or is not of a real floating-point dtype.
        """

    @abstractmethod
    def inverse(self, bands: Subbands) -> Tensor:
        """Reconstruct the image: (B, C, H, W) with (H, W) = ``bands.size``.

        Raises:
            InputError: the number of levels, a shape or a dtype does not fit.
        """

    def inverse_level(self, ll: Tensor, details: Details, size: tuple[int, int], level: int | None = None) -> Tensor:
        """One level up: ``ll`` and its three details, (B, C, h, w), to (B, C, *size).

        ``size`` is the entry ``level - 1`` of :meth:`sizes`, and (h, w) the entry ``level``; the finest level is 1.
        Only transforms whose levels differ in more than their size need ``level``.

        Raises:
            InputError: a shape or dtype does not fit, or the transform has no detail levels.
        """
        raise InputError(f"{type(self).__name__} has no detail levels; use inverse instead of inverse_level")

    @abstractmethod
    def sizes(self, size: tuple[int, int]) -> list[tuple[int, int]]:
        """(height, width) per level: first the image's, last that of ``ll``.

        Raises:
            InputError: ``size`` is not a pair of positive integers.
        """

    def coarse_channels(self, channels: int) -> int:
        """Channels of ``ll`` for an image with ``channels`` channels."""
        return channels

    @torch.no_grad()
    def reconstruction_error(self, x: Tensor) -> float:
        """Self-check: the relative error ``|inverse(forward(x)) - x| / |x|`` (Euclidean norms).

        Args:
            x: (B, C, H, W), as for :meth:`forward`.
        """
        error = (self.inverse(self.forward(x)) - x).double().norm()
        norm = x.double().norm()
        return float(error / norm if norm > 0 else error)


class DyadicTransform(Transform):
    """A separable wavelet transform: at every level H and W are about halved.

    A subclass gives one level for even sizes. An odd side is padded by repeating its last
    sample, which the inverse removes, so that reconstruction is exact at all sizes if it is at even ones. A
    transform with other band sizes overrides ``coarser``, ``split`` and ``merge`` instead.

    bfloat16 and float16 are computed in float32; only the results are rounded, once.
    """

    def __init__(self, levels: int) -> None:
        super().__init__()
        self.levels = levels

    @abstractmethod
    def analyse(self, x: Tensor) -> Bands:
        """(B, C, 2h, 2w) to LL, H, V, D, each (B, C, h, w)."""

    @abstractmethod
    def synthesise(self, ll: Tensor, h: Tensor, v: Tensor, d: Tensor) -> Tensor:
        """The inverse of :meth:`analyse`."""

    def coarser(self, size: tuple[int, int]) -> tuple[int, int]:
        """Size of the bands one level below an image of ``size``: (ceil(H / 2), ceil(W / 2))."""
        return halve(size)

    def split(self, x: Tensor) -> Bands:
        """One level of any size: (B, C, H, W) to LL, H, V, D, each (B, C, *coarser((H, W)))."""
        height, width = x.shape[-2:]
        if height % 2 or width % 2:
            x = F.pad(x, (0, width % 2, 0, height % 2), mode="replicate")
        return self.analyse(x)

    def merge(self, ll: Tensor, h: Tensor, v: Tensor, d: Tensor, size: tuple[int, int]) -> Tensor:
        """The inverse of :meth:`split` for an image of ``size``."""
        return self.synthesise(ll, h, v, d)[..., : size[0], : size[1]]

    def forward(self, x: Tensor) -> Subbands:
        """Decompose (B, C, H, W) into ``levels`` detail levels, coarsest first, and the coarsest LL.

        Raises:
            InputError: ``x`` is not 4-D, is empty, or is not of a real floating-point dtype, or its sides
                are 1 before the last level.
        """
        check_image(x)
        size = (x.shape[-2], x.shape[-1])
        self.sizes(size)
        ll, details = _working(x), []
        for _ in range(self.levels):
            ll, *high = self.split(ll)
            details.append(Details(*(band.to(x.dtype) for band in high)))
        return Subbands(ll.to(x.dtype), tuple(reversed(details)), size)

    def inverse(self, bands: Subbands) -> Tensor:
        """Reconstruct the image: (B, C, H, W) with (H, W) = ``bands.size``.

        Raises:
            InputError: the number of levels, a shape or a dtype does not fit.
        """
        if len(bands.details) != self.levels:
            raise InputError(f"the subbands have {len(bands.details)} detail levels; expected {self.levels}")
        ll, dtype = bands.ll, bands.ll.dtype
        for details, size in zip(bands.details, self.sizes(bands.size)[-2::-1], strict=True):
            self._check_level(ll, details, size, dtype)  # ll itself is in the working dtype from the second level on
            h, v, d = (_working(band) for band in details)
            ll = self.merge(_working(ll), h, v, d, size)
        return ll.to(dtype)

    def inverse_level(self, ll: Tensor, details: Details, size: tuple[int, int], level: int | None = None) -> Tensor:
        """One level up: ``ll`` and its three details, (B, C, h, w), to (B, C, *size).

        Raises:
            InputError: a shape or dtype does not fit.
        """
        self._check_level(ll, details, size, ll.dtype)
        h, v, d = (_working(band) for band in details)
        return self.merge(_working(ll), h, v, d, size).to(ll.dtype)

    def _check_level(self, ll: Tensor, details: Details, size: tuple[int, int], dtype: torch.dtype) -> None:
        check_image(ll, "band ll")
        check_size(size)
        if tuple(ll.shape[-2:]) != self.coarser(size):
            raise InputError(f"band ll has shape {tuple(ll.shape)}; image size {size} needs {self.coarser(size)}")
        for name, band in zip(Details._fields, details, strict=True):
            if band.shape != ll.shape or band.dtype != dtype:
                raise InputError(
                    f"band {name} has shape {tuple(band.shape)} and dtype {band.dtype}; "
                    f"band ll of the same level has {tuple(ll.shape)} and {dtype}"
                )

    def sizes(self, size: tuple[int, int]) -> list[tuple[int, int]]:
        """(height, width) of LL after 0, 1, ..., ``levels`` levels.

        Raises:
            InputError: ``size`` is not a pair of positive integers, or both sides are 1 before the last level.
        """
        possible = max_levels(size)
        if self.levels > possible:
            raise InputError(f"{self.levels} levels are too deep for image size {tuple(size)}; at most {possible}")
        result = [(size[0], size[1])]
        for _ in range(self.levels):
            result.append(self.coarser(result[-1]))
        return result


def _working(x: Tensor) -> Tensor:
    return x.float() if x.dtype in HALF else x
