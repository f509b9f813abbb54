"""How many calls does this data need, and at which times? Answered for Gaussian residuals, before any training."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import torch
from pydantic import Field

from wavegen.bridges.base import Bridge
from wavegen.bridges.grids import BY_NOISE, log_snr
from wavegen.bridges.planning.gaussian import shares_kept
from wavegen.bridges.planning.levels import best_levels
from wavegen.bridges.planning.placement import centred, place
from wavegen.bridges.solvers import solver_spec
from wavegen.core.config import Spec
from wavegen.core.errors import InputError
from wavegen.core.registry import build, register

MOST_CALLS = 64  # where the search for the fewest ends
SPECTRUM = 24  # variances that stand for a range
PAIRED = {1: 1, 2: 4, 3: 3}  # calls from which the order is reached; one fewer for 2 where the start has noise
ORDERS = {"generic": 1, "multistep": 2, "multistep-start": 3}  # the solvers that can be planned for


@dataclass(frozen=True)
class Plan:
    """Settings of a sampler, and what they keep of Gaussian residuals of the variances ``v``.

    ``bridge`` is a configuration (its noise scale included), ``times`` go from 1 to 0, ``power`` sums to 1,
    ``shares`` are V_0 / v, one for each entry of ``v``.
    """

    bridge: dict[str, Any]
    times: tuple[float, ...]
    eta: float
    solver: str | Spec
    total_variance: float | None
    v: tuple[float, ...]
    power: tuple[float, ...]
    shares: tuple[float, ...]

    @property
    def calls(self) -> int:
        """Network calls of one draw."""
        return len(self.times) - 1

    @property
    def mean(self) -> float:
        """Share of all the residual power that is kept."""
        return sum(p * k for p, k in zip(self.power, self.shares, strict=True))

    @property
    def least(self) -> float:
        """The worst frequency's share."""
        return min(self.shares)

    @property
    def most(self) -> float:
        """The largest share; above 1 the draws spread too far."""
        return max(self.shares)

    def sampler(self) -> dict[str, Any]:
        """The ``sampler`` part of a pipeline's configuration."""
        grid = {"name": "times", "values": list(self.times)}
        return {"steps": self.calls, "solver": solver_spec(self.solver, self.eta), "grid": grid}


def judge(
    bridge: Mapping[str, Any] | str,
    times: Sequence[float],
    v: Sequence[float],
    power: Sequence[float] | None = None,
    *,
    eta: float = 1.0,
    solver: str | Spec = "generic",
) -> Plan:
    """The predicted shares of given settings, as a :class:`Plan`.

    Args:
        bridge: configuration or name of a process.
        times: from 1 to 0.
        v: residual variances, > 0, in units of the normalised band.
        power: weight of each; proportional to ``v`` by default (equally many frequencies of each).
        eta: 0 = deterministic, 1 = fully stochastic steps; 1 for a solver without an eta.
        solver: a registered name, or ``{"name": ..., **options}``.

    Raises:
        InputError: wrong variances, weights, times, eta or solver.
    """
    variances, weights = _spectrum(v, power)
    spec = {"name": bridge} if isinstance(bridge, str) else dict(bridge)
    process: Bridge = build("bridge", spec)
    shares = shares_kept(process, variances, times, eta, solver)
    return Plan(spec, tuple(times), eta, solver, process.total_variance, variances, weights, tuple(shares.tolist()))


