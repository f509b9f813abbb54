"""The separable filter bank: every discrete wavelet of PyWavelets, and custom taps, in one class.

:mod:`wavegen.transforms.axis` defines the operation along one axis.
"""

from __future__ import annotations

from functools import partial
from typing import Annotated, NamedTuple

from pydantic import Field
from torch import Tensor

from wavegen.core.registry import register
from wavegen.transforms.adjoint import linear
from wavegen.transforms.axis import AxisMap, Mode, axis_map, band_size
from wavegen.transforms.base import Bands, DyadicTransform
from wavegen.transforms.filters import (
    FilterPair,
    custom_pairs,
    discrete_wavelets,
    filter_pairs,
    is_orthonormal,
)
from wavegen.transforms.kernels import fast
from wavegen.transforms.separable import analyse, synthesise

Levels = Annotated[int, Field(ge=1, le=8)]


class FilterAxes(NamedTuple):
    """The options of :func:`axis_map` that do not depend on the image: filters, boundary mode, and ``cut``."""

    pair: FilterPair
    mode: Mode
    cut: bool

    def maps(self, size: tuple[int, int], like: Tensor, transposed: bool) -> tuple[AxisMap, AxisMap]:
        """The matrices along columns and rows of an image."""
        rows, columns = (axis_map(*self, n, transposed, like.dtype, like.device) for n in size)
        return rows, columns

    def apply(self, x: Tensor) -> tuple[Tensor, ...]:
        """(B, C, H, W) to LL, H, V, D."""
        if fast.usable(x):
            return fast.analyse(x, *self)
        return analyse(x, *self.maps((x.shape[-2], x.shape[-1]), x, False))

    def transpose(self, ll: Tensor, h: Tensor, v: Tensor, d: Tensor, size: tuple[int, int]) -> tuple[Tensor]:
        """The transpose of :meth:`apply` for an image of ``size``."""
        if fast.usable(ll):
            return (fast.synthesise((ll, h, v, d), size, *self),)
        return synthesise(ll, h, v, d, *self.maps(size, ll, True))


class FilterBank(DyadicTransform):
    """Separable wavelet transform; coefficients as ``pywt.wavedec2`` with the same ``mode``.

    Args:
        wavelet: the name of a discrete wavelet.
        levels: number of levels; see :func:`wavegen.transforms.max_levels`.
        mode: how the image is extended beyond its edges. ``periodization`` is critically sampled: bands of
            ceil(n / 2) coefficients for every wavelet. ``symmetric``, ``reflect`` and ``zero`` have
            floor((n + L - 1) / 2) coefficients for L taps. ``reflect`` repeats a single sample (PyWavelets refuses it).

    Raises:
        InputError: no discrete wavelet has this name.

    Source: Mallat, IEEE Trans. PAMI 11 (1989) 674-693.
    """

    def __init__(self, wavelet: str, levels: Levels = 2, mode: Mode = "periodization") -> None:
        super().__init__(levels)
        self.wavelet = wavelet
        self._set_filters(*filter_pairs(wavelet), mode)

    def _set_filters(self, analysis: FilterPair, dual: FilterPair, mode: Mode) -> None:
        # Plain floats: moving the module to another dtype must not round them.
        self.analysis, self.dual, self.mode = analysis, dual, mode
        self.orthonormal = is_orthonormal(analysis) and mode == "periodization"

    def coarser(self, size: tuple[int, int]) -> tuple[int, int]:
        """Size of the bands one level below an image of ``size``."""
        height, width = (band_size(n, len(self.analysis.lo), self.mode) for n in size)
        return height, width

    def analyse(self, x: Tensor) -> Bands:
        """(B, C, H, W), any size, to LL, H, V, D, each (B, C, *coarser((H, W)))."""
        axes = FilterAxes(self.analysis, self.mode, cut=False)
        size = (x.shape[-2], x.shape[-1])
        ll, h, v, d = linear(axes.apply, partial(axes.transpose, size=size), x)
        return ll, h, v, d

    def split(self, x: Tensor) -> Bands:
        """The same as :meth:`analyse`."""
        return self.analyse(x)

    def synthesise(self, ll: Tensor, h: Tensor, v: Tensor, d: Tensor) -> Tensor:
        """The inverse of :meth:`analyse` for the largest image with bands of this size."""
        excess = 0 if self.mode == "periodization" else len(self.analysis.lo) - 2
        return self.merge(ll, h, v, d, (2 * ll.shape[-2] - excess, 2 * ll.shape[-1] - excess))

    def merge(self, ll: Tensor, h: Tensor, v: Tensor, d: Tensor, size: tuple[int, int]) -> Tensor:
        """The inverse of :meth:`split` for an image of ``size``: the transpose, with the dual filters."""
        axes = FilterAxes(self.dual, self.mode, cut=True)
        return linear(partial(axes.transpose, size=size), axes.apply, ll, h, v, d)[0]

    def extra_repr(self) -> str:
        """Wavelet, levels and mode, for ``print``."""
        return f"{self.wavelet!r}, levels={self.levels}, mode={self.mode!r}"


@register("transform", "custom", "filter bank from given taps, checked for perfect reconstruction")
class CustomFilterBank(FilterBank):
    """A :class:`FilterBank` from arrays, as ``pywt.Wavelet(filter_bank=(dec_lo, dec_hi, rec_lo, rec_hi))``.

    Args:
        dec_lo: low-pass analysis taps, in the order of convolution.
        dec_hi: high-pass analysis taps.
        rec_lo: low-pass synthesis taps.
        rec_hi: high-pass synthesis taps.
        levels: number of levels.
        mode: as for :class:`FilterBank`.

    Raises:
        InputError: the taps are not of one even length, not finite, or do not reconstruct.
    """

    def __init__(
        self,
        dec_lo: list[float],
        dec_hi: list[float],
        rec_lo: list[float],
        rec_hi: list[float],
        levels: Levels = 2,
        mode: Mode = "periodization",
    ) -> None:
        DyadicTransform.__init__(self, levels)
        self.wavelet = "custom"
        self._set_filters(*custom_pairs(dec_lo, dec_hi, rec_lo, rec_hi), mode)


_FAMILIES = {
    "db": ("Daubechies wavelet", "Daubechies, Comm. Pure Appl. Math. 41 (1988) 909-996"),
    "sym": ("least asymmetric Daubechies wavelet", "Daubechies, SIAM J. Math. Anal. 24 (1993) 499-519"),
    "coif": ("coiflet", "Daubechies, SIAM J. Math. Anal. 24 (1993) 499-519"),
    "bior": (
        "biorthogonal spline wavelet",
        "Cohen, Daubechies, Feauveau, Comm. Pure Appl. Math. 45 (1992) 485-560",
    ),
    "rbio": (
        "reverse biorthogonal spline wavelet",
        "Cohen, Daubechies, Feauveau, Comm. Pure Appl. Math. 45 (1992) 485-560",
    ),
    "dmey": ("FIR approximation of the Meyer wavelet, inexact", "Meyer, Ondelettes et operateurs (1990)"),
}

for _name in discrete_wavelets():
    if _name == "haar":  # has a class of its own
        continue
    _what, _paper = _FAMILIES[_name.rstrip("0123456789.")]
    _analysis, _ = filter_pairs(_name)
    register(
        "transform",
        _name,
        f"{_what}, {len(_analysis.lo)} taps",
        paper=_paper,
        capabilities=("orthonormal",) if is_orthonormal(_analysis) else (),
        fixed={"wavelet": _name},
    )(FilterBank)
