"""The sampler's exact effect on Gaussian data: what a test compares with, and a planner computes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch

from wavegen.bridges.base import Bridge
from wavegen.bridges.schedules import check_grid
from wavegen.bridges.solvers import step_coefficients
from wavegen.errors import InputError


def spread_kept(bridge: Bridge, v: float, grid: Sequence[float], eta: float = 1.0) -> float:
    """The share V_0 / v of the true variance that sampling along ``grid`` keeps.

    For x0 | y Gaussian of variance v the best denoiser is linear with gain k_t = a_t v / (a_t² v + c_t²), and
    the variance of the state about its mean follows a scalar recursion; the mean itself is exact.

    Args:
        bridge: the process.
        v: variance of the residual x0 given y, > 0, in units of the normalised band.
        grid: from 1 to 0.
        eta: share of the largest noise.

    Raises:
        InputError: a grid that does not go from 1 to 0, v <= 0, eta out of [0, 1].
    """
    check_grid(grid)
    if grid[-1] != 0 or not v > 0 or not 0 <= eta <= 1:
        raise InputError(
            f"v = {v:g}, eta = {eta:g}, end = {grid[-1]:g}: give v > 0, eta in [0, 1], a grid that ends at 0"
        )
    a, _, c = (k.tolist() for k in bridge.coefficients(torch.tensor(list(grid), dtype=torch.float64)))
    gains = [a_t * v / (a_t**2 * v + c_t**2) if a_t or c_t else 0.0 for a_t, c_t in zip(a, c, strict=True)]
    variance = 0.0 if bridge.pinned else c[0] ** 2
    for i, (t, s) in enumerate(pairwise(grid[:-1])):
        step = step_coefficients(bridge, t, s, eta)
        variance = (step.state + step.x0 * gains[i]) ** 2 * variance + step.z**2
    return float(gains[-2] ** 2 * variance / v)  # the last step returns the estimate itself
