"""The sampler's exact effect on Gaussian data: what a test compares with, and the planner computes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor

from wavegen.bridges.base import Bridge, Step
from wavegen.bridges.solvers import Given, grid_steps
from wavegen.core.errors import InputError


def propagate(variance: Tensor, steps: Iterable[tuple[Step, ...]], gains: Sequence[Tensor]) -> Tensor:
    """The variance of the last estimate x0^ = k x, for an estimator of gain k at every call.

    The state and the estimate before it are carried as one 2 x 2 covariance, so that a multistep solver is exact as
    well: with g = state + x0 k and r = previous, V' = g² V + 2 g r C + r² U + z², C' = k (g V + r C), U' = k² V. A
    corrector starts from the state again and takes the estimate from its predictor; both use the same noise.

    Args:
        variance: of the state at the first call.
        steps: as :func:`~wavegen.bridges.solvers.grid_steps` gives them, without the last; the numbers may be tensors
            that broadcast to the variance.
        gains: at each time but t = 0; the last is of the estimate that is returned.
    """
    cross = other = torch.zeros_like(variance)
    for stages, gain, then in zip(steps, gains[:-1], gains[1:], strict=True):
        weights: tuple[Any, Any, Any] = (stages[0].state + stages[0].x0 * gain, stages[0].previous, stages[0].z)
        for step in stages[1:]:
            of_state, of_before, of_noise = (step.x0 * then * weight for weight in weights)
            weights = (step.state + step.previous * gain + of_state, of_before, step.z + of_noise)
        of_state, of_before, of_noise = weights
        variance, cross, other = (
            of_state**2 * variance + 2 * of_state * of_before * cross + of_before**2 * other + of_noise**2,
            gain * (of_state * variance + of_before * cross),
            gain**2 * variance,
        )
    return gains[-1] ** 2 * variance


def shares_kept(
    bridge: Bridge,
    v: Sequence[float] | Tensor,
    grid: Sequence[float],
    eta: float | None = None,
    solver: Given = "generic",
) -> Tensor:
    """The share V_0 / v of the true variance that sampling along ``grid`` keeps, for each of several variances.

    For x0 | y Gaussian of variance v the best denoiser is linear with gain k_t = a_t v / (a_t² v + c_t²), and
    the variance of the state about its mean follows a recursion (:func:`propagate`); the mean itself is exact.

    Args:
        bridge: the process.
        v: (V,) variances of the residual x0 given y, > 0, in units of the normalised band.
        grid: from 1 to 0.
        eta: shorthand for the solver's option ``eta``.
        solver: a registered name, ``{"name": ..., **options}``, or the solver itself.

    Returns:
        (V,) float64.

    Raises:
        InputError: a grid that does not end at 0, v <= 0, and what :func:`grid_steps` refuses.
    """
    values = torch.as_tensor(v, dtype=torch.float64).reshape(-1)
    if not len(values) or not bool((values > 0).all()):
        raise InputError(f"v = {values.tolist()[:3]}: give one residual variance or more, all above 0")
    steps = grid_steps(bridge, grid, solver=solver, eta=eta)
    if grid[-1] != 0:
        raise InputError(f"the grid ends at {grid[-1]:g}; the spread is that of a grid that ends at 0")
    a, _, c = bridge.coefficients(torch.tensor(list(grid), dtype=torch.float64))
    gains = [torch.nan_to_num(a_t * values / (a_t**2 * values + c_t**2)) for a_t, c_t in zip(a, c, strict=True)]
    start = torch.zeros_like(values) if bridge.pinned else (c[0] ** 2).expand_as(values)
    return propagate(start, steps[:-1], gains[:-1]) / values


def spread_kept(
    bridge: Bridge, v: float, grid: Sequence[float], eta: float | None = None, solver: Given = "generic"
) -> float:
    """:func:`shares_kept` of one variance.

    Raises:
        InputError: as there.
    """
    return float(shares_kept(bridge, [v], grid, eta, solver)[0])
