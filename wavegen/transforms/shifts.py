"""One axis of the periodised filter bank as sums of shifted phases, for taps that change at every step.

One axis of even length n = 2K, with a filter f of even length L and indices modulo n:

    c[k] = sum_j f[j] x[2k + L/2 - j]

Tap j uses the samples of one parity only, p = (L/2 - j) mod 2, shifted by s = floor((L/2 - j) / 2):
c[k] gets f[j] x_p[k + s] from the phase x_p[k] = x[2k + p]. Every tap is then one multiply-add of
whole arrays. The transpose has the same taps and shifts: x_p[k] gets f[j] c[k - s].
"""

from __future__ import annotations

import torch
from torch import Tensor

from wavegen.transforms.filters import FilterPair

ROWS, COLUMNS = -2, -1
Term = tuple[float, Tensor, int]


def split(x: Tensor, axis: int) -> tuple[Tensor, Tensor]:
    """The two phases x[2k] and x[2k + 1] along an axis, as views."""
    even, odd = torch.unflatten(x, axis, (-1, 2)).unbind(axis)
    return even, odd


def wrap(x: Tensor, axis: int, before: int, after: int) -> Tensor:
    """Extend ``x`` periodically by ``before`` and ``after`` samples, over several periods if needed."""
    n = x.shape[axis]
    if max(before, after) > n:
        return x.index_select(axis, torch.arange(-before, n + after, device=x.device) % n)
    return torch.cat((x.narrow(axis, n - before, before), x, x.narrow(axis, 0, after)), axis)


def place(j: int, length: int) -> tuple[int, int]:
    """Phase p and shift s of tap j."""
    s, p = divmod(length // 2 - j, 2)
    return p, s


def _sum(terms: list[Term], axis: int, n: int) -> Tensor:
    """Sum of tap * source[start : start + n] over terms (tap, source, start)."""
    # Short biorthogonal filters are stored with zeros around them. Adding small taps first halves the rounding
    # error of long filters, which keeps every filter below 1e-6 in float32.
    ordered = sorted((term for term in terms if term[0] != 0.0), key=lambda term: abs(term[0])) or terms[:1]
    tap, source, start = ordered[0]
    total = source.narrow(axis, start, n) * tap
    for tap, source, start in ordered[1:]:
        total.add_(source.narrow(axis, start, n), alpha=tap)
    return total


def analyse_axis(x: Tensor, pair: FilterPair, axis: int) -> tuple[Tensor, Tensor]:
    """The low and the high band of one axis of even length."""
    length = len(pair.lo)
    before, after = -place(length - 1, length)[1], place(0, length)[1]
    phases = [wrap(phase, axis, before, after) for phase in split(x, axis)]
    places = [place(j, length) for j in range(length)]
    n = x.shape[axis] // 2
    lo, hi = (
        _sum([(tap, phases[p], before + s) for tap, (p, s) in zip(taps, places, strict=True)], axis, n) for taps in pair
    )
    return lo, hi


def synthesise_axis(lo: Tensor, hi: Tensor, pair: FilterPair, axis: int) -> Tensor:
    """The transpose of :func:`analyse_axis`."""
    length = len(pair.lo)
    # The transpose has the shifts of the analysis with opposite signs.
    before, after = place(0, length)[1], -place(length - 1, length)[1]
    bands = [wrap(band, axis, before, after) for band in (lo, hi)]
    n = lo.shape[axis]
    terms: tuple[list[Term], list[Term]] = ([], [])
    for taps, band in zip(pair, bands, strict=True):
        for j, tap in enumerate(taps):
            p, s = place(j, length)
            terms[p].append((tap, band, before - s))
    shape = list(lo.shape)
    shape[axis] *= 2
    x = lo.new_empty(shape)
    for phase, part in zip(split(x, axis), terms, strict=True):
        phase.copy_(_sum(part, axis, n))
    return x
