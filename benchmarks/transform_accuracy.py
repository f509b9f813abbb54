"""Every wavelet, mode, depth and size against PyWavelets: the worst error of each family."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.transform_peers import flat_subbands
from wavegen.core.errors import InputError
from wavegen.core.registry import build
from wavegen.transforms import discrete_wavelets, max_levels

MODES = ("periodization", "symmetric", "reflect", "zero")
LEVELS = (1, 2, 3, 4)
SIZES = ((1, 1), (1, 7), (2, 2), (3, 3), (5, 5), (6, 2), (31, 33), (32, 32), (64, 48), (100, 57))
BOUNDS = {torch.float64: 1e-10, torch.float32: 1e-5}


@dataclass(frozen=True)
class Accuracy:
    """The worst case of one family, mode and dtype.

    ``error`` is the largest deviation of a coefficient from PyWavelets' in float64, over the largest
    coefficient; ``reconstruction`` the relative Euclidean error of the inverse; ``count`` the decompositions.
    """

    family: str
    mode: str
    dtype: str
    count: int
    error: float
    worst: str
    reconstruction: float
    inexact: str


def accuracy(
    wavelets: Sequence[str] | None = None,
    modes: Iterable[str] = MODES,
    levels: Iterable[int] = LEVELS,
    sizes: Sequence[tuple[int, int]] = SIZES,
    dtypes: Iterable[torch.dtype] = (torch.float64, torch.float32),
) -> list[Accuracy]:
    """Compare over the whole grid; depths that a size does not have are left out, and so is a reflected
    side of 1, which PyWavelets refuses.

    Raises:
        InputError: an unknown wavelet or mode.
    """
    chosen = list(wavelets or discrete_wavelets())
    rows = []
    for family in dict.fromkeys(_family(name) for name in chosen):
        members = [name for name in chosen if _family(name) == family]
        for mode in modes:
            for dtype in dtypes:
                rows.append(_row(family, members, mode, list(levels), sizes, dtype))
    return rows


def _family(name: str) -> str:
    return name.rstrip("0123456789.")


def _row(
    family: str, members: list[str], mode: str, levels: list[int], sizes: Sequence[tuple[int, int]], dtype: torch.dtype
) -> Accuracy:
    cases = []
    for name in members:
        for size in sizes:
            for depth in (depth for depth in levels if depth <= max_levels(size)):
                errors = _errors(name, mode, depth, size, dtype)
                if errors is not None:
                    cases.append((*errors, f"{name}, {depth} levels, {size[0]}x{size[1]}"))
    if not cases:
        raise InputError(f"no case of {family} in mode {mode} is left; give larger sizes")
    error, _, worst = max(cases)
    inexact = max(cases, key=lambda case: case[1])
    return Accuracy(family, mode, str(dtype).removeprefix("torch."), len(cases), error, worst, inexact[1], inexact[2])


def _errors(name: str, mode: str, levels: int, size: tuple[int, int], dtype: torch.dtype) -> tuple[float, float] | None:
    transform = build("transform", {"name": name, "levels": levels, "mode": mode})
    if mode == "reflect" and any(1 in step for step in transform.sizes(size)[:-1]):
        return None
    image = torch.randn(2, 1, *size, dtype=dtype, generator=torch.Generator().manual_seed(0))
    bands = transform.forward(image)
    expected = _pywavelets(image.double().numpy(), name, mode, levels)
    scale = max(float(np.abs(band).max()) for band in expected)
    error = 0.0
    for got, want in zip(flat_subbands(bands), expected, strict=True):
        if tuple(got.shape) != want.shape:
            return float("inf"), float("inf")
        error = max(error, float(np.abs(got.double().numpy() - want).max()))
    return error / scale, float((transform.inverse(bands) - image).norm() / image.norm())


def _pywavelets(image: NDArray[np.float64], name: str, mode: str, levels: int) -> list[NDArray[np.float64]]:
    import pywt

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # it advises against levels beyond the filter's length
        bands = pywt.wavedec2(image, name, mode=mode, level=levels)
    return [bands[0], *(band for details in bands[1:] for band in details)]


def accuracy_table(rows: Sequence[Accuracy]) -> str:
    """The rows as a markdown table."""
    lines = [
        "| family | mode | dtype | cases | coefficients | where | reconstruction | where |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for r in rows:
        lines.append(
            f"| {r.family} | {r.mode} | {r.dtype} | {r.count} | {r.error:.1e} | {r.worst} "
            f"| {r.reconstruction:.1e} | {r.inexact} |"
        )
    return "\n".join(lines)
