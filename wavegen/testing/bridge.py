"""The contract of bridges: coefficients, prior, targets, and what solvers assume of them."""

from __future__ import annotations

import math

import torch

from wavegen.bridges import Bridge, from_x0, make_grid, sample, to_x0
from wavegen.bridges.base import ALL_TARGETS
from wavegen.core.errors import InputError
from wavegen.testing.base import Subject, image

EXACT = 1e-9
FORGOTTEN = 0.02  # of x0, at the start of a process that ends in noise


def check(subject: Subject, bridge: Bridge) -> None:
    """Every check of the contract."""
    subject.require(isinstance(bridge, Bridge), "type", "it does not derive from wavegen.bridges.Bridge")
    _form(subject, bridge)
    _clean_end(subject, bridge)
    _start(subject, bridge)
    _between(subject, bridge)
    _prior(subject, bridge)
    _fresh_variance(subject, bridge)
    _targets(subject, bridge)
    _variance_scale(subject, bridge)
    _walk(subject, bridge)


def _at(bridge: Bridge, *times: float) -> list[list[float]]:
    """[a, b, c] at each time."""
    t = torch.tensor(times, dtype=torch.float64)
    values: list[list[float]] = torch.stack(list(bridge.coefficients(t)), dim=1).tolist()
    return values


def _form(subject: Subject, bridge: Bridge) -> None:
    for dtype in (torch.float64, torch.float32):
        for shape in ((), (5,), (2, 3)):
            t = torch.rand(shape, dtype=dtype, generator=torch.Generator().manual_seed(0))
            for name, value in zip("abc", bridge.coefficients(t), strict=True):
                fits = value.shape == t.shape and value.dtype == dtype
                subject.require(fits, "coefficients", f"{name}(t) is {tuple(value.shape)}, {value.dtype}; t is {shape}, {dtype}")  # fmt: skip  # noqa: E501


def _clean_end(subject: Subject, bridge: Bridge) -> None:
    a, b, c = _at(bridge, 0.0)[0]
    clean = math.dist((a, b, c), (1, 0, 0)) < EXACT
    subject.require(clean, "clean end", f"a(0), b(0), c(0) = {a:g}, {b:g}, {c:g}; the clean end has 1, 0, 0")


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


def _between(subject: Subject, bridge: Bridge) -> None:
    t = torch.linspace(0, 1, 257, dtype=torch.float64)
    every = torch.stack(list(bridge.coefficients(t)))
    subject.require(bool(torch.isfinite(every).all()), "coefficients", "a value between 0 and 1 is not finite")
    a, _, c = every[:, :-1]
    subject.require(bool((a > 0).all()), "monotone", "a(t) is not above 0 for all t < 1")
    subject.require(bool((every[2] >= 0).all()), "monotone", "c(t), a standard deviation, is negative somewhere")
    rises = (c / a).diff()
    noisy = bool((c[1:] > 0).all())
    subject.require(noisy or bool((c == 0).all()), "monotone", "c(t) is 0 at some times inside (0, 1), not at all")
    if noisy and bool((rises <= 0).any()):
        where = float(t[1:-1][rises <= 0][0])
        raise subject.fail("monotone", f"a / c does not fall at t = {where:.3g}: a noise level has two times")


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


def _fresh_variance(subject: Subject, bridge: Bridge) -> None:
    times = [0.1, 0.35, 0.6, 0.85]
    for (a_s, _, c_s), (a_t, _, c_t) in zip(_at(bridge, *times), _at(bridge, *times[1:], 0.99), strict=True):
        if c_t > 0:
            fresh = bridge.fresh_variance(a_t * c_s / (a_s * c_t), c_t, c_s)
            inside = -EXACT <= fresh <= c_s * c_s * (1 + EXACT)
            subject.require(inside, "fresh_variance", f"{fresh:.3g} is outside [0, c_s²] = [0, {c_s * c_s:.3g}]")


def _targets(subject: Subject, bridge: Bridge) -> None:
    unknown = bridge.targets - ALL_TARGETS
    known = bool(bridge.targets) and not unknown
    subject.require(known, "targets", f"{sorted(bridge.targets)}: give some of {', '.join(sorted(ALL_TARGETS))}")
    subject.require(bridge.native.target in bridge.targets, "targets",
                    f"the native target {bridge.native.target!r} is not one of them")  # fmt: skip
    t = torch.tensor([0.2, 0.6, 1.0], dtype=torch.float64)
    k = bridge.coefficients(t)
    x0, y, eps = (image(3, 16, seed=seed) for seed in range(3))
    x_t = k.a[:, None] * x0 + k.b[:, None] * y + k.c[:, None] * eps
    for target in sorted(bridge.targets):
        try:
            again = to_x0(target, from_x0(target, x0, x_t, y, eps, k), x_t, y, k)
        except InputError as error:
            raise subject.fail("targets", f"{target!r} cannot be converted: {error}") from error
        subject.close("targets", again, x0, f"{target!r} does not give x0 back", 1e-6)


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
