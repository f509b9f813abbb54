"""Time grids: plain lists from 1 (the start) to 0 (clean), both ends included.

A grid is a registered function of ``steps`` (and of ``bridge``, where it goes by the process's noise) with options.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Annotated, Any

import torch
from pydantic import Field
from torch import Tensor

from wavegen.bridges.base import Bridge
from wavegen.core.errors import InputError
from wavegen.core.registry import entry, register, validate

BY_STEPS = ("steps",)
BY_NOISE = ("steps", "bridge")
OWN_STEPS = "own-steps"
MOST = 10_000  # steps of a grid; the longest published chains have 4,000


@register("grid", "uniform", "equal steps", supplied=BY_STEPS)
def uniform(steps: int) -> list[float]:
    """Equal steps."""
    return [i / steps for i in range(steps, -1, -1)]


@register("grid", "power", "t = (i / N)^exponent: above 1 the steps near the clean end are finer", supplied=BY_STEPS)
def power(steps: int, exponent: Annotated[float, Field(gt=0, le=20)] = 3.0) -> list[float]:
    """t = (i / N)^exponent: above 1 the steps near the clean end are finer."""
    return [(i / steps) ** exponent for i in range(steps, -1, -1)]


@register("grid", "cosine", "t = (1 - cos(pi i / N)) / 2: finer at both ends", supplied=BY_STEPS)
def cosine(steps: int) -> list[float]:
    """t = (1 - cos(pi i / N)) / 2: finer at both ends."""
    return [1.0, *((1 - math.cos(math.pi * i / steps)) / 2 for i in range(steps - 1, 0, -1)), 0.0]


@register("grid", "karras", "equal steps in sigma^(1/rho)", paper="EDM, arXiv 2206.00364", supplied=BY_NOISE)
def karras(
    steps: int,
    bridge: Bridge | None = None,
    *,
    rho: Annotated[float, Field(gt=0, le=100)] = 7.0,
    smallest: Annotated[float, Field(gt=0, lt=1)] = 2.5e-5,
) -> list[float]:
    """Equal steps in sigma^(1/rho), from the largest sigma to ``smallest`` times it, then 0 (eq. 5).

    sigma is the process's own c / a, where that is finite at the start; for processes without bridge, noise, or with
    a(1) = 0 it is t itself, as DDBM has it (0.002 of 80 is the default).
    """
    places = [1 - i / (steps - 1) * (1 - smallest ** (1 / rho)) for i in range(1, steps)]
    sigmas = [place**rho for place in places]
    if bridge is not None and math.isfinite(start := float(log_snr(bridge, torch.ones(1, dtype=torch.float64)))):
        return [1.0, *times_of(bridge, [start - math.log(sigma) for sigma in sigmas]), 0.0]
    return [1.0, *sigmas, 0.0]


@register("grid", "snr", "equal steps in ln(a / c), up to high, then 0", supplied=BY_NOISE)
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


@register("grid", "times", "the times themselves", capabilities=(OWN_STEPS,), supplied=BY_STEPS)
def times(steps: int | None, *, values: list[float]) -> list[float]:
    """The times themselves, as a planner gives them."""
    if steps is not None and steps != len(values) - 1:
        raise InputError(f"grid 'times' has {len(values) - 1} steps, not {steps}")
    return list(values)


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


def make_grid(
    name: str = "uniform", steps: int | None = 4, *, bridge: Bridge | None = None, **options: Any
) -> list[float]:
    """N + 1 strictly decreasing times from 1 to 0 for N = ``steps``.

    Args:
        name: a registered grid.
        steps: N, 1 or more; None for a grid that has its own number (``times``).
        bridge: the process, for a grid that goes by its noise (``karras``, ``snr``, ``planned``).
        options: the grid's own.

    Raises:
        InputError: an unknown name or option, a value out of range, steps below 1, steps too many to be distinct,
            times that do not go from 1 to 0.
    """
    record = entry("grid", name)
    if not (steps is None and OWN_STEPS in record.capabilities) and (
        not isinstance(steps, int) or not 1 <= steps <= MOST
    ):
        raise InputError(f"steps = {steps}; give a whole number from 1 to {MOST:,}")
    _, values = validate("grid", {**options, "name": name})
    supplied = {"steps": steps, "bridge": bridge}
    grid: list[float] = record.factory(**record.fixed, **values, **{k: supplied[k] for k in record.supplied})
    check_grid(grid)
    if grid[-1] != 0:
        raise InputError(f"grid {name!r} ends at t = 0, not at {grid[-1]:g}")
    return grid


def grid_of(bridge: Bridge, spec: Mapping[str, Any], steps: int | None, default: int) -> list[float]:
    """The grid of ``{"name": ..., **options}``, refused where the process cannot walk it.

    Without ``steps`` a grid that has its own number keeps it; any other gets the ``default``.

    Raises:
        InputError: as :func:`make_grid`; a specification without a name or with steps, more steps than the process has.
    """
    options = {key: value for key, value in spec.items() if key != "name"}
    if "name" not in spec or "steps" in options:
        raise InputError(f"grid {dict(spec)}: give {{'name': ..., **options}}; steps are given separately")
    if steps is None and OWN_STEPS not in entry("grid", spec["name"]).capabilities:
        steps = default
    grid = make_grid(spec["name"], steps, bridge=bridge, **options)
    if bridge.max_steps is not None and len(grid) - 1 > bridge.max_steps:
        raise InputError(f"steps = {len(grid) - 1}: {type(bridge).__name__} takes at most {bridge.max_steps}")
    return grid


def own_steps(spec: Any) -> int | None:
    """The number of steps that a grid's specification fixes itself; None where it fixes none.

    Raises:
        InputError: as :func:`make_grid`.
    """
    if not isinstance(spec, Mapping) or "name" not in spec or OWN_STEPS not in entry("grid", spec["name"]).capabilities:
        return None
    return len(make_grid(spec["name"], None, **{key: value for key, value in spec.items() if key != "name"})) - 1


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
