"""What a network predicts, and how that becomes an estimate of x0 (pure functions)."""

from __future__ import annotations

from typing import Literal

from torch import Tensor

from wavegen.bridges.base import Coefficients, per_item
from wavegen.core.errors import InputError, near_matches

Target = Literal["x0", "residual", "grad", "eps", "v"]
TARGETS = ("x0", "residual", "grad", "eps", "v")


def to_x0(target: str, output: Tensor, x_t: Tensor, y: Tensor, coefficients: Coefficients | None) -> Tensor:
    """The estimate of x0 that a network's output means.

    ``x0``: the output itself; ``residual`` = y - x0; ``grad`` = x_t - x0 (BBDM's target); ``eps``: the noise;
    ``v`` = a eps - sigma r0 (arXiv 2202.00512) of the process r_t = a r0 + sigma eps, sigma² = 1 - a², in
    which r = (x - y) / lam where the process drifts to y, r = x where it does not. With lam = c / sigma that is
    x0 = a x_t + b y - c v.

    Args:
        target: name.
        output: (B, ...), the network's.
        x_t: (B, ...), the state it was given.
        y: (B, ...), degraded.
        coefficients: a, b, c at the times of the items, (B,), float64; only eps and v need them.

    Raises:
        InputError: an unknown name; eps or v of a process whose a vanishes (x0 cannot be recovered).
    """
    if target == "x0":
        return output
    if target == "residual":
        return y - output
    if target == "grad":
        return x_t - output
    a, b, c = (per_item(k, x_t) for k in _check(target, coefficients))
    if target == "eps":
        return (x_t - b * y - c * output) / a
    return a * x_t + b * y - c * output


def from_x0(target: str, x0: Tensor, x_t: Tensor, y: Tensor, eps: Tensor, coefficients: Coefficients) -> Tensor:
    """What the network should have said: the inverse of :func:`to_x0` for a state made with ``eps``.

    Raises:
        InputError: as :func:`to_x0`.
    """
    if target == "x0":
        return x0
    if target == "residual":
        return y - x0
    if target == "grad":
        return x_t - x0
    _check(target, coefficients)
    if target == "eps":
        return eps
    # v = a eps - ((1 - a²) / c) x0 + (b (1 + a) / c) y; the quotients in float64, for they are 0 / 0 at t = 0.
    a, b, c = coefficients.a.double(), coefficients.b.double(), coefficients.c.double().clamp_min(1e-30)
    of_x0, of_y = (per_item(k, x0) for k in ((1 - a.square()) / c, b * (1 + a) / c))
    return per_item(a, eps) * eps - of_x0 * x0 + of_y * y


def _check(target: str, coefficients: Coefficients | None) -> Coefficients:
    if target not in TARGETS:
        raise InputError(f"unknown target {target!r}; {near_matches(target, TARGETS)}")
    if coefficients is None:
        raise InputError(f"target {target!r} needs the coefficients at the times of the items")
    if bool((coefficients.a == 0).any()):
        raise InputError(
            f"target {target!r} is singular at the start of a process pinned at y (a = 0 there); "
            "use x0, residual or grad"
        )
    return coefficients
