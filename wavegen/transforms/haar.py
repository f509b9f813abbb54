"""The Haar transform as a butterfly: additions of shifted views, no filters."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from torch import Tensor

from wavegen.registry import register
from wavegen.transforms.adjoint import linear
from wavegen.transforms.base import Bands, DyadicTransform


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
class Haar(DyadicTransform):
    """Orthonormal Haar transform; coefficients as ``pywt.wavedec2(x, "haar", mode="periodization")``.

    Args:
        levels: number of levels. Any is legal for any size: a side of 1 stays 1.
    """

    orthonormal = True

    def __init__(self, levels: Annotated[int, Field(ge=1, le=8)] = 2) -> None:
        super().__init__(levels)

    def analyse(self, x: Tensor) -> Bands:
        """(B, C, 2h, 2w) to LL, H, V, D, each (B, C, h, w)."""
        ll, h, v, d = linear(_butterfly, _inverse_butterfly, x)
        return ll, h, v, d

    def synthesise(self, ll: Tensor, h: Tensor, v: Tensor, d: Tensor) -> Tensor:
        """The inverse of :meth:`analyse`; it is its transpose."""
        return linear(_inverse_butterfly, _butterfly, ll, h, v, d)[0]

    def extra_repr(self) -> str:
        """Levels, for ``print``."""
        return f"levels={self.levels}"
