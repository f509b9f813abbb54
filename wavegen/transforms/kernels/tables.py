"""Index tables of the compiled filter bank: the input rows of each output row, and the extension of a row."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from wavegen.transforms.axis import Index, Mode, band_size, entries, extend, offset
from wavegen.transforms.filters import FilterPair

Taps = NDArray[Any]


class Rows(NamedTuple):
    """Output row r is the sum over start[r] <= e < start[r + 1] of the input rows a[e] and b[e] times taps.

    Analysis takes its inputs in pairs, so that lo = sum lo_a x[a] + lo_b x[b], and hi likewise. Its transpose takes
    row a of two bands: x = sum lo_a low[a] + hi_a high[a].
    """

    start: Index
    a: Index
    b: Index
    lo_a: Taps
    lo_b: Taps
    hi_a: Taps
    hi_b: Taps


class Columns(NamedTuple):
    """How a row is extended: its sample 0 becomes sample ``core`` of the extended row.

    Outside the row, sample edge[i] equals sample source[i] inside it; all others are zero. The taps are split into
    even and odd ones, in reverse order: with the phases p of the extended row,
    lo[k] = sum_q lo_even[q] p0[k + q] + lo_odd[q] p1[k + q].
    """

    core: int
    edge: Index
    source: Index
    lo_even: Taps
    lo_odd: Taps
    hi_even: Taps
    hi_odd: Taps


@lru_cache(maxsize=256)
def rows(pair: FilterPair, mode: Mode, cut: bool, n: int, transposed: bool, dtype: str) -> Rows:
    """For ``n`` samples; arguments as for :func:`wavegen.transforms.axis.axis_map`, ``dtype`` a NumPy name."""
    k, i, j = entries(n, len(pair.lo), mode, cut)
    lo, hi = (np.array(taps)[j] for taps in pair)
    out, inputs = (i, k) if transposed else (k, i)
    order = np.argsort(out, kind="stable")
    out, inputs, lo, hi = out[order], inputs[order], lo[order], hi[order]
    size = n if transposed else band_size(n, len(pair.lo), mode)
    counts = np.bincount(out, minlength=size)
    if not transposed:
        # An odd number of inputs is made even by repeating the last one with zero taps.
        ends = np.cumsum(counts)[counts % 2 == 1]
        inputs, lo, hi = np.insert(inputs, ends, inputs[ends - 1]), np.insert(lo, ends, 0), np.insert(hi, ends, 0)
        counts = (counts + 1) // 2
    step = 1 if transposed else 2
    halves = (array[s::step] for array in (lo, hi) for s in (0, step - 1))
    lo_a, lo_b, hi_a, hi_b = (np.ascontiguousarray(taps, dtype) for taps in halves)
    a, b = (np.ascontiguousarray(inputs[s::step]) for s in (0, step - 1))
    start = np.concatenate(([0], np.cumsum(counts)))
    return Rows(start, a, b, lo_a, lo_b, hi_a, hi_b)


@lru_cache(maxsize=256)
def columns(pair: FilterPair, mode: Mode, cut: bool, n: int, dtype: str) -> Columns:
    """For an axis of ``n`` samples, in both directions."""
    length = len(pair.lo)
    core = length - 1 - offset(length, mode)
    samples = np.arange(2 * band_size(n, length, mode) + length - 2)
    source = extend(samples - core, n, mode, cut)
    edge = samples[((samples < core) | (samples >= core + n)) & (source >= 0)]
    taps = (np.array(filter_[::-1])[s::2] for filter_ in pair for s in (0, 1))
    return Columns(core, edge, source[edge] + core, *(np.ascontiguousarray(t, dtype) for t in taps))
