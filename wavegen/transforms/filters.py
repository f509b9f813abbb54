"""Filter taps of the discrete wavelets, from PyWavelets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pywt

from wavegen.core.errors import InputError, near_matches

RECONSTRUCTION = 1e-6  # largest error of a product filter


class FilterPair(NamedTuple):
    """Taps of a low-pass and a high-pass filter of the same even length."""

    lo: tuple[float, ...]
    hi: tuple[float, ...]


def discrete_wavelets() -> list[str]:
    """Names of all discrete wavelets: haar, db1 ..., sym, coif, bior, rbio, dmey."""
    return list(pywt.wavelist(kind="discrete"))


def filter_pairs(wavelet: str) -> tuple[FilterPair, FilterPair]:
    """The analysis pair and the dual pair of a wavelet, in the order of convolution.

    The dual pair holds the time-reversed reconstruction filters, so that synthesis is the transpose
    of analysis with the dual pair. The two pairs of an orthogonal wavelet are equal.

    Raises:
        InputError: no discrete wavelet has this name.
    """
    known = discrete_wavelets()
    if wavelet not in known:
        raise InputError(f"unknown wavelet {wavelet!r}; {near_matches(wavelet, known)}")
    bank = pywt.Wavelet(wavelet)
    analysis = FilterPair(tuple(bank.dec_lo), tuple(bank.dec_hi))
    dual = FilterPair(tuple(bank.rec_lo[::-1]), tuple(bank.rec_hi[::-1]))
    return analysis, dual


def custom_pairs(
    dec_lo: Sequence[float], dec_hi: Sequence[float], rec_lo: Sequence[float], rec_hi: Sequence[float]
) -> tuple[FilterPair, FilterPair]:
    """The analysis pair and the dual pair of custom taps, which must reconstruct to 1e-6.

    Raises:
        InputError: the taps differ in length, are odd in number or not finite, or do not reconstruct.
    """
    filters = {"dec_lo": dec_lo, "dec_hi": dec_hi, "rec_lo": rec_lo, "rec_hi": rec_hi}
    lengths = {name: len(taps) for name, taps in filters.items()}
    if len(set(lengths.values())) > 1 or lengths["dec_lo"] % 2 or lengths["dec_lo"] < 2:
        raise InputError(f"the filters have {lengths} taps; give all the same even length (pad with zeros)")
    for name, taps in filters.items():
        if not np.isfinite(np.asarray(taps, dtype=float)).all():
            raise InputError(f"{name} has taps that are NaN or infinite")
    error = reconstruction_gap(dec_lo, dec_hi, rec_lo, rec_hi)
    if error > RECONSTRUCTION:
        raise InputError(
            f"the filter bank does not reconstruct: its product filters differ by {error:.2g} from a pure delay of "
            f"{lengths['dec_lo'] - 1} samples (at most {RECONSTRUCTION:g}); check order, signs and scale (sum of "
            "dec_lo is sqrt(2))"
        )
    lo, hi, dual_lo, dual_hi = (tuple(map(float, taps)) for taps in (dec_lo, dec_hi, rec_lo[::-1], rec_hi[::-1]))
    return FilterPair(lo, hi), FilterPair(dual_lo, dual_hi)


def reconstruction_gap(
    dec_lo: Sequence[float], dec_hi: Sequence[float], rec_lo: Sequence[float], rec_hi: Sequence[float]
) -> float:
    """Deviation of a two-channel filter bank from perfect reconstruction; 0 is exact.

    With H, G the analysis and synthesis filters: the largest coefficient of H0(z) G0(z) + H1(z) G1(z) -
    2 z^(1-L) (distortion) and of H0(-z) G0(z) + H1(-z) G1(z) (aliasing).

    Source: Vetterli, Herley, IEEE Trans. Signal Process. 40 (1992) 2207-2232.
    """
    h0, h1, g0, g1 = (np.asarray(taps, dtype=float) for taps in (dec_lo, dec_hi, rec_lo, rec_hi))
    length = len(h0)
    signs = (-1.0) ** np.arange(length)
    distortion = np.convolve(h0, g0) + np.convolve(h1, g1)
    distortion[length - 1] -= 2.0
    aliasing = np.convolve(signs * h0, g0) + np.convolve(signs * h1, g1)
    return float(max(np.abs(distortion).max(), np.abs(aliasing).max()))


def is_orthonormal(analysis: FilterPair, tolerance: float = 1e-7) -> bool:
    """Whether the even shifts of the taps are orthonormal: sum_n f[n] g[n + 2k] is 1 for f = g, k = 0, else 0.

    Computed rather than looked up by name: the truncated Meyer filters (dmey) fail by 1e-2, and
    bior1.1 is Haar.
    """
    f, g = np.array(analysis.lo), np.array(analysis.hi)
    length = len(f)
    delta = (np.arange(1 - length, length) == 0).astype(float)
    # `correlate` puts lag 0 at index length - 1; only even lags count.
    even = slice((length - 1) % 2, None, 2)
    errors = (
        np.correlate(f, f, "full") - delta,
        np.correlate(g, g, "full") - delta,
        np.correlate(f, g, "full"),
    )
    return all(float(np.abs(error[even]).max()) <= tolerance for error in errors)
