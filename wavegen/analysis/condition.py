"""The condition number of a band, and the paper's bound on the number of steps that depends on it."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from wavegen.core.errors import InputError

TAILS = (0.01, 0.99)


def condition_number(power: Sequence[float], modes: Sequence[float], tails: tuple[float, float] = TAILS) -> float:
    """kappa: largest over smallest eigenvalue of the covariance of a stationary band, robustly.

    The eigenvalues are the values of the power spectrum. Largest and smallest are quantiles that exclude one percent
    of the modes at either end, where single estimates are noisy. In a large band this excludes all frequencies below
    a fourteenth of the highest one; use ``tails`` of 0 and 1 to include them.

    Args:
        power: power of each ring, > 0.
        modes: number of frequencies in each ring.
        tails: the two quantiles.

    Raises:
        InputError: no rings, different numbers of powers and modes, or a power that is not above 0.
    """
    p, m = (torch.as_tensor(k, dtype=torch.float64) for k in (power, modes))
    if not p.numel() or p.shape != m.shape or not bool((p > 0).all()) or not float(m.sum()) > 0:
        raise InputError(
            f"{p.numel()} powers and {m.numel()} numbers of modes: give one of each per ring, powers above 0"
        )
    order = p.argsort()
    below = m[order].cumsum(0) / m.sum()
    low, high = (order[min(int(torch.searchsorted(below, q)), len(order) - 1)] for q in tails)
    return float(p[high] / p[low])


def step_bound(kappa: float, epsilon: float = 0.1) -> float:
    """T = kappa³ / epsilon², the scaling O(eps^-2 kappa³) of arXiv 2407.05259, theorem 1, with its constant set to 1.

    The theorem concerns unconditional score models of Gaussian data and leaves the constant open, so that only ratios
    between bands are meaningful.

    Raises:
        InputError: kappa below 1 or epsilon out of (0, 1).
    """
    if not kappa >= 1 or not 0 < epsilon < 1:
        raise InputError(f"kappa = {kappa:g}, epsilon = {epsilon:g}: give kappa of at least 1, epsilon in (0, 1)")
    return kappa**3 / epsilon**2
