"""The contract of solvers: steps that stay on the process, and the noise that they draw."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch

from wavegen.bridges import BBDP, DDPM, IRSDE, Bridge, Step
from wavegen.testing.base import Subject

BRIDGES: tuple[Bridge, ...] = (BBDP(), DDPM(), IRSDE())
WITH_EULER: tuple[Bridge, ...] = (IRSDE(),)
SHORT = 1e-3
# What a short step may be off, as a share of its length. A published Euler step is right to second order.
SLACK = 0.1


class Coordinates(NamedTuple):
    """A time of the grid with the coefficients there."""

    t: float
    a: float
    b: float
    c: float


def check(subject: Subject, solver: Any) -> None:
    """Every check of the contract, with processes that are pinned at y, start from noise, and drift to y."""
    callable_steps = callable(getattr(solver, "steps", None))
    subject.require(callable_steps, "type", "it has no method steps(bridge, before, t, s)")
    for bridge in WITH_EULER if getattr(solver, "needs", ()) else BRIDGES:
        start = _at(bridge, 1.0)
        if bridge.pinned:
            _step(subject, solver, bridge, None, start, _at(bridge, 0.5), 1e-9)
        for t in (0.9, 0.5, 0.2):
            here, before = _at(bridge, t), _at(bridge, min(1.0, t + 0.1))
            _step(subject, solver, bridge, before, here, _at(bridge, t - SHORT), SLACK * SHORT)
        _eta(subject, solver, bridge)


def _at(bridge: Bridge, t: float) -> Coordinates:
    return Coordinates(t, *(float(k) for k in bridge.coefficients(torch.tensor(t, dtype=torch.float64))))


def _step(
    subject: Subject,
    solver: Any,
    bridge: Bridge,
    before: Coordinates | None,
    t: Coordinates,
    s: Coordinates,
    slack: float,
) -> None:
    """With the true x0, a state of the process at t becomes one at s."""
    steps = solver.steps(bridge, before, t, s)
    valid = isinstance(steps, tuple) and len(steps) in (1, 2) and all(isinstance(step, Step) for step in steps)
    subject.require(valid, "type", "steps() returns no tuple of one or two Steps")
    where = f"{type(bridge).__name__}, from t = {t.t:g} to {s.t:g}"
    for step in steps:
        of_y, of_x0 = step.state * t.b + step.y, step.state * t.a + step.x0 + step.previous
        if step.y == 0 and abs(of_y - s.b) > slack:
            raise subject.fail("y", f"the step forgets y: its state has {of_y:.4g} y, the process {s.b:.4g} ({where})")
        on_y, on_x0 = abs(of_y - s.b) <= slack, abs(of_x0 - s.a) <= slack
        subject.require(on_y, "y", f"the step leads to {of_y:.4g} y, the process to {s.b:.4g} ({where})")
        subject.require(on_x0, "x0", f"the step leads to {of_x0:.4g} x0, the process to {s.a:.4g} ({where})")
        variance = (step.state * t.c) ** 2 + step.z**2
        fault = f"the state's variance becomes {variance:.4g}, the process has {s.c**2:.4g} ({where})"
        subject.require(variance <= s.c**2 + max(slack, 1e-9), "noise", fault)


def _eta(subject: Subject, solver: Any, bridge: Bridge) -> None:
    """eta = 0 draws nothing, once the walk is off its start."""
    if getattr(solver, "eta", None) == 0:
        steps = solver.steps(bridge, _at(bridge, 0.8), _at(bridge, 0.6), _at(bridge, 0.4))
        subject.require(all(step.z == 0 for step in steps), "eta", "eta = 0, but a step draws noise")
