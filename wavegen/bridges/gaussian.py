"""The sampler's exact effect on Gaussian data: what a test compares with, and a planner computes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch

from wavegen.bridges.base import Bridge
from wavegen.bridges.sampler import step_coefficients
from wavegen.bridges.schedules import check_grid


def spread_kept(bridge: Bridge, v: float, grid: Sequence[float], eta: float = 1.0) -> float:
    """The share V_0 / v of the true variance that sampling along ``grid`` keeps.

    For x0 | y Gaussian of variance v the best denoiser is linear with gain k_t = a_t v / (a_t² v + c_t²), and
    the variance of the state about its mean follows a scalar recursion; the mean itself is exact.

    Args:
        bridge: the process.
        v: variance of the residual x0 given y, > 0, in units of the normalised band.
        grid: from 1 to 0.
        eta: share of the largest noise.
    """
    check_grid(grid)
    a, _, c = (k.tolist() for k in bridge.coefficients(torch.tensor(list(grid), dtype=torch.float64)))
    variance = 0.0 if bridge.pinned else c[0] ** 2
    for i, (t, s) in enumerate(pairwise(grid)):
        gain = a[i] * v / (a[i] ** 2 * v + c[i] ** 2) if a[i] or c[i] else 0.0
        if s == 0:
            return gain**2 * variance / v
        step = step_coefficients(bridge, t, s, eta)
        variance = (step.state + step.x0 * gain) ** 2 * variance + step.z**2
    raise ValueError("the grid must end at 0")
