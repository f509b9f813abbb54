"""One axis of a filter bank as a banded matrix, cut into small dense blocks.

With a filter f of even length L, c[k] = sum_j f[j] x[2k + o - j], where x is extended beyond its n samples:

    periodization   o = L/2; an odd n is padded by repeating the last sample; periodic; ceil(n/2) outputs
    symmetric       o = 1;   x[-1 - i] = x[i]             floor((n + L - 1)/2) outputs, as PyWavelets
    reflect         o = 1;   x[-i] = x[i]
    zero            o = 1;   0

The extension is folded into the matrix, so that its transpose is the exact adjoint. Dense blocks need more
multiplications than the taps do, but run at the speed of the processor's matrix products.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from wavegen.transforms.filters import FilterPair

Mode = Literal["periodization", "symmetric", "reflect", "zero"]
Index = NDArray[np.int64]
SIDE = 32  # outputs per block


class Piece(NamedTuple):
    """The contribution of inputs ``start`` to ``stop`` to a block: one matrix (outputs, inputs) for each band."""

    start: int
    stop: int
    lo: Tensor
    hi: Tensor


class Block(NamedTuple):
    """Outputs ``start`` to ``stop`` as the sum of their pieces (two where the signal wraps around)."""

    start: int
    stop: int
    pieces: tuple[Piece, ...]


class AxisMap(NamedTuple):
    """All blocks of an axis and its number of outputs: n samples (transposed), or those of each band."""

    size: int
    blocks: tuple[Block, ...]


def band_size(n: int, length: int, mode: Mode) -> int:
    """Coefficients of each band of an axis with ``n`` samples."""
    return (n + 1) // 2 if mode == "periodization" else (n + length - 1) // 2


def offset(length: int, mode: Mode) -> int:
    """The sample under tap 0 of coefficient 0."""
    return length // 2 if mode == "periodization" else 1


def extend(i: Index, n: int, mode: Mode, cut: bool) -> Index:
    """Sample indices at positions ``i`` of the extended axis; -1 means zero, with ``cut`` also everything outside."""
    if mode == "periodization":
        i = i % (n + n % 2)
    elif mode == "symmetric" and not cut:
        i = i % (2 * n)
        i = np.minimum(i, 2 * n - 1 - i)
    elif mode == "reflect" and not cut:
        period = max(2 * n - 2, 1)
        i = i % period
        i = np.minimum(i, period - i) if n > 1 else 0 * i
    if mode == "periodization" and not cut:
        i = np.minimum(i, n - 1)
    return np.where((i >= 0) & (i < n), i, -1)


def entries(n: int, length: int, mode: Mode, cut: bool) -> tuple[Index, Index, Index]:
    """(k, i, j) of all c[k] += f[j] x[i]; with ``cut`` only real samples count (synthesis)."""
    k, j = (a.ravel() for a in np.mgrid[: band_size(n, length, mode), :length])
    i = extend(2 * k + offset(length, mode) - j, n, mode, cut)
    keep = i >= 0
    return k[keep], i[keep], j[keep]


def _spans(inputs: Index) -> list[tuple[int, int]]:
    """The range of the inputs, or two ranges if there is a wide gap."""
    used = np.unique(inputs)
    gaps = np.diff(used)
    widest = int(gaps.argmax()) if len(gaps) else 0
    if len(gaps) and gaps[widest] > 2 * SIDE:
        return [(int(used[0]), int(used[widest]) + 1), (int(used[widest + 1]), int(used[-1]) + 1)]
    return [(int(used[0]), int(used[-1]) + 1)]


@lru_cache(maxsize=256)
def axis_map(
    pair: FilterPair, mode: Mode, cut: bool, n: int, transposed: bool, dtype: torch.dtype, device: torch.device
) -> AxisMap:
    """The matrices of an axis with ``n`` samples, for both filters of ``pair``.

    Args:
        pair: taps, in the order of convolution.
        mode: how the signal is extended.
        cut: drop what lies outside the n samples instead of extending them; for synthesis.
        n: number of samples.
        transposed: map bands to samples.
        dtype: of the matrices.
        device: of the matrices.
    """
    length = len(pair.lo)
    k, i, j = entries(n, length, mode, cut)
    out, inputs = (i, k) if transposed else (k, i)
    order = np.argsort(out, kind="stable")
    out, inputs, j = out[order], inputs[order], j[order]
    size = n if transposed else band_size(n, length, mode)
    taps = [np.array(f) for f in pair]
    shared: dict[Any, Tensor] = {}  # most blocks are equal

    def dense(rows: Index, columns: Index, values: NDArray[Any], shape: tuple[int, int]) -> Tensor:
        matrix = np.zeros(shape)
        np.add.at(matrix, (rows, columns), values)
        tensor = torch.from_numpy(matrix).to(device, dtype)
        return shared.setdefault((shape, matrix.tobytes()), tensor)

    blocks = []
    for start in range(0, size, SIDE):
        stop = min(start + SIDE, size)
        part = slice(*np.searchsorted(out, [start, stop]))
        pieces = []
        for low, high in _spans(inputs[part]):
            inside = (inputs[part] >= low) & (inputs[part] < high)
            where = out[part][inside] - start, inputs[part][inside] - low
            shape = (stop - start, high - low)
            pieces.append(Piece(low, high, *(dense(*where, f[j[part][inside]], shape) for f in taps)))
        blocks.append(Block(start, stop, tuple(pieces)))
    return AxisMap(size, tuple(blocks))
