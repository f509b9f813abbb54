"""The Haar transform as a butterfly: additions of shifted views, no filters."""

from __future__ import annotations

from torch import Tensor

from wavegen.registry import register
from wavegen.transforms.adjoint import linear
from wavegen.transforms.axis import Mode
from wavegen.transforms.base import Bands, DyadicTransform
from wavegen.transforms.filterbank import FilterBank, Levels


def _butterfly(x: Tensor) -> Bands:
    left, right = x[..., 0::2], x[..., 1::2]
    # The strided reads happen once, here; the rows below are contiguous.
    low, high = (left + right).mul_(0.5), (left - right).mul_(0.5)
    low_top, low_bottom = low[..., 0::2, :], low[..., 1::2, :]
    high_top, high_bottom = high[..., 0::2, :], high[..., 1::2, :]
    return low_top + low_bottom, low_top - low_bottom, high_top + high_bottom, high_top - high_bottom


def _inverse_butterfly(ll: Tensor, h: Tensor, v: Tensor, d: Tensor) -> tuple[Tensor]:
    batch, channels, height, width = ll.shape
    x = ll.new_empty(batch, channels, 2 * height, 2 * width)
    low, high = (ll + h).mul_(0.5), (v + d).mul_(0.5)
    x[..., 0::2, 0::2], x[..., 0::2, 1::2] = low + high, low - high
    low, high = (ll - h).mul_(0.5), (v - d).mul_(0.5)
    x[..., 1::2, 0::2], x[..., 1::2, 1::2] = low + high, low - high
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
        mode: as for :class:`wavegen.transforms.FilterBank`; only odd sizes can tell the modes apart, and
            ``symmetric`` is the same as ``periodization``. ``reflect`` and ``zero`` are slower.
    """

    def __init__(self, levels: Levels = 2, mode: Mode = "periodization") -> None:
        super().__init__("haar", levels, mode)

    def split(self, x: Tensor) -> Bands:
        """One level of any size: (B, C, H, W) to LL, H, V, D, each (B, C, *coarser((H, W)))."""
        return super().split(x) if self.mode in ("reflect", "zero") else DyadicTransform.split(self, x)

    def merge(self, ll: Tensor, h: Tensor, v: Tensor, d: Tensor, size: tuple[int, int]) -> Tensor:
        """The inverse of :meth:`split` for an image of ``size``; the same in all modes."""
        return DyadicTransform.merge(self, ll, h, v, d, size)

    def analyse(self, x: Tensor) -> Bands:
        """(B, C, 2h, 2w) to LL, H, V, D, each (B, C, h, w)."""
        if x.shape[-2] % 2 or x.shape[-1] % 2:  # reflect and zero
            return super().analyse(x)
        ll, h, v, d = linear(_butterfly, _inverse_butterfly, x)
        return ll, h, v, d

    def synthesise(self, ll: Tensor, h: Tensor, v: Tensor, d: Tensor) -> Tensor:
        """The inverse of :meth:`analyse`; it is its transpose."""
        return linear(_inverse_butterfly, _butterfly, ll, h, v, d)[0]

    def extra_repr(self) -> str:
        """Levels and mode, for ``print``."""
        return f"levels={self.levels}, mode={self.mode!r}"
