"""What every process must keep, so that solvers, grids and the sampler are right about it; stated in ``Bridge``."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise

import torch
from torch import Tensor

from wavegen.bridges.base import ALL_TARGETS, FORGOTTEN, Bridge, Coefficients
from wavegen.bridges.grids import native_grid
from wavegen.bridges.solvers import grid_steps
from wavegen.bridges.targets import from_x0, to_x0
from wavegen.core.errors import InputError

TIMES = 256  # at which the coefficients are looked at
EXACT = 1e-9
ROUNDING = 1e-6  # share of the largest c below which c(1) is taken for 0 that rounding has missed


def check_bridge(bridge: Bridge) -> None:
    """Verify the assumptions that :class:`~wavegen.bridges.Bridge` states, and that its declarations are consistent.

    Raises:
        InputError: the first assumption that does not hold, with what was found.
    """
    t = torch.linspace(0, 1, TIMES + 1, dtype=torch.float64)
    coefficients = bridge.coefficients(t)
    for check in (_form, _ends, _start, _between, _fresh_variance, _targets, _native):
        for fault in check(bridge, t, coefficients):
            raise InputError(f"{type(bridge).__name__}: {fault}")


def _form(bridge: Bridge, t: Tensor, coefficients: Coefficients) -> Iterator[str]:
    """Shapes, dtypes, finite values; the same at float32."""
    for dtype in (torch.float64, torch.float32):
        for name, values in zip("abc", bridge.coefficients(t.to(dtype)), strict=True):
            if values.shape != t.shape or values.dtype != dtype:
                yield f"{name}(t) has shape {tuple(values.shape)}, {values.dtype}; it must be t's, {dtype}"
            if not bool(torch.isfinite(values).all()):
                yield f"{name}(t) is not finite at t = {float(t[~torch.isfinite(values)][0]):g} ({dtype})"
    for times in (t[5], t[:6].reshape(2, 3)):
        for name, values in zip("abc", bridge.coefficients(times), strict=True):
            if values.shape != times.shape:
                yield f"{name}(t) has shape {tuple(values.shape)} for t of shape {tuple(times.shape)}; it must be t's"
    if bool((coefficients.c < 0).any()):
        yield "c(t) is negative; it is a standard deviation"


def _ends(bridge: Bridge, t: Tensor, coefficients: Coefficients) -> Iterator[str]:
    """The clean end."""
    clean = [float(k[0]) for k in coefficients]
    if math.dist(clean, (1, 0, 0)) > EXACT:
        yield f"a(0), b(0), c(0) = {clean}; the clean end has 1, 0, 0"


def _start(bridge: Bridge, t: Tensor, coefficients: Coefficients) -> Iterator[str]:
    """The start of sampling, and the prior there."""
    a, b, c = (float(k[-1]) for k in coefficients)
    one, zero = torch.ones(1, 1, 2, 2, dtype=torch.float64), torch.zeros(1, 1, 2, 2, dtype=torch.float64)
    offset = float(bridge.prior(zero, zero).abs().max())
    of_y, of_eps = (float(bridge.prior(*given).mean()) - offset for given in ((one, zero), (zero, one)))
    if 0 < c < ROUNDING * float(coefficients.c.max()):
        yield f"c(1) = {c:.3g} is rounding in the place of 0: a process that starts at y needs c(1) = 0 exactly"
    if c == 0 and math.dist((a, b), (0, 1)) > EXACT:
        yield f"a(1), b(1) = {a:g}, {b:g} without noise; a process that starts at y has 0, 1"
    if c > 0 and a > FORGOTTEN:
        yield f"a(1) = {a:.3g}: the prior leaves it out, so it may be {FORGOTTEN} at most"
    tolerance = a * max(1.0, c) + EXACT
    if max(abs(of_y - b), abs(of_eps - c), offset) > tolerance:
        yield f"the prior is {of_y:.4g} y + {of_eps:.4g} eps; the process starts at {b:.4g} y + {c:.4g} eps"


def _between(bridge: Bridge, t: Tensor, coefficients: Coefficients) -> Iterator[str]:
    """Signs inside (0, 1), and one time for each noise level."""
    a, b, c = (k[1:-1] for k in coefficients)
    if bool((a <= 0).any()):
        yield f"a(t) = {float(a.min()):.3g} at t = {float(t[1:-1][a.argmin()]):g}; it must be above 0 for t < 1"
    if bool((c == 0).all()):
        if bool((b <= 0).any()):
            yield "a process without noise needs b(t) > 0 for t > 0"
    elif bool((c == 0).any()):
        yield f"c(t) = 0 at t = {float(t[1:-1][c == 0][0]):g}; inside (0, 1) it is above 0, or 0 everywhere"
    elif bool(((falls := (a / c).diff()) >= 0).any()):
        yield f"a / c does not fall at t = {float(t[1:-1][int((falls >= 0).nonzero()[0])]):g}; each level has one time"


def _fresh_variance(bridge: Bridge, t: Tensor, coefficients: Coefficients) -> Iterator[str]:
    """What the steps may draw anew."""
    values = torch.stack(list(coefficients), dim=1)[1:-1:8].tolist()
    for (a_s, _, c_s), (a_t, _, c_t) in pairwise(values):
        if c_t > 0 and a_s > 0:
            fresh = bridge.fresh_variance(a_t * c_s / (a_s * c_t), c_t, c_s)
            if not -EXACT <= fresh <= c_s * c_s * (1 + EXACT):
                yield f"fresh_variance = {fresh:.3g}, of a c_s² of {c_s * c_s:.3g}; it lies between 0 and that"


def _targets(bridge: Bridge, t: Tensor, coefficients: Coefficients) -> Iterator[str]:
    """Each target must give x0 back."""
    if not bridge.targets or not bridge.targets <= ALL_TARGETS:
        yield f"targets = {sorted(bridge.targets)}; give some of {', '.join(sorted(ALL_TARGETS))}"
    scale = (coefficients.c.square() / (1 - coefficients.a.square()))[TIMES // 8 :]
    if "v" in bridge.targets and not bool(((scale / scale[-1] - 1).abs() < 1e-6).all()):
        yield "target 'v' is of processes with c = lam sqrt(1 - a²) for one lam; leave it out of targets"
    generator = torch.Generator().manual_seed(0)
    times = torch.tensor([0.1, 0.5, 0.9, 1.0], dtype=torch.float64)
    k = bridge.coefficients(times)
    x0, y, eps = (torch.randn(len(times), 8, generator=generator, dtype=torch.float64) for _ in range(3))
    x_t = k.a[:, None] * x0 + k.b[:, None] * y + k.c[:, None] * eps
    for target in sorted(bridge.targets & ALL_TARGETS):
        try:
            again = to_x0(target, from_x0(target, x0, x_t, y, eps, k), x_t, y, k)
        except InputError as error:
            yield f"target {target!r}: {error}"
            continue
        error_of = float((again - x0).norm() / x0.norm())
        if not error_of < 1e-6:
            yield f"target {target!r} does not give x0 back (relative error {error_of:.2g}); leave it out of targets"


def _native(bridge: Bridge, t: Tensor, coefficients: Coefficients) -> Iterator[str]:
    """The settings of the publication must be usable, and the variance scale positive."""
    native, scale = bridge.native, bridge.total_variance
    if scale is not None and not 0 < scale < math.inf:
        yield f"total_variance = {scale}; give a number above 0, or None"
    if native.target not in bridge.targets:
        yield f"native.target = {native.target!r} is not among its targets {', '.join(sorted(bridge.targets))}"
    try:
        grid_steps(bridge, native_grid(bridge), solver=native.solver, eta=native.eta)
    except InputError as error:
        yield f"native: {error}"
