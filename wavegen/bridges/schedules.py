"""Time grids: plain lists from 1 (the start) to 0 (clean), both ends included."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

from wavegen.errors import InputError, near_matches


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


GRIDS: dict[str, Callable[..., list[float]]] = {"uniform": uniform, "power": power, "cosine": cosine}


def make_grid(name: str = "uniform", steps: int = 4, **options: Any) -> list[float]:
    """N + 1 strictly decreasing times from 1 to 0 for N = ``steps`` network calls.

    Raises:
        InputError: an unknown name or option, steps below 1, or steps too many to be distinct.
    """
    if name not in GRIDS:
        raise InputError(f"unknown grid {name!r}; {near_matches(name, GRIDS)}")
    if not isinstance(steps, int) or steps < 1:
        raise InputError(f"steps = {steps}; give a whole number, 1 or more")
    known = list(inspect.signature(GRIDS[name]).parameters)[1:]
    for option, value in options.items():
        if option not in known:
            raise InputError(f"grid {name!r} has no option {option!r}; {near_matches(option, known)}")
        if not isinstance(value, int | float):
            raise InputError(f"grid {name!r}: {option} = {value!r}; give a number")
    grid = GRIDS[name](steps, **options)
    check_grid(grid)
    return grid


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
