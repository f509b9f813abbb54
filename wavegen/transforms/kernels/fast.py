"""Calling the compiled kernels, and the conditions under which they replace PyTorch operations."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache
from importlib.util import find_spec
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from wavegen.core.interrupt import whole
from wavegen.transforms.axis import Mode, band_size
from wavegen.transforms.filters import FilterPair
from wavegen.transforms.kernels import compiled, tables

SMALL = 1 << 15  # samples per thread below which threads do not pay
_enabled = True


@contextmanager
def without_kernels() -> Iterator[None]:
    """Use PyTorch operations inside the ``with`` block, as if numba were not installed."""
    global _enabled
    before, _enabled = _enabled, False
    try:
        yield
    finally:
        _enabled = before


@lru_cache(maxsize=1)
def installed() -> bool:
    """Whether numba is installed; does not import it."""
    return find_spec("numba") is not None


def usable(x: Tensor) -> bool:
    """Whether the kernels accept ``x``: a float32 or float64 tensor on the CPU that is not being traced."""
    return (
        _enabled
        and type(x) in (Tensor, torch.nn.Parameter)
        and x.device.type == "cpu"
        and x.dtype in (torch.float32, torch.float64)
        and not x.is_neg()
        and not torch.compiler.is_compiling()
        and not torch._C._functorch.is_functorch_wrapped_tensor(x)
        and installed()
    )


def analyse(x: Tensor, pair: FilterPair, mode: Mode, cut: bool) -> tuple[Tensor, ...]:
    """(B, C, H, W) to LL, H, V, D; see :mod:`wavegen.transforms.axis`."""
    height, width = x.shape[-2:]
    lines, length = (band_size(n, len(pair.lo), mode) for n in (height, width))
    bands = tuple(x.new_empty(*x.shape[:2], lines, length) for _ in range(4))
    dtype = _dtype(x)
    filters = tables.rows(pair, mode, cut, height, False, dtype), tables.columns(pair, mode, cut, width, dtype)
    arrays, size = map(_flat, (x, *bands)), (height, width, lines, length)
    _run(compiled.kernels().analyse, x.numel(), x.shape[0] * x.shape[1] * lines, *arrays, *filters, size)
    return bands


def synthesise(bands: tuple[Tensor, ...], size: tuple[int, int], pair: FilterPair, mode: Mode, cut: bool) -> Tensor:
    """LL, H, V, D to (B, C, *size): the transpose of :func:`analyse`."""
    ll, (height, width) = bands[0], size
    x = ll.new_empty(*ll.shape[:2], height, width)
    dtype = _dtype(x)
    filters = tables.rows(pair, mode, cut, height, True, dtype), tables.columns(pair, mode, cut, width, dtype)
    arrays, sizes = map(_flat, (x, *bands)), (height, width, ll.shape[-2], ll.shape[-1])
    _run(compiled.kernels().synthesise, x.numel(), x.shape[0] * x.shape[1] * height, *arrays, *filters, sizes)
    return x


def butterfly(x: Tensor) -> tuple[Tensor, ...]:
    """Haar of even sizes: (B, C, 2h, 2w) to LL, H, V, D, each (B, C, h, w)."""
    batch, channels, height, width = x.shape
    bands = tuple(x.new_empty(batch, channels, height // 2, width // 2) for _ in range(4))
    rows = batch * channels * height // 2
    _run(compiled.kernels().butterfly, x.numel(), rows, *map(_flat, (x, *bands)), width // 2)
    return bands


def inverse_butterfly(bands: tuple[Tensor, ...]) -> Tensor:
    """The inverse of :func:`butterfly`."""
    batch, channels, height, width = bands[0].shape
    x = bands[0].new_empty(batch, channels, 2 * height, 2 * width)
    arrays = map(_flat, (x, *bands))
    _run(compiled.kernels().inverse_butterfly, x.numel(), batch * channels * height, *arrays, width)
    return x


def _dtype(x: Tensor) -> str:
    return str(x.dtype).removeprefix("torch.")


def _flat(x: Tensor) -> Any:
    return x.detach().contiguous().numpy().reshape(-1)


@lru_cache(maxsize=2)
def _pool(process: int, threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads)  # one pool per process: a fork does not inherit threads


def _run(kernel: Callable[..., None], samples: int, rows: int, *arguments: Any) -> None:
    """Call ``kernel`` for all rows, divided equally among the threads that PyTorch may use."""
    threads = min(torch.get_num_threads(), rows, samples // SMALL)
    if threads <= 1:
        with whole():  # the first call compiles it
            kernel(*arguments, 0, rows)
        return
    edges = [rows * t // threads for t in range(threads + 1)]
    with whole():
        for future in [_pool(os.getpid(), threads).submit(kernel, *arguments, *part) for part in pairwise(edges)]:
            future.result()
