"""The filter bank and the Haar transform over contiguous arrays, in plain Python that numba compiles.

Images and bands are flat arrays of rows. Output is computed row by row: a weighted sum of whole rows along y, which
stays in the cache, then a sum of shifted phases along x, so that every value is read and written once. Each call
computes rows ``first`` to ``last`` of all images, so that threads can share the work. The tables of row and column
indices come from :mod:`wavegen.transforms.kernels.tables`.
"""

from __future__ import annotations

from functools import lru_cache
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wavegen.core.interrupt import whole
from wavegen.core.optional import need
from wavegen.transforms.axis import Index
from wavegen.transforms.kernels.tables import Columns, Rows

Array = NDArray[Any]
BLOCK = 1024  # columns: eight rows of them fit the first-level cache
GROUP = 2048  # samples of the rows per step: reading back what was just written is slow
U = np.uintp  # unsigned indices avoid the test for negative ones, which would prevent vectorisation


def fir(
    out: Array, o: int, first: int, last: int, a: Array, b: Array, at: int, step: int, ia: Index, ib: Index, ta: Array,
    tb: Array, p: int, m: int,
) -> None:  # fmt: skip
    """out[o + c] = sum_i ta[i] a[at + step ia[i] + c] + tb[i] b[at + step ib[i] + c] for first <= c < last.

    The sum is over p <= i < p + m, four pairs at a time: with more, the compiler no longer proves that the inputs do
    not overlap ``out``.
    """
    i, u = p, U(o)
    while i + 4 <= p + m:
        a0, a1, a2, a3 = (
            U(at + step * ia[i]), U(at + step * ia[i + 1]), U(at + step * ia[i + 2]), U(at + step * ia[i + 3])
        )  # fmt: skip
        b0, b1, b2, b3 = (
            U(at + step * ib[i]), U(at + step * ib[i + 1]), U(at + step * ib[i + 2]), U(at + step * ib[i + 3])
        )  # fmt: skip
        s0, s1, s2, s3, t0, t1, t2, t3 = ta[i], ta[i + 1], ta[i + 2], ta[i + 3], tb[i], tb[i + 1], tb[i + 2], tb[i + 3]
        if i == p:
            for c in range(U(first), U(last)):
                left = s0 * a[a0 + c] + s1 * a[a1 + c] + s2 * a[a2 + c] + s3 * a[a3 + c]
                out[u + c] = left + (t0 * b[b0 + c] + t1 * b[b1 + c] + t2 * b[b2 + c] + t3 * b[b3 + c])
        else:
            for c in range(U(first), U(last)):
                left = s0 * a[a0 + c] + s1 * a[a1 + c] + s2 * a[a2 + c] + s3 * a[a3 + c]
                right = t0 * b[b0 + c] + t1 * b[b1 + c] + t2 * b[b2 + c] + t3 * b[b3 + c]
                out[u + c] += left + right
        i += 4
    while i < p + m:
        a0, b0, s0, t0 = U(at + step * ia[i]), U(at + step * ib[i]), ta[i], tb[i]
        if i == p:
            for c in range(U(first), U(last)):
                out[u + c] = s0 * a[a0 + c] + t0 * b[b0 + c]
        else:
            for c in range(U(first), U(last)):
                out[u + c] += s0 * a[a0 + c] + t0 * b[b0 + c]
        i += 1


