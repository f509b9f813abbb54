"""Filter taps of the discrete wavelets, from PyWavelets."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pywt

from wavegen.errors import InputError, near_matches


class FilterPair(NamedTuple):
    """Taps of a low-pass and a high-pass filter of one even length."""

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


def is_orthonormal(analysis: FilterPair, tolerance: float = 1e-7) -> bool:
    """Whether the even shifts of the taps are orthonormal: sum_n f[n] g[n + 2k] = [f = g] [k = 0].

    Measured, not taken from the name: the truncated Meyer filters (dmey) miss it by 1e-2, and
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
