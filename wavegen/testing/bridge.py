"""The contract of bridges: coefficients, prior, targets, and what solvers assume of them."""

from __future__ import annotations

import math

import torch

from wavegen.bridges import Bridge, check_bridge, make_grid, sample
from wavegen.bridges.base import FORGOTTEN
from wavegen.core.errors import InputError
from wavegen.testing.base import Subject, image

EXACT = 1e-9


def check(subject: Subject, bridge: Bridge) -> None:
    """Every check of the contract."""
    subject.require(isinstance(bridge, Bridge), "type", "it does not derive from wavegen.bridges.Bridge")
    _start(subject, bridge)
    _prior(subject, bridge)
    _assumptions(subject, bridge)
    _variance_scale(subject, bridge)
    _walk(subject, bridge)


def _assumptions(subject: Subject, bridge: Bridge) -> None:
    """What the sampler, the solvers and the grids rely on, as :func:`~wavegen.bridges.check_bridge` verifies it."""
    try:
        check_bridge(bridge)
    except InputError as error:
        raise subject.fail("assumptions", str(error).removeprefix(f"{type(bridge).__name__}: ")) from error


def _at(bridge: Bridge, *times: float) -> list[list[float]]:
    """[a, b, c] at each time."""
    t = torch.tensor(times, dtype=torch.float64)
    values: list[list[float]] = torch.stack(list(bridge.coefficients(t)), dim=1).tolist()
    return values


def _start(subject: Subject, bridge: Bridge) -> None:
    a, b, c = _at(bridge, 1.0)[0]
    if bridge.pinned:
        subject.require(c == 0, "pinned", f"c(1) = {c:.3g}; a process that starts at y has c(1) = 0, to the bit")
        subject.require(math.dist((a, b), (0, 1)) < EXACT, "pinned", f"a(1), b(1) = {a:g}, {b:g}; y itself has 0, 1")
        return
    subject.require(c > 0, "pinned", "c(1) = 0, but pinned is False")
    largest = max(k[2] for k in _at(bridge, *make_grid("uniform", 50)))
    subject.require(c > 1e-6 * largest, "pinned", f"c(1) = {c:.3g} is rounding; a start at y has c(1) = 0, to the bit")
    subject.require(a <= FORGOTTEN, "start", f"a(1) = {a:.3g}: the prior leaves x0 out, at most {FORGOTTEN:g} is right")


def _prior(subject: Subject, bridge: Bridge) -> None:
    a, b, c = _at(bridge, 1.0)[0]
    y, eps = image(1, 1, 8, 8), image(1, 1, 8, 8, seed=1)
    zero = torch.zeros_like(y)
    offset = bridge.prior(zero, zero)
    tolerance = 5 * a + EXACT
    subject.require(float(offset.abs().max()) <= tolerance, "prior", "it is not 0 for y = 0 and eps = 0")
    for what, wanted, prior, unit in (("y", b, bridge.prior(y, zero), y), ("eps", c, bridge.prior(zero, eps), eps)):
        share = float((prior * unit).sum() / unit.square().sum())
        fault = f"it has {share:.4g} times {what}; the process starts with {wanted:.4g} (its coefficient at t = 1)"
        subject.require(abs(share - wanted) <= tolerance * max(1.0, wanted), "prior", fault)
        rest = float((prior - share * unit).norm())
        subject.require(rest <= 1e-6 * float(unit.norm()), "prior", f"it is not a multiple of {what}")


def _variance_scale(subject: Subject, bridge: Bridge) -> None:
    scale = bridge.total_variance
    if scale is None:
        return
    subject.require(0 < scale < math.inf, "total_variance", f"{scale:g}; give a number above 0, or None")
    largest = max(k[2] ** 2 for k in _at(bridge, *make_grid("uniform", 200)))
    fault = f"{scale:.4g}, but the variance of the state reaches {largest:.4g}"
    subject.require(largest <= scale * (1 + 1e-6), "total_variance", fault)


def _walk(subject: Subject, bridge: Bridge) -> None:
    """With the true x0 as the estimate, a walk with the native settings ends there."""
    x0, y = image(1, 1, 4, 4, dtype=torch.float32), image(1, 1, 4, 4, seed=1, dtype=torch.float32)
    steps = min(bridge.native.steps, 5)
    try:
        out = sample(bridge, lambda x, t, y: x0, y, grid=make_grid("uniform", steps), eta=bridge.native.eta)
    except InputError as error:
        raise subject.fail("walk", f"its native settings cannot be used: {error}") from error
    subject.close("walk", out.x, x0, "a walk with the true x0 does not end at x0")
