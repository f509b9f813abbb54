"""The best noise levels to call a denoiser at, for Gaussian data of a whole range of variances.

Divided by a_t, the state of every process is x0 + (b/a) y + sigma eps with sigma = c / a, and the step (MATH: 3, 4)
depends on the sigmas alone. So the levels are chosen once for all processes; each has times of its own for them.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import product

import torch
from torch import Tensor

from wavegen.bridges.base import Step
from wavegen.bridges.planning.gaussian import propagate
from wavegen.bridges.solvers import START

TOO_WIDE = 2.0  # a share above 1 counts twice: the goal's limits are .4 below and .2 above
WORST = 8  # exponent of the norm that stands for the worst frequency
OPTIMISED = 16  # calls up to which levels are optimised one by one; beyond, even spacing is close to the best
ITERATIONS = 200
RATE = 0.1
TINY = 1e-300
# The largest sigma² is at most e^5 times the largest variance, the smallest at least e^-5 times the smallest:
# beyond, an exact denoiser would gain little, and a trained one is asked for what it cannot know.
REACH = 5.0
MARGIN = 0.01  # least distance of the first level from the start
# How far beyond the range of variances the levels may start (log of the ratio).
ABOVE, BELOW = (-1.0, 1.0, 3.0, 5.0), (-1.0, 1.0, 3.0, 5.0)


def misfit(shares: Tensor, power: Tensor) -> Tensor:
    """How far shares (..., V) are from 1: half the mean over power, half (nearly) the worst; 0 is perfect.

    ``power`` (V,) sums to 1.
    """
    off = (1 - shares).clamp_min(0) + TOO_WIDE * (shares - 1).clamp_min(0)
    return (power * off.square()).sum(-1) / 2 + off.pow(WORST).mean(-1).pow(2 / WORST) / 2


def level_shares(log_snr: Tensor, v: Tensor, eta: float, order: int, start: float | None = None) -> Tensor:
    """V_0 / v, (G, V), of the levels (G, N - 1).

    Args:
        log_snr: -ln sigma², increasing.
        v: (V,) variances.
        eta: share of the largest noise.
        order: as for :func:`best_levels`.
        start: the prior's own level, whose noise is all there is at t = 1; None where sigma is infinite there or the
            process is pinned at y, so that the first step draws all its noise anew.
    """
    if start is not None:
        log_snr, order = torch.cat([torch.full_like(log_snr[:, :1], start), log_snr], dim=1), min(order, 2)
    sigma = (-log_snr / 2).exp()[..., None]
    gains = list((v / (v + sigma.square())).unbind(-2))
    return propagate(sigma[:, 0].square() + 0 * v, _steps(log_snr[..., None], eta, order), gains) / v


def _steps(log_snr: Tensor, eta: float, order: int) -> Iterator[tuple[Step, ...]]:
    """The solver's steps between levels (G, N - 1, 1), for a = 1, c = sigma and many levels at once."""
    variance = (-log_snr).exp()
    for i in range(log_snr.shape[1] - 1):
        now, then = variance[:, i], variance[:, i + 1]
        fresh = eta**2 * then * (1 - then / now)
        state = ((then - fresh).clamp_min(TINY) / now).sqrt()
        extra = torch.zeros_like(state)
        if order == 3 or (order == 2 and i):
            distance = log_snr[:, i] - log_snr[:, i - 1] if i else 2 * START
            extra = (log_snr[:, i + 1] - log_snr[:, i]) / distance * (1 + (1 - state) / state.log())
        yield (Step(state, 1 - state + extra, 0.0, fresh.clamp_min(0).sqrt() if eta else 0.0, -extra),)  # type: ignore[arg-type]


@lru_cache(maxsize=256)
def best_levels(
    v: tuple[float, ...], power: tuple[float, ...], calls: int, order: int, eta: float, start: float | None = None
) -> tuple[tuple[float, ...], float]:
    """The N - 1 levels ln(1 / sigma²) with the least :func:`misfit`, and that misfit; deterministic.

    Adam on the first level and the logarithms of the increments, from evenly spaced levels of several extents.

    Args:
        v: variances > 0.
        power: weight of each, summing to 1.
        calls: network calls N, 2 or more.
        order: 1 for the solver generic, 2 for multistep, 3 for multistep-start.
        eta: share of the largest noise.
        start: as for :func:`level_shares`; the levels lie above it.
    """
    variances, weights = (torch.tensor(k, dtype=torch.float64) for k in (v, power))
    low, high = float(variances.log().min()), float(variances.log().max())
    ends = torch.tensor([(-high - above, -low + below) for above, below in product(ABOVE, BELOW)], dtype=torch.float64)
    if start is not None:
        ends = ends.clamp_min(start + 0.5)
    first = ends[:, 0].clone()
    spacing = (ends[:, 1] - first).clamp_min(0.1) / max(calls - 2, 1)
    increments = spacing.log()[:, None].repeat(1, calls - 2)

    def levels() -> Tensor:
        begin = first[:, None] if start is None else start + (first[:, None] - start).clamp_min(MARGIN)
        return torch.cat([begin, begin + increments.exp().cumsum(1)], dim=1)

    def value() -> Tensor:
        found = levels()
        beyond = (-high - REACH - found[:, 0]).clamp_min(0) + (found[:, -1] + low - REACH).clamp_min(0)
        return (misfit(level_shares(found, variances, eta, order, start), weights) + beyond.square()).nan_to_num(1e6)

    if calls <= OPTIMISED:
        with torch.enable_grad():
            first.requires_grad_()
            increments.requires_grad_()
            optimiser = torch.optim.Adam([first, increments], RATE)
            schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, ITERATIONS)
            for _ in range(ITERATIONS):
                optimiser.zero_grad()
                value().sum().backward()  # type: ignore[no-untyped-call]
                optimiser.step()
                schedule.step()
    with torch.no_grad():
        found = value()
        best = int(found.argmin())
        return tuple(levels()[best].tolist()), float(found[best])
