"""The sampler's exact effect on Gaussian data: what a test compares with, and the planner computes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import torch
from torch import Tensor

from wavegen.bridges.base import Bridge
from wavegen.bridges.sampler import step_coefficients
from wavegen.bridges.schedules import check_grid
from wavegen.errors import InputError


class Linear(NamedTuple):
    """x_s = state x_t + x0 x0^_t + previous x0^_u + z noise, about the mean; numbers, or tensors that broadcast."""

    state: Any
    x0: Any
    previous: Any
    z: Any


def propagate(variance: Tensor, steps: Iterable[Linear], gains: Sequence[Tensor]) -> Tensor:
    """The variance of the last estimate x0^ = k x, for an estimator of gain k at every call.

    The state and the estimate before it are carried as one 2 x 2 covariance, so that a multistep solver is exact
    as well: with g = state + x0 k and r = previous, V' = g² V + 2 g r C + r² U + z², C' = k (g V + r C), U' = k² V.

    Args:
        variance: of the state at the first call.
        steps: one fewer than calls: the last call's estimate is the result.
        gains: of each call; all tensors have shapes that broadcast.
    """
    cross = other = torch.zeros_like(variance)
    for step, gain in zip(steps, gains[:-1], strict=True):
        g, r = step.state + step.x0 * gain, step.previous
        variance, cross, other = (
            g * g * variance + 2 * g * r * cross + r * r * other + step.z * step.z,
            gain * (g * variance + r * cross),
            gain * gain * variance,
        )
    return gains[-1] ** 2 * variance


def shares_kept(bridge: Bridge, v: Sequence[float] | Tensor, grid: Sequence[float], eta: float = 1.0, solver: str = "generic") -> Tensor:
    """The share V_0 / v of the true variance that sampling along ``grid`` keeps, for each of several variances.

    For x0 | y Gaussian of variance v the best denoiser is linear with gain k_t = a_t v / (a_t² v + c_t²), and
    the variance of the state about its mean follows a recursion (:func:`propagate`); the mean itself is exact.

    Args:
        bridge: the process.
        v: (V,) variances of the residual x0 given y, > 0, in units of the normalised band.
        grid: from 1 to 0.
        eta: share of the largest noise.
        solver: name of the step.

    Returns:
        (V,) float64.

    Raises:
        InputError: a grid that does not go from 1 to 0, v <= 0, eta out of [0, 1].
    """
    check_grid(grid)
    values = torch.as_tensor(v, dtype=torch.float64).reshape(-1)
    if grid[-1] != 0 or not len(values) or not bool((values > 0).all()) or not 0 <= eta <= 1:
        raise InputError(
            f"v from {values.tolist()[:3]}, eta = {eta:g}, end = {grid[-1]:g}: give v > 0, eta in [0, 1], a grid "
            "that ends at 0"
        )
    a, _, c = bridge.coefficients(torch.tensor(list(grid[:-1]), dtype=torch.float64))
    gains = [torch.nan_to_num(a_t * values / (a_t**2 * values + c_t**2)) for a_t, c_t in zip(a, c, strict=True)]
    start = torch.zeros_like(values) if bridge.pinned else (c[0] ** 2).expand_as(values)
    steps = []
    for i, (t, s) in enumerate(pairwise(grid[:-1])):
        step = step_coefficients(bridge, t, s, eta)
        extra = 0.0
        if solver == "multistep" and i and c[i-1] > 0 and a[i-1] > 0:
            L = (a/c).log()
            h = float(L[i+1]-L[i])
            extra = float(a[i+1]) * (math.expm1(-h) + h) / float(L[i]-L[i-1])
        steps.append(Linear(step.state, step.x0+extra, -extra, step.z))
    return propagate(start, steps, gains) / values


def spread_kept(bridge: Bridge, v: float, grid: Sequence[float], eta: float = 1.0, solver: str = "generic") -> float:
    """:func:`shares_kept` of one variance.

    Raises:
        InputError: as there.
    """
    return float(shares_kept(bridge, [v], grid, eta, solver)[0])
