"""The filter bank and Haar over contiguous arrays, written for a compiler: plain Python that numba compiles.

Image and bands are flat arrays of rows. One row of output at a time: along y a sum of whole rows, which stays in the
cache, then along x a sum of shifted phases; everything is read and written once. Rows ``first`` to ``last`` of all
images are worked on, so that several threads can share the work. :mod:`wavegen.transforms.gather` makes the tables.
"""

from __future__ import annotations

from functools import lru_cache
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wavegen.transforms.gather import Columns, Rows

Array = NDArray[Any]
BLOCK = 1024  # columns that eight rows of stay in the first cache
U = np.uintp  # an unsigned index needs no test for negative ones, which would keep the loops from being vectorised


def fir(
    out: Array, o: int, first: int, last: int, a: Array, b: Array, oa: Array, ob: Array, ta: Array, tb: Array, p: int
) -> None:
    """out[o + c] = sum_i ta[p + i] a[oa[i] + c] + tb[p + i] b[ob[i] + c] for ``first`` <= c < ``last``, i < oa[-1].

    Four pairs at a time are as many as the compiler tells apart from ``out``.
    """
    m, i, u = oa[-1], 0, U(o)
    while i + 4 <= m:
        a0, a1, a2, a3 = U(oa[i]), U(oa[i + 1]), U(oa[i + 2]), U(oa[i + 3])
        b0, b1, b2, b3 = U(ob[i]), U(ob[i + 1]), U(ob[i + 2]), U(ob[i + 3])
        j = p + i
        s0, s1, s2, s3, t0, t1, t2, t3 = ta[j], ta[j + 1], ta[j + 2], ta[j + 3], tb[j], tb[j + 1], tb[j + 2], tb[j + 3]
        if i == 0:
            for c in range(U(first), U(last)):
                left = s0 * a[a0 + c] + s1 * a[a1 + c] + s2 * a[a2 + c] + s3 * a[a3 + c]
                out[u + c] = left + t0 * b[b0 + c] + t1 * b[b1 + c] + t2 * b[b2 + c] + t3 * b[b3 + c]
        else:
            for c in range(U(first), U(last)):
                left = out[u + c] + s0 * a[a0 + c] + s1 * a[a1 + c] + s2 * a[a2 + c] + s3 * a[a3 + c]
                out[u + c] = left + t0 * b[b0 + c] + t1 * b[b1 + c] + t2 * b[b2 + c] + t3 * b[b3 + c]
        i += 4
    while i < m:
        a0, b0, s0, t0 = U(oa[i]), U(ob[i]), ta[p + i], tb[p + i]
        if i == 0:
            for c in range(U(first), U(last)):
                out[u + c] = s0 * a[a0 + c] + t0 * b[b0 + c]
        else:
            for c in range(U(first), U(last)):
                out[u + c] = out[u + c] + s0 * a[a0 + c] + t0 * b[b0 + c]
        i += 1