def part(x: Array, o: int, n: int, p: Array, even: int, odd: int) -> None:
    """Copy the even samples of x[o : o + n] to ``p`` from ``even`` on, the odd samples from ``odd`` on."""
    ue, uo, u = U(even), U(odd), U(o)
    for t in range(U(n // 2)):
        p[ue + t] = x[u + t + t]
        p[uo + t] = x[u + t + t + U(1)]
    if n % 2:
        p[even + n // 2] = x[o + n - 1]


def join(x: Array, o: int, n: int, p: Array, even: int, odd: int) -> None:
    """The inverse of :func:`part`."""
    ue, uo, u = U(even), U(odd), U(o)
    for t in range(U(n // 2)):
        x[u + t + t] = p[ue + t]
        x[u + t + t + U(1)] = p[uo + t]
    if n % 2:
        x[o + n - 1] = p[even + n // 2]


def place(e: Any, second: int) -> Any:
    """Position of sample ``e`` of a row in a buffer whose odd phase starts ``second`` entries after the even one."""
    return e // 2 + e % 2 * second


def analyse(
    x: Array, ll: Array, h: Array, v: Array, d: Array, rows: Rows, columns: Columns, size: Any, first: int, last: int
) -> None:
    """Rows ``first`` to ``last`` of the four bands; ``size`` is (H, W) of the image, then of the bands."""
    height, width, lines, length = size
    half = len(columns.lo_even)
    group, long = max(1, GROUP // width), length + half - 1
    second = 2 * group * long
    mixed = np.empty(2 * group * width, x.dtype)  # low-pass, then high-pass half of each row
    phases = np.zeros(2 * second, x.dtype)  # even and odd samples of ``mixed``, extended
    even, odd = place(columns.core, second), place(columns.core + 1, second)
    edge, source = place(columns.edge, second), place(columns.source, second)
    q = np.arange(half)
    q2 = q + second
    for start in range(first, last, group):
        count = min(group, last - start)
        for g in range(count):
            image, k = (start + g) // lines, (start + g) % lines
            at, p, m = image * height * width, rows.start[k], rows.start[k + 1] - rows.start[k]
            o = 2 * g * width
            for c in range(0, width, BLOCK):
                stop = min(c + BLOCK, width)
                fir(mixed, o, c, stop, x, x, at, width, rows.a, rows.b, rows.lo_a, rows.lo_b, p, m)
                fir(mixed, o + width, c, stop, x, x, at, width, rows.a, rows.b, rows.hi_a, rows.hi_b, p, m)
        for g in range(2 * count):
            part(mixed, g * width, width, phases, even + g * long, odd + g * long)
        for g in range(2 * count):
            for i in range(len(edge)):
                phases[edge[i] + g * long] = phases[source[i] + g * long]
        for g in range(count):
            o, at = (start + g) * length, 2 * g * long
            fir(ll, o, 0, length, phases, phases, at, 1, q, q2, columns.lo_even, columns.lo_odd, 0, half)
            fir(v, o, 0, length, phases, phases, at, 1, q, q2, columns.hi_even, columns.hi_odd, 0, half)
            fir(h, o, 0, length, phases, phases, at + long, 1, q, q2, columns.lo_even, columns.lo_odd, 0, half)
            fir(d, o, 0, length, phases, phases, at + long, 1, q, q2, columns.hi_even, columns.hi_odd, 0, half)


def synthesise(
    x: Array, ll: Array, h: Array, v: Array, d: Array, rows: Rows, columns: Columns, size: Any, first: int, last: int
) -> None:
    """The transpose of :func:`analyse`, by rows of the image."""
    height, width, lines, length = size
    half = len(columns.lo_even)
    group, long = max(1, GROUP // width), length + 2 * half - 2
    second = group * long
    low, high = np.zeros(second, x.dtype), np.zeros(second, x.dtype)  # each row padded with zeros
    phases = np.empty(2 * second, x.dtype)
    even, odd = place(columns.core, second), place(columns.core + 1, second)
    edge, source = place(columns.edge, second), place(columns.source, second)
    q = half - 1 - np.arange(half)
    for start in range(first, last, group):
        count = min(group, last - start)
        for g in range(count):
            image, i = (start + g) // height, (start + g) % height
            at, p, m = image * lines * length, rows.start[i], rows.start[i + 1] - rows.start[i]
            o = g * long + half - 1
            fir(low, o, 0, length, ll, h, at, length, rows.a, rows.a, rows.lo_a, rows.hi_a, p, m)
            fir(high, o, 0, length, v, d, at, length, rows.a, rows.a, rows.lo_a, rows.hi_a, p, m)
        # All rows in one call: the entries that mix two rows are never read.
        stop = count * long - half + 1
        fir(phases, 0, 0, stop, low, high, 0, 1, q, q, columns.lo_even, columns.hi_even, 0, half)
        fir(phases, second, 0, stop, low, high, 0, 1, q, q, columns.lo_odd, columns.hi_odd, 0, half)
        for g in range(count):
            for i in range(len(edge)):
                phases[source[i] + g * long] += phases[edge[i] + g * long]
        for g in range(count):
            join(x, (start + g) * width, width, phases, even + g * long, odd + g * long)


def butterfly(x: Array, ll: Array, h: Array, v: Array, d: Array, length: int, first: int, last: int) -> None:
    """Rows ``first`` to ``last`` of the Haar bands, each of ``length`` columns."""
    half = x.dtype.type(0.5)
    for r in range(first, last):
        o, top, bottom = U(r * length), U(4 * r * length), U((4 * r + 2) * length)
        # Two bands per loop: the compiler vectorises no more.
        for c in range(U(length)):
            upper, lower = x[top + c + c] + x[top + c + c + U(1)], x[bottom + c + c] + x[bottom + c + c + U(1)]
            ll[o + c] = half * (upper + lower)
            h[o + c] = half * (upper - lower)
        for c in range(U(length)):
            upper, lower = x[top + c + c] - x[top + c + c + U(1)], x[bottom + c + c] - x[bottom + c + c + U(1)]
            v[o + c] = half * (upper + lower)
            d[o + c] = half * (upper - lower)


def inverse_butterfly(x: Array, ll: Array, h: Array, v: Array, d: Array, length: int, first: int, last: int) -> None:
    """The inverse of :func:`butterfly`, which is its transpose."""
    half = x.dtype.type(0.5)
    for r in range(first, last):
        o, top, bottom = U(r * length), U(4 * r * length), U((4 * r + 2) * length)
        for c in range(U(length)):
            low, high = half * (ll[o + c] + h[o + c]), half * (v[o + c] + d[o + c])
            x[top + c + c] = low + high
            x[top + c + c + U(1)] = low - high
        for c in range(U(length)):
            low, high = half * (ll[o + c] - h[o + c]), half * (v[o + c] - d[o + c])
            x[bottom + c + c] = low + high
            x[bottom + c + c + U(1)] = low - high


@lru_cache(maxsize=1)
def kernels() -> SimpleNamespace:
    """The four kernels, compiled at the first call and cached on disk.

    Raises:
        InputError: numba is not installed.
    """
    with whole():
        numba, extending = need("numba", "fast"), need("numba.extending", "fast")

        # Multiply-adds may be fused; NaN and infinity keep their meaning.
        options = {"fastmath": {"contract"}}
        for helper in (fir, part, join, place):
            extending.register_jitable(forceinline=True, **options)(helper)
        jit = numba.njit(cache=True, nogil=True, **options)
        return SimpleNamespace(**{f.__name__: jit(f) for f in (analyse, synthesise, butterfly, inverse_butterfly)})
