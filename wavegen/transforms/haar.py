"""The Haar transform as a butterfly: additions of shifted views, no filters."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from wavegen.core.registry import register
from wavegen.transforms.adjoint import linear
from wavegen.transforms.axis import Mode
from wavegen.transforms.base import Bands, DyadicTransform
from wavegen.transforms.filterbank import FilterBank, Levels
from wavegen.transforms.kernels import fast

STRIP = 1 << 17  # samples per strip: 2 MB of float32 with all temporaries


def _strips(width: int, count: int) -> Iterator[slice]:
    """Groups of row pairs that are processed together, so that intermediate values stay in the cache."""
    step = max(1, STRIP // width)
    return (slice(first, first + step) for first in range(0, count, step))


def _butterfly(x: Tensor) -> tuple[Tensor, ...]:
    if fast.usable(x):
        return fast.butterfly(x)
    height, width = x.shape[-2:]
    ll, h, v, d = (x.new_empty(*x.shape[:2], height // 2, width // 2) for _ in range(4))
    pairs = x.reshape(-1, 2, width)
    for strip in _strips(width, len(pairs)):
        left, right = pairs[strip, :, 0::2], pairs[strip, :, 1::2]
        # The strided reads happen once, here; the rows below are contiguous.
        for half, low, high in ((left + right, ll, h), (left - right, v, d)):
            mean = torch.lerp(half[:, 0], half[:, 1], 0.5, out=low.view(-1, width // 2)[strip])
            torch.sub(mean, half[:, 1], out=high.view(-1, width // 2)[strip])
    return ll, h, v, d


def _inverse_butterfly(ll: Tensor, h: Tensor, v: Tensor, d: Tensor) -> tuple[Tensor]:
    if fast.usable(ll):
        return (fast.inverse_butterfly((ll, h, v, d)),)
    batch, channels, height, width = ll.shape
    x = ll.new_empty(batch, channels, 2 * height, 2 * width)
    pairs, bands = x.view(-1, 2, 2 * width), [band.reshape(-1, width) for band in (ll, h, v, d)]
    for strip in _strips(2 * width, len(pairs)):
        target, (a, b, c, e) = pairs[strip], (band[strip] for band in bands)
        left, right = torch.lerp(a, b, 0.5), torch.lerp(c, e, 0.5)
        for row, low, high in ((target[:, 0], left, right), (target[:, 1], left - b, right - e)):
            torch.add(low, high, out=row[:, 0::2])
            torch.sub(low, high, out=row[:, 1::2])
    return (x,)


@register(
    "transform",
    "haar",
    "Haar wavelet by additions only; the fastest, and the paper's",
    paper="Haar, Math. Ann. 69 (1910) 331-371; used by MSCGM, arXiv 2407.05259",
    capabilities=("orthonormal",),
)
class Haar(FilterBank):
    """Orthonormal Haar transform; coefficients as ``pywt.wavedec2(x, "haar")`` with the same ``mode``.

    Args:
        levels: number of levels; see :func:`wavegen.transforms.max_levels`.
        mode: as for :class:`wavegen.transforms.FilterBank`; the modes differ for odd sizes only, and
            ``symmetric`` equals ``periodization``. ``reflect`` and ``zero`` are slower.
    """

    def __init__(self, levels: Levels = 2, mode: Mode = "periodization") -> None:
        super().__init__("haar", levels, mode)

    def split(self, x: Tensor) -> Bands:
        """One level of any size: (B, C, H, W) to LL, H, V, D, each (B, C, *coarser((H, W)))."""
        odd = x.shape[-2] % 2 or x.shape[-1] % 2
        if odd and (self.mode in ("reflect", "zero") or fast.usable(x)):
            return super().split(x)  # avoids a padded copy
        return DyadicTransform.split(self, x)

    def merge(self, ll: Tensor, h: Tensor, v: Tensor, d: Tensor, size: tuple[int, int]) -> Tensor:
        """The inverse of :meth:`split` for an image of ``size``; the same in all modes."""
        if (size[0] % 2 or size[1] % 2) and fast.usable(ll):
            return super().merge(ll, h, v, d, size)
        return DyadicTransform.merge(self, ll, h, v, d, size)

    def analyse(self, x: Tensor) -> Bands:
        """(B, C, 2h, 2w) to LL, H, V, D, each (B, C, h, w)."""
        if x.shape[-2] % 2 or x.shape[-1] % 2:
            return super().analyse(x)
        ll, h, v, d = linear(_butterfly, _inverse_butterfly, x)
        return ll, h, v, d

    def synthesise(self, ll: Tensor, h: Tensor, v: Tensor, d: Tensor) -> Tensor:
        """The inverse of :meth:`analyse`, which is also its transpose."""
        return linear(_inverse_butterfly, _butterfly, ll, h, v, d)[0]

    def extra_repr(self) -> str:
        """Levels and mode, for ``print``."""
        return f"levels={self.levels}, mode={self.mode!r}"
