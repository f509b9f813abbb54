"""From a solver's specification to the numbers of a whole walk, with all checks before any network call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from wavegen.bridges.base import Bridge, Step
from wavegen.bridges.grids import check_grid
from wavegen.bridges.solvers.base import Solver, coordinates
from wavegen.bridges.solvers.settings import solver_spec
from wavegen.core.capabilities import KNOWN, NEEDS
from wavegen.core.errors import InputError
from wavegen.core.registry import build, names, with_capability

Given = str | Mapping[str, Any] | Solver  # a name, {"name": ..., **options}, or the solver itself


def make_solver(solver: Given = "generic", *, eta: float | None = None, bridge: Bridge | None = None) -> Solver:
    """Build a solver, and check that the process, if given, has what it needs.

    Args:
        solver: a registered name, ``{"name": ..., **options}``, or a solver itself.
        eta: shorthand for the solver's option ``eta``; None leaves it as it is. A solver without one accepts 1.
        bridge: the process that is to be walked.

    Raises:
        InputError: an unknown name or option, a value out of range, an ``eta`` that the solver does not take, a
            process without what the solver needs.
    """
    if isinstance(solver, Solver):
        if eta is not None:
            raise InputError(f"eta = {eta:g}: give it to the {type(solver).__name__} itself")
        made, called = solver, type(solver).__name__
    else:
        spec = solver_spec(solver, eta)
        made, called = build("solver", spec), repr(spec["name"])
        if not isinstance(made, Solver):
            raise InputError(f"the solver {called} is a {type(made).__name__}; it must be a wavegen.bridges.Solver")
    if bridge is not None:
        _check_needs(bridge, made, called)
    return made


def _check_needs(bridge: Bridge, solver: Solver, called: str) -> None:
    """Refuse a process that lacks what the solver needs."""
    able = {capability for capability, holds in bridge.facts().items() if holds}
    for need in sorted(solver.needs - able):
        needy = with_capability("solver", NEEDS + need)
        others = [name for name in names("solver") if name not in needy]
        raise InputError(
            f"the solver {called} needs a process with {KNOWN['bridge'][need]}, as "
            f"{', '.join(with_capability('bridge', need))} have, and {type(bridge).__name__} has none; "
            f"use the solver {' or '.join(others)}"
        )


def step_coefficients(bridge: Bridge, t: float, s: float, eta: float | None = None, solver: Given = "generic") -> Step:
    """The first step of a walk, from t to s > 0, as the solver takes it (see :func:`make_solver`)."""
    start, end = coordinates(bridge, (t, s))
    return make_solver(solver, eta=eta, bridge=bridge).steps(bridge, None, start, end)[0]


def grid_steps(
    bridge: Bridge, grid: Sequence[float], *, solver: Given = "generic", eta: float | None = None
) -> list[tuple[Step, ...]]:
    """The numbers of a whole walk, before any network call: for each pair of the grid its step, or step and corrector.

    The step to t = 0 returns the estimate itself: state, y, z = 0 and x0 = 1.

    Args:
        bridge: the process.
        grid: from 1 strictly down to 0, or to a time above 0.
        solver: see :func:`make_solver`.
        eta: shorthand for the solver's option ``eta``: 0 = deterministic (DDIM), 1 = fully stochastic steps.

    Raises:
        InputError: a grid that cannot be walked, more steps than the process has, and as :func:`make_solver`.
    """
    check_grid(grid)
    made = make_solver(solver, eta=eta, bridge=bridge)
    if bridge.max_steps is not None and len(grid) - 1 > bridge.max_steps:
        raise InputError(f"{type(bridge).__name__} takes {bridge.max_steps} step(s), not {len(grid) - 1}")
    places = coordinates(bridge, grid)
    befores = [None, *places]
    return [
        (Step(0.0, 1.0, 0.0, 0.0),) if s.t == 0 else made.steps(bridge, before, t, s)
        for before, (t, s) in zip(befores, pairwise(places), strict=False)
    ]
