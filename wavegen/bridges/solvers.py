"""Solvers: how the numbers of one reverse step follow from the coefficients at its two times.

Everything that :func:`wavegen.bridges.sample` does between two network calls is linear in the state, the
estimates of x0, y and fresh noise. A solver gives the weights, and keeps nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

import torch

from wavegen.bridges.base import Bridge, Step
from wavegen.bridges.grids import check_grid
from wavegen.core.errors import InputError, near_matches

START = 2.0  # L_t - L_u that stands for infinity; spreads are kept best with 1 to 3 (docs/planner.md)


class Point(NamedTuple):
    """The coefficients at one time of the grid."""

    t: float
    a: float
    b: float
    c: float


Make = Callable[[Bridge, Point | None, Point, Point, float], tuple[Step, ...]]


class Solver(NamedTuple):
    """``make(bridge, u, t, s, eta)`` gives the steps from t to s, where u is the time before t (None at the start).

    The first of them takes the estimate at t. A second one, the corrector, takes that at s, made from the first
    one's result, as its ``x0`` and the first estimate as its ``previous``; it starts from the state at t again.
    """

    make: Make
    summary: str
    takes_eta: bool = True


def points(bridge: Bridge, grid: Sequence[float]) -> list[Point]:
    """a, b, c at every time of a grid, in float64."""
    a, b, c = (k.tolist() for k in bridge.coefficients(torch.tensor(list(grid), dtype=torch.float64)))
    return [Point(*values) for values in zip(grid, a, b, c, strict=True)]


def ratio(t: Point, s: Point) -> float:
    """e^-h = (a_t c_s) / (a_s c_t), h = L_s - L_t and L = ln(a / c); a process without noise has b in place of c."""
    over = s.b / t.b if t.c == s.c == 0 else s.c / t.c
    return t.a * over / s.a


def generic(bridge: Bridge, t: Point, s: Point, eta: float) -> Step:
    """x_s = a_s x0^ + b_s y + sqrt(c_s² - w²) eps^ + w z, with w = eta w_max and eps^ = (x_t - a_t x0^ - b_t y) / c_t.

    Where c_t = 0 (a start pinned at y) eps^ is undefined and all of c_s is drawn anew. A process without any noise
    has the part of y in x_t take its place.
    """
    if t.c == 0 and s.c > 0:
        return Step(0.0, s.a, s.b, s.c)
    if t.c == 0:
        return Step(s.b / t.b, s.a - s.b / t.b * t.a, 0.0, 0.0)
    w = eta * math.sqrt(max(0.0, bridge.fresh_variance(ratio(t, s), t.c, s.c)))
    state = math.sqrt(max(0.0, s.c * s.c - w * w)) / t.c
    return Step(state, s.a - state * t.a, s.b - state * t.b, w)


def multistep(bridge: Bridge, u: Point | None, t: Point, s: Point, eta: float, distance: float = math.inf) -> Step:
    """Second order from two estimates (DPM-Solver++ 2M, arXiv 2211.01095): x0^ is taken as linear in L = ln(a / c).

    x_s = generic's + a_s h (1 - (1 - q) / -ln q) (x0^_t - x0^_u) / (L_t - L_u), with q the share of a_s that comes
    from the state. At eta = 0 that is q = e^-h and a_s (e^-h + h - 1), at eta = 1 q = e^-2h and
    a_s (h - (1 - e^-2h) / 2), the stochastic form. First order at the start, and where L_u is infinite and no
    ``distance`` stands for L_t - L_u.
    """
    step = generic(bridge, t, s, eta)
    if u is None:
        return step
    before = 0.0 if u.c == 0 and t.c > 0 else ratio(u, t)
    apart = -math.log(before) if before > 0 else distance
    share = step.state * t.a / s.a
    mean = (1 - share) / -math.log(share) if share > 0 else 0.0
    extra = s.a * -math.log(ratio(t, s)) / apart * (1 - mean)
    return step._replace(x0=step.x0 + extra, previous=-extra)


def heun(bridge: Bridge, t: Point, s: Point, eta: float) -> tuple[Step, Step]:
    """Heun's method: with u = (x - b y) / c and k = a / c the process without fresh noise is du/dk = x0^.

    One generic step (Euler's), then the mean of both estimates in the place of the first. Both keep the noise of
    eta > 0, the same draw.
    """
    step = generic(bridge, t, s, eta)
    return step, step._replace(x0=step.x0 / 2, previous=step.x0 / 2)


def bbdm(bridge: Bridge, t: Point, s: Point, eta: float) -> Step:
    """BBDM's code: the mean of eta = 1 and eta times its noise, so that the marginals are no longer the process's."""
    step = generic(bridge, t, s, 1.0)
    return step._replace(z=eta * step.z)


def euler(bridge: Bridge, t: Point, s: Point, noise: bool) -> Step:
    """The published reverse SDE or ODE; a pinned start, where its score is infinite, draws all of c_s."""
    return bridge.euler(t.t, s.t, noise=noise) if t.c > 0 else generic(bridge, t, s, 1.0)


SOLVERS: dict[str, Solver] = {
    "generic": Solver(lambda bridge, u, t, s, eta: (generic(bridge, t, s, eta),), "first order, any eta"),
    "multistep": Solver(
        lambda bridge, u, t, s, eta: (multistep(bridge, u, t, s, eta),), "second order from the estimate before"
    ),
    # The estimate at a pinned start is E[x0 | y], to which estimates tend for L -> -inf: it counts as made at L_t - 2.
    "multistep-start": Solver(
        lambda bridge, u, t, s, eta: (multistep(bridge, u, t, s, eta, START),),
        "multistep that extrapolates from the estimate at a pinned start as well",
    ),
    "heun": Solver(lambda bridge, u, t, s, eta: heun(bridge, t, s, eta), "second order from two calls in each step"),
    "bbdm": Solver(lambda bridge, u, t, s, eta: (bbdm(bridge, t, s, eta),), "BBDM's own, with eta_bbdm", False),
    "euler-sde": Solver(
        lambda bridge, u, t, s, eta: (euler(bridge, t, s, True),), "IR-SDE's and GOUB's reverse SDE", False
    ),
    "euler-ode": Solver(
        lambda bridge, u, t, s, eta: (euler(bridge, t, s, False),), "IR-SDE's ODE, GOUB's mean ODE", False
    ),
}


def step_coefficients(bridge: Bridge, t: float, s: float, eta: float = 1.0, eta_bbdm: float | None = None) -> Step:
    """The generic step from t to s, or BBDM's where ``eta_bbdm`` is given (see :func:`generic`, :func:`bbdm`)."""
    start, end = points(bridge, (t, s))
    return generic(bridge, start, end, eta) if eta_bbdm is None else bbdm(bridge, start, end, eta_bbdm)


def grid_steps(
    bridge: Bridge,
    grid: Sequence[float],
    *,
    solver: str = "generic",
    eta: float = 1.0,
    eta_bbdm: float | None = None,
) -> list[tuple[Step, ...]]:
    """The numbers of a whole walk, before any network call: for each pair of the grid its step, or step and corrector.

    The step to t = 0 returns the estimate itself: state, y, z = 0 and x0 = 1.

    Args:
        bridge: the process.
        grid: from 1 strictly down to 0, or to a time above 0.
        solver: a name of ``SOLVERS``.
        eta: share of the largest noise that keeps the marginals: 1 the process itself, 0 deterministic.
        eta_bbdm: of the solver bbdm (which it selects), in place of eta.

    Raises:
        InputError: a grid that cannot be walked, an eta out of [0, 1], both etas or one that the solver does not
            take, an unknown solver or one that the process does not have, more steps than the process has.
    """
    check_grid(grid)
    check_solver(bridge, solver, eta, eta_bbdm)
    if bridge.max_steps is not None and len(grid) - 1 > bridge.max_steps:
        raise InputError(f"{type(bridge).__name__} takes {bridge.max_steps} step(s), not {len(grid) - 1}")
    if eta_bbdm is not None:
        solver, eta = "bbdm", eta_bbdm
    along = points(bridge, grid)
    befores = [None, *along]
    return [
        (Step(0.0, 1.0, 0.0, 0.0),) if s.t == 0 else SOLVERS[solver].make(bridge, u, t, s, eta)
        for u, (t, s) in zip(befores, pairwise(along), strict=False)
    ]


def check_solver(bridge: Bridge, solver: str, eta: float = 1.0, eta_bbdm: float | None = None) -> None:
    """Refuse an unknown solver or one that the process lacks, an eta out of [0, 1], etas that do not go together.

    Raises:
        InputError: what was wrong and what is right.
    """
    if solver not in SOLVERS:
        raise InputError(f"unknown solver {solver!r}; {near_matches(solver, SOLVERS)}")
    for name, value in (("eta", eta), ("eta_bbdm", eta if eta_bbdm is None else eta_bbdm)):
        if not 0 <= value <= 1:
            raise InputError(f"{name} = {value:g}; give a number from 0 to 1")
    if eta_bbdm is not None and eta != 1:
        raise InputError(f"eta = {eta:g} and eta_bbdm = {eta_bbdm:g}: give one of them")
    if eta_bbdm is not None and solver not in ("generic", "bbdm"):
        raise InputError(f"eta_bbdm = {eta_bbdm:g} is of the solver 'bbdm', not of {solver!r}")
    if solver.startswith("euler") and type(bridge).euler is Bridge.euler:
        raise InputError(
            f"{type(bridge).__name__} has no published Euler steps, as irsde, refusion and goub have; "
            "use the solver generic, multistep or heun"
        )
    if eta != 1 and not SOLVERS[solver].takes_eta:
        raise InputError(f"eta = {eta:g}: the solver {solver!r} has no eta; leave it at 1, or use another solver")
