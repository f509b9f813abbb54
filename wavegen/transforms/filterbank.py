"""The periodised separable filter bank: every discrete wavelet of PyWavelets through one class.

One axis of even length n = 2K, with a filter f of even length L and indices modulo n:

    c[k] = sum_j f[j] x[2k + L/2 - j]

Tap j meets the samples of one parity only, p = (L/2 - j) mod 2, shifted by s = floor((L/2 - j) / 2):
c[k] gets f[j] x_p[k + s] from the phase x_p[k] = x[2k + p]. Every tap is thus one multiply-add of
whole contiguous arrays. The transpose has the same taps and shifts: x_p[k] gets f[j] c[k - s].
"""

from __future__ import annotations

from functools import partial
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from wavegen.registry import register
from wavegen.transforms.adjoint import linear
from wavegen.transforms.base import Bands, DyadicTransform
from wavegen.transforms.filters import FilterPair, discrete_wavelets, filter_pairs, is_orthonormal

ROWS, COLUMNS = -2, -1
Term = tuple[float, Tensor, int]


def _split(x: Tensor, axis: int) -> tuple[Tensor, Tensor]:
    """The two phases x[2k] and x[2k + 1] along an axis, as views."""
    even, odd = torch.unflatten(x, axis, (-1, 2)).unbind(axis)
    return even, odd


def _wrap(x: Tensor, axis: int, before: int, after: int) -> Tensor:
    """Continue ``x`` periodically by ``before`` and ``after`` samples, around more than once if need be."""
    n = x.shape[axis]
    if max(before, after) > n:
        return x.index_select(axis, torch.arange(-before, n + after, device=x.device) % n)
    return torch.cat((x.narrow(axis, n - before, before), x, x.narrow(axis, 0, after)), axis)


def _place(j: int, length: int) -> tuple[int, int]:
    """Phase p and shift s of tap j."""
    s, p = divmod(length // 2 - j, 2)
    return p, s


def _sum(terms: list[Term], axis: int, n: int) -> Tensor:
    """Sum of tap * source[start : start + n] over terms (tap, source, start)."""
    # Short biorthogonal filters are stored with zeros around them. Small taps first halves the rounding
    # error of the long filters, which keeps all of them below 1e-6 in float32.
    ordered = sorted((term for term in terms if term[0] != 0.0), key=lambda term: abs(term[0])) or terms[:1]
    tap, source, start = ordered[0]
    total = source.narrow(axis, start, n) * tap
    for tap, source, start in ordered[1:]:
        total.add_(source.narrow(axis, start, n), alpha=tap)
    return total


def _analyse_axis(x: Tensor, pair: FilterPair, axis: int) -> tuple[Tensor, Tensor]:
    length = len(pair.lo)
    before, after = -_place(length - 1, length)[1], _place(0, length)[1]
    phases = [_wrap(phase, axis, before, after) for phase in _split(x, axis)]
    places = [_place(j, length) for j in range(length)]
    n = x.shape[axis] // 2
    lo, hi = (
        _sum([(tap, phases[p], before + s) for tap, (p, s) in zip(taps, places, strict=True)], axis, n) for taps in pair
    )
    return lo, hi


def _synthesise_axis(lo: Tensor, hi: Tensor, pair: FilterPair, axis: int) -> Tensor:
    length = len(pair.lo)
    # The shifts of the transpose are those of the analysis with the sign changed.
    before, after = _place(0, length)[1], -_place(length - 1, length)[1]
    bands = [_wrap(band, axis, before, after) for band in (lo, hi)]
    n = lo.shape[axis]
    terms: tuple[list[Term], list[Term]] = ([], [])
    for taps, band in zip(pair, bands, strict=True):
        for j, tap in enumerate(taps):
            p, s = _place(j, length)
            terms[p].append((tap, band, before - s))
    shape = list(lo.shape)
    shape[axis] *= 2
    x = lo.new_empty(shape)
    for phase, part in zip(_split(x, axis), terms, strict=True):
        phase.copy_(_sum(part, axis, n))
    return x


def _analyse(x: Tensor, pair: FilterPair) -> Bands:
    lo, hi = _analyse_axis(x, pair, COLUMNS)
    ll, h = _analyse_axis(lo, pair, ROWS)
    v, d = _analyse_axis(hi, pair, ROWS)
    return ll, h, v, d


def _synthesise(ll: Tensor, h: Tensor, v: Tensor, d: Tensor, pair: FilterPair) -> tuple[Tensor]:
    lo = _synthesise_axis(ll, h, pair, ROWS)
    hi = _synthesise_axis(v, d, pair, ROWS)
    return (_synthesise_axis(lo, hi, pair, COLUMNS),)


class FilterBank(DyadicTransform):
    """Critically sampled periodised wavelet transform; coefficients as ``pywt.wavedec2(mode="periodization")``.

    Args:
        wavelet: the name of a discrete wavelet.
        levels: number of levels. Any is legal for any size: a side of 1 stays 1.

    Raises:
        InputError: no discrete wavelet has this name.

    Source: Mallat, IEEE Trans. PAMI 11 (1989) 674-693.
    """

    def __init__(self, wavelet: str, levels: Annotated[int, Field(ge=1, le=8)] = 2) -> None:
        super().__init__(levels)
        self.wavelet = wavelet
        # Plain floats: moving the module to another dtype must not round them.
        self.analysis, self.dual = filter_pairs(wavelet)
        self.orthonormal = is_orthonormal(self.analysis)

    def analyse(self, x: Tensor) -> Bands:
        """(B, C, 2h, 2w) to LL, H, V, D, each (B, C, h, w)."""
        pair = self.analysis
        ll, h, v, d = linear(partial(_analyse, pair=pair), partial(_synthesise, pair=pair), x)
        return ll, h, v, d

    def synthesise(self, ll: Tensor, h: Tensor, v: Tensor, d: Tensor) -> Tensor:
        """The inverse of :meth:`analyse`: the transpose of the analysis with the dual filters."""
        pair = self.dual
        return linear(partial(_synthesise, pair=pair), partial(_analyse, pair=pair), ll, h, v, d)[0]

    def extra_repr(self) -> str:
        """Wavelet and levels, for ``print``."""
        return f"{self.wavelet!r}, levels={self.levels}"


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
        f"{_what}, {len(_analysis.lo)} taps, periodised",
        paper=_paper,
        capabilities=("orthonormal",) if is_orthonormal(_analysis) else (),
        preset={"wavelet": _name},
    )(FilterBank)
