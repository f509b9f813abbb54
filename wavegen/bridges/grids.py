"""Time grids: plain lists from 1 (the start) to 0 (clean), both ends included."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from wavegen.bridges.base import Bridge
from wavegen.core.errors import InputError, near_matches


def uniform(steps: int) -> list[float]:
    """Equal steps."""
    return [i / steps for i in range(steps, -1, -1)]


def power(steps: int, exponent: float = 3.0) -> list[float]:
    """t = (i / N)^exponent: above 1 the steps near the clean end are finer."""
    if not 0 < exponent <= 20:
        raise InputError(f"grid 'power': exponent = {exponent}; give a number above 0 and at most 20")
    return [(i / steps) ** exponent for i in range(steps, -1, -1)]


def cosine(steps: int) -> list[float]:
    """t = (1 - cos(pi i / N)) / 2: finer at both ends."""
    return [1.0, *((1 - math.cos(math.pi * i / steps)) / 2 for i in range(steps - 1, 0, -1)), 0.0]


def karras(steps: int, bridge: Bridge | None = None, *, rho: float = 7.0, smallest: float = 2.5e-5) -> list[float]:
    """Equal steps in sigma^(1/rho), from the largest sigma to ``smallest`` times it, then 0 (arXiv 2206.00364, eq. 5).

    sigma is the process's own c / a, where that is finite at the start; for processes without bridge, noise, or with
    a(1) = 0 it is t itself, as DDBM has it (.002 of 80 is the default).
    """
    if not 0 < rho <= 100 or not 0 < smallest < 1:
        raise InputError(f"grid 'karras': rho = {rho}, smallest = {smallest}; give 0 < rho <= 100 and 0 < smallest < 1")
    places = [1 - i / (steps - 1) * (1 - smallest ** (1 / rho)) for i in range(1, steps)]
    sigmas = [place**rho for place in places]
    if bridge is not None and math.isfinite(start := float(log_snr(bridge, torch.ones(1, dtype=torch.float64)))):
        return [1.0, *times_of(bridge, [start - math.log(sigma) for sigma in sigmas]), 0.0]
    return [1.0, *sigmas, 0.0]


def snr(steps: int, bridge: Bridge | None = None, *, low: float = -3.0, high: float = 4.0) -> list[float]:
    """Equal steps in ln(a / c), half the logarithm of the signal-to-noise ratio, up to ``high``, then 0.

    The steps begin at the process's own ln(a / c) at t = 1, or at ``low`` where that is less (a pinned start).
    """
    if bridge is None or math.isnan(start := float(log_snr(bridge, torch.ones(1, dtype=torch.float64)))):
        raise InputError("grid 'snr' needs a process with noise; use uniform or power")
    start = max(start, low)
    if not start < high:
        raise InputError(f"grid 'snr': the process begins at ln(a/c) = {start:g}; give high above it, not {high:g}")
    return [1.0, *times_of(bridge, [start + i / (steps - 1) * (high - start) for i in range(1, steps)]), 0.0]


def times(steps: int | None, *, values: Sequence[float]) -> list[float]:
    """The times themselves, as a planner gives them."""
    if not isinstance(values, Sequence) or not all(isinstance(value, int | float) for value in values):
        raise InputError(f"grid 'times': values = {values!r}; give a list of numbers from 1 to 0")
    if steps is not None and steps != len(values) - 1:
        raise InputError(f"grid 'times' has {len(values) - 1} steps, not {steps}")
    return [float(value) for value in values]


def log_snr(bridge: Bridge, t: Tensor) -> Tensor:
    """L = ln(a / c); -inf where a = 0, nan for a process without noise."""
    a, _, c = bridge.coefficients(t)
    noisy = bool((bridge.coefficients(torch.full_like(t, 0.5)).c > 0).all())
    return torch.where(a > 0, (a / c).log(), -math.inf) if noisy else torch.full_like(t, math.nan)


def times_of(bridge: Bridge, wanted: Sequence[float]) -> list[float]:
    """The times at which ln(a / c) has the wanted values, by bisection: the ratio grows as t falls."""
    target = torch.tensor(list(wanted), dtype=torch.float64)
    low, high = torch.zeros_like(target), torch.ones_like(target)
    for _ in range(64):
        middle = (low + high) / 2
        a, _, c = bridge.coefficients(middle)
        cleaner = (a / c).log() > target
        low, high = torch.where(cleaner, middle, low), torch.where(cleaner, high, middle)
    return ((low + high) / 2).tolist()


GRIDS: dict[str, Callable[..., list[float]]] = {
    "uniform": uniform,
    "power": power,
    "cosine": cosine,
    "karras": karras,
    "snr": snr,
    "times": times,
}


def make_grid(
    name: str = "uniform", steps: int | None = 4, *, bridge: Bridge | None = None, **options: Any
) -> list[float]:
    """N + 1 strictly decreasing times from 1 to 0 for N = ``steps``.

    ``karras`` and ``snr`` go by the noise of ``bridge``; ``times`` has ``values`` and then needs no ``steps``.

    Raises:
        InputError: an unknown name or option, steps below 1, steps too many to be distinct, times that
            do not go from 1 to 0.
    """
    if name not in GRIDS:
        raise InputError(f"unknown grid {name!r}; {near_matches(name, GRIDS)}")
    if not (steps is None and name == "times") and (not isinstance(steps, int) or steps < 1):
        raise InputError(f"steps = {steps}; give a whole number, 1 or more")
    parameters = inspect.signature(GRIDS[name]).parameters
    known = [option for option in parameters if option not in ("steps", "bridge")]
    for option, value in options.items():
        if option not in known:
            raise InputError(f"grid {name!r} has no option {option!r}; {near_matches(option, known)}")
        if name != "times" and not isinstance(value, int | float):
            raise InputError(f"grid {name!r}: {option} = {value!r}; give a number")
    if name == "times" and not options:
        raise InputError("grid 'times' needs its values: a list of numbers from 1 to 0")
    grid = GRIDS[name](steps, **({"bridge": bridge} if "bridge" in parameters else {}), **options)
    check_grid(grid)
    if grid[-1] != 0:
        raise InputError(f"grid {name!r} ends at t = 0, not at {grid[-1]:g}")
    return grid


def native_grid(bridge: Bridge) -> list[float]:
    """The grid of a process's own publication."""
    native = bridge.native
    return make_grid(native.grid, native.steps, bridge=bridge, **native.options)


def check_grid(grid: Sequence[float]) -> None:
    """Refuse what the sampler cannot walk along.

    Raises:
        InputError: fewer than two times, a start other than 1, times that do not decrease, or a negative end.
    """
    if len(grid) < 2:
        raise InputError(f"a grid needs at least two times, its start 1 and its end; got {list(grid)}")
    if grid[0] != 1:
        raise InputError(f"a grid starts at t = 1, not at {grid[0]:g}")
    for i, (t, s) in enumerate(pairwise(grid)):
        if not t > s:
            raise InputError(f"a grid decreases strictly; entry {i + 1} is {s:g} after {t:g}")
    if grid[-1] < 0:
        raise InputError(f"a grid ends at t = 0 or above, not at {grid[-1]:g}")
