"""The condition number of a band, and the bound on steps that the paper states with it."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from wavegen.core.errors import InputError

TAILS = (0.01, 0.99)


def condition_number(power: Sequence[float], modes: Sequence[float], tails: tuple[float, float] = TAILS) -> float:
    """kappa: largest over smallest eigenvalue of the covariance of a stationary band, robustly.

    The eigenvalues are the power spectrum's values. The largest and smallest are the quantiles that leave out one
    percent of the modes at either end, since single estimates there are noise. In a large band that is everything
    below a fourteenth of the highest frequency: ``tails`` of 0 and 1 leave out nothing.

    Args:
        power: of each ring, > 0.
        modes: number of frequencies in each ring.
        tails: the two quantiles.

    Raises:
        InputError: no rings, other numbers of them, or a power that is not above 0.
    """
    p, m = (torch.as_tensor(k, dtype=torch.float64) for k in (power, modes))
    if not p.numel() or p.shape != m.shape or not bool((p > 0).all()) or not float(m.sum()) > 0:
        raise InputError(f"{p.numel()} powers and {m.numel()} numbers of modes: give as many of both, powers above 0")
    order = p.argsort()
    below = m[order].cumsum(0) / m.sum()
    low, high = (order[min(int(torch.searchsorted(below, q)), len(order) - 1)] for q in tails)
    return float(p[high] / p[low])


def step_bound(kappa: float, epsilon: float = 0.1) -> float:
    """T = kappa³ / epsilon², the scaling O(eps^-2 kappa³) of arXiv 2407.05259, theorem 1, with its constant set to 1.

    The theorem is about unconditional score models of Gaussian data and does not give the constant, so that only
    ratios between bands mean something.

    Raises:
        InputError: kappa below 1 or epsilon out of (0, 1).
    """
    if not kappa >= 1 or not 0 < epsilon < 1:
        raise InputError(f"kappa = {kappa:g}, epsilon = {epsilon:g}: give kappa of at least 1, epsilon in (0, 1)")
    return kappa**3 / epsilon**2