def part(x: Array, n: int, p: Array, at_p: int, q: Array, at_q: int) -> None:
    """The samples of even number of ``x`` to ``p``, from ``at_p`` on, those of odd number to ``q``."""
    up, uq = U(at_p), U(at_q)
    for t in range(U(n // 2)):
        p[up + t] = x[t + t]
        q[uq + t] = x[t + t + U(1)]
    if n % 2:
        p[at_p + n // 2] = x[n - 1]


def join(x: Array, o: int, n: int, p: Array, at_p: int, q: Array, at_q: int) -> None:
    """The inverse of :func:`part` into x[o : o + n]."""
    up, uq, u = U(at_p), U(at_q), U(o)
    for t in range(U(n // 2)):
        x[u + t + t] = p[up + t]
        x[u + t + t + U(1)] = q[uq + t]
    if n % 2:
        x[o + n - 1] = p[at_p + n // 2]


def phases(x: Array, n: int, even: Array, odd: Array, source: Array, core: int) -> None:
    """Continue a row of ``n`` samples by ``source`` (-1: zero) and part it into its two phases."""
    if core % 2:
        part(x, n, odd, core // 2, even, core // 2 + 1)
    else:
        part(x, n, even, core // 2, odd, core // 2)
    zero = x.dtype.type(0)
    for e in range(len(source)):
        if e < core or e >= core + n:
            value = x[source[e]] if source[e] >= 0 else zero
            if e % 2:
                odd[e // 2] = value
            else:
                even[e // 2] = value


def fold(x: Array, o: int, n: int, even: Array, odd: Array, source: Array, core: int) -> None:
    """The transpose of :func:`phases`, into x[o : o + n]."""
    if core % 2:
        join(x, o, n, odd, core // 2, even, core // 2 + 1)
    else:
        join(x, o, n, even, core // 2, odd, core // 2)
    for e in range(len(source)):
        if (e < core or e >= core + n) and source[e] >= 0:
            x[o + source[e]] += odd[e // 2] if e % 2 else even[e // 2]


def analyse(
    x: Array, ll: Array, h: Array, v: Array, d: Array, rows: Rows, columns: Columns, size: Any, first: int, last: int
) -> None:
    """Rows ``first`` to ``last`` of the four bands; ``size``: (H, W) of image and of bands."""
    height, width, lines, length = size
    half = len(columns.lo_even)
    low, high = np.empty(width, x.dtype), np.empty(width, x.dtype)
    even, odd = np.empty(length + half - 1, x.dtype), np.empty(length + half - 1, x.dtype)
    oa, ob = np.empty(rows.most + 1, np.int64), np.empty(rows.most + 1, np.int64)
    q = np.arange(half + 1)  # the last entry is the number of the others
    for r in range(first, last):
        image, k = r // lines, r % lines
        p = rows.start[k]
        oa[-1] = rows.start[k + 1] - p
        for i in range(oa[-1]):
            oa[i] = (image * height + rows.a[p + i]) * width
            ob[i] = (image * height + rows.b[p + i]) * width
        for c in range(0, width, BLOCK):
            stop = min(c + BLOCK, width)
            fir(low, 0, c, stop, x, x, oa, ob, rows.lo_a, rows.lo_b, p)
            fir(high, 0, c, stop, x, x, oa, ob, rows.hi_a, rows.hi_b, p)
        phases(low, width, even, odd, columns.source, columns.core)
        fir(ll, r * length, 0, length, even, odd, q, q, columns.lo_even, columns.lo_odd, 0)
        fir(v, r * length, 0, length, even, odd, q, q, columns.hi_even, columns.hi_odd, 0)
        phases(high, width, even, odd, columns.source, columns.core)
        fir(h, r * length, 0, length, even, odd, q, q, columns.lo_even, columns.lo_odd, 0)
        fir(d, r * length, 0, length, even, odd, q, q, columns.hi_even, columns.hi_odd, 0)


def synthesise(
    x: Array, ll: Array, h: Array, v: Array, d: Array, rows: Rows, columns: Columns, size: Any, first: int, last: int
) -> None:
    """The transpose of :func:`analyse`, by rows of the image."""
    height, width, lines, length = size
    half = len(columns.lo_even)
    low, high = np.zeros(length + 2 * half - 2, x.dtype), np.zeros(length + 2 * half - 2, x.dtype)
    even, odd = np.empty(length + half - 1, x.dtype), np.empty(length + half - 1, x.dtype)
    o = np.empty(rows.most + 1, np.int64)
    q = np.arange(half, -1, -1) - 1
    q[-1] = half
    for r in range(first, last):
        image, i = r // height, r % height
        p = rows.start[i]
        o[-1] = rows.start[i + 1] - p
        for j in range(o[-1]):
            o[j] = (image * lines + rows.a[p + j]) * length
        fir(low, half - 1, 0, length, ll, h, o, o, rows.lo_a, rows.hi_a, p)
        fir(high, half - 1, 0, length, v, d, o, o, rows.lo_a, rows.hi_a, p)
        fir(even, 0, 0, len(even), low, high, q, q, columns.lo_even, columns.hi_even, 0)
        fir(odd, 0, 0, len(odd), low, high, q, q, columns.lo_odd, columns.hi_odd, 0)
        fold(x, r * width, width, even, odd, columns.source, columns.core)


def butterfly(x: Array, ll: Array, h: Array, v: Array, d: Array, length: int, first: int, last: int) -> None:
    """Rows ``first`` to ``last`` of the bands of Haar, of ``length`` columns."""
    half = x.dtype.type(0.5)
    for r in range(first, last):
        o, top, bottom = U(r * length), U(4 * r * length), U((4 * r + 2) * length)
        # Two bands in a loop: more are not vectorised.
        for c in range(U(length)):
            above, below = x[top + c + c] + x[top + c + c + U(1)], x[bottom + c + c] + x[bottom + c + c + U(1)]
            ll[o + c] = half * (above + below)
            h[o + c] = half * (above - below)
        for c in range(U(length)):
            above, below = x[top + c + c] - x[top + c + c + U(1)], x[bottom + c + c] - x[bottom + c + c + U(1)]
            v[o + c] = half * (above + below)
            d[o + c] = half * (above - below)


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
def compiled() -> SimpleNamespace:
    """The four kernels, compiled when first called and kept on disk.

    Raises:
        ImportError: numba is not installed.
    """
    import numba
    from numba.extending import register_jitable

    # Multiply-adds may be fused; NaN and infinity keep their meaning.
    options = {"fastmath": {"contract"}}
    for helper in (fir, part, join, phases, fold):
        register_jitable(**options)(helper)
    jit = numba.njit(cache=True, nogil=True, **options)
    return SimpleNamespace(**{f.__name__: jit(f) for f in (analyse, synthesise, butterfly, inverse_butterfly)})