def plan_steps(
    bridge: Mapping[str, Any] | str,
    v: Sequence[float],
    power: Sequence[float] | None = None,
    *,
    calls: int | None = None,
    share: float | None = None,
    rescale: bool = True,
    solvers: Sequence[str] = tuple(ORDERS),
    etas: Sequence[float] = (0.0,),
) -> Plan:
    """The noise scale, times, eta and solver that keep the whole range of variances best.

    For given noise levels the shares do not depend on the process or its S; S is chosen such that the planned
    levels lie around the middle of the times that a network is trained on (their geometric mean at t = 1/2).

    Args:
        bridge: configuration or name of a process.
        v: residual variances, > 0.
        power: weight of each; proportional to ``v`` by default.
        calls: wanted network calls; or
        share: wanted mean share over power: then the fewest calls that keep it.
        rescale: whether S may be chosen; False keeps the bridge as it is (it is trained).
        solvers: to choose from.
        etas: to choose from. More than 0 costs time and, with an exact denoiser, never helped.

    Raises:
        InputError: both or neither of calls and share, values out of range, a process without noise, or a share that
            :data:`MOST_CALLS` calls do not reach.
    """
    variances, weights = _spectrum(v, power)
    spec = {"name": bridge} if isinstance(bridge, str) else dict(bridge)
    if (calls is None) == (share is None):
        raise InputError("give the planner either calls or a share")
    if unknown := set(solvers) - ORDERS.keys():
        raise InputError(f"solver {sorted(unknown)[0]!r} cannot be planned for; choose from {', '.join(ORDERS)}")
    if not solvers or not etas:
        raise InputError("give the planner at least one solver and one eta to choose from")
    options = (spec, variances, weights, rescale, tuple(solvers), tuple(etas))
    if calls is not None:
        if not 1 <= calls <= 1000:
            raise InputError(f"calls = {calls}; give a whole number from 1 to 1000")
        return _plan(calls, *options)
    if share is None or not 0 < share < 1:
        raise InputError(f"share = {share}; give a number between 0 and 1")
    enough = 1
    while (best := _plan(enough, *options)).mean < share:
        if enough >= MOST_CALLS:
            raise InputError(f"{enough} calls keep {best.mean:.3f} of the spread, not {share:g}; ask for less")
        enough *= 2
    few = enough // 2  # too few, or 0
    while enough - few > 1:
        middle = _plan((few + enough) // 2, *options)
        few, enough, best = (few, middle.calls, middle) if middle.mean >= share else (middle.calls, enough, best)
    return best


def _plan(
    calls: int,
    spec: dict[str, Any],
    v: tuple[float, ...],
    power: tuple[float, ...],
    rescale: bool,
    solvers: tuple[str, ...],
    etas: tuple[float, ...],
) -> Plan:
    if calls == 1:
        return judge(spec, [1.0, 0.0], v, power, eta=etas[0])
    levels, solver, eta = _levels(calls, v, power, solvers, etas, None)
    placed = centred(spec, levels) if rescale else spec
    noisiest = 2 * float(log_snr(build("bridge", placed), torch.ones(1, dtype=torch.float64)))
    if math.isfinite(noisiest):
        levels, solver, eta = _levels(calls, v, power, solvers, etas, noisiest)
    return judge(placed, place(build("bridge", placed), levels), v, power, eta=eta, solver=solver)


def _levels(
    calls: int,
    v: tuple[float, ...],
    power: tuple[float, ...],
    solvers: tuple[str, ...],
    etas: tuple[float, ...],
    start: float | None,
) -> tuple[tuple[float, ...], str, float]:
    """The best levels with their solver, the one of highest order that has its estimates, and eta."""
    usable = {**PAIRED, 2: PAIRED[2] - (start is not None)}
    ready = [solver for solver in solvers if calls >= usable[ORDERS[solver]]] or list(solvers[:1])
    highest = max(ready, key=lambda solver: ORDERS[solver])  # never the worse where it has its estimates
    found = [(*best_levels(v, power, calls, ORDERS[highest], eta, start), highest, eta) for eta in etas]
    levels, _, solver, eta = min(found, key=lambda plan: plan[1])
    return levels, solver, eta


@register("grid", "planned", "the best times for residual variances from low to high", supplied=BY_NOISE)
def planned(
    steps: int,
    bridge: Bridge | None = None,
    *,
    low: Annotated[float, Field(gt=0)],
    high: Annotated[float, Field(gt=0)],
) -> list[float]:
    """The best times for residual variances from ``low`` to ``high``, evenly in their logarithm.

    They are computed when they are asked for (about a second, once for each number of steps), so that a
    configuration holds what was measured and is good for any number of steps. Use them with eta = 0 and the solver
    multistep-start.
    """
    if bridge is None or not low <= high:
        raise InputError(f"grid 'planned': low = {low}, high = {high}; give 0 < low <= high, and a process")
    if steps == 1:
        return [1.0, 0.0]
    v = torch.logspace(math.log10(low), math.log10(high), SPECTRUM, dtype=torch.float64).tolist()
    variances, power = _spectrum(v, None)
    noisiest = 2 * float(log_snr(bridge, torch.ones(1, dtype=torch.float64)))
    start = noisiest if math.isfinite(noisiest) else None
    return list(place(bridge, _levels(steps, variances, power, ("multistep-start",), (0.0,), start)[0]))


def _spectrum(v: Sequence[float], power: Sequence[float] | None) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Checked variances, and their weights as shares of the sum."""
    variances = tuple(float(k) for k in v)
    weights = variances if power is None else tuple(float(k) for k in power)
    good = [math.isfinite(k) and k > 0 for k in variances] + [math.isfinite(k) and k >= 0 for k in weights]
    if not variances or len(weights) != len(variances) or not all(good) or not sum(weights) > 0:
        raise InputError(
            f"{len(variances)} residual variances and {len(weights)} weights: give as many of both, at least one, "
            "variances above 0, weights not negative"
        )
    total = sum(weights)
    return variances, tuple(k / total for k in weights)
