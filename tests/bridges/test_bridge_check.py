"""The assumptions that every process must keep: held by all of the registry, and each violation is named."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from wavegen.bridges import BBDP, DDPM, GOUB, IRSDE, Bridge, Coefficients, InDI, Native, check_bridge
from wavegen.core.errors import InputError
from wavegen.core.registry import build, entry, names


@pytest.mark.parametrize("name", names("bridge"))
def test_every_process_keeps_them(name: str) -> None:
    bridge: Bridge = build("bridge", name)
    check_bridge(bridge)
    assert bridge.pinned == ("pinned" in entry("bridge", name).capabilities)
    assert bridge.one_step == ("one-step" in entry("bridge", name).capabilities)


@pytest.mark.parametrize(
    "bridge",
    [BBDP(s=1e-3), BBDP(schedule="sin"), DDPM("cosine"), GOUB(gamma=1e7), GOUB(theta=1e-3), InDI(0.0), IRSDE(0.05)],
    ids=lambda bridge: type(bridge).__name__,
)
def test_other_options_keep_them(bridge: Bridge) -> None:
    check_bridge(bridge)


class Changed(BBDP):
    """A Brownian bridge of which one thing is changed."""

    def __init__(self, **change: Any) -> None:
        super().__init__()
        self.change = change

    def coefficients(self, t: Tensor) -> Coefficients:
        made = super().coefficients(t)._asdict()
        return Coefficients(**(made | {k: change(t, made[k]) for k, change in self.change.items()}))


class Scaled(IRSDE):
    def prior(self, y: Tensor, eps: Tensor) -> Tensor:
        return 1.1 * super().prior(y, eps)


class Late(BBDP):
    def prior(self, y: Tensor, eps: Tensor) -> Tensor:
        return y + 0.01 * eps


class Fresh(BBDP):
    def fresh_variance(self, ratio: float, c_t: float, c_s: float) -> float:
        return 1.1 * c_s * c_s


class NoV(BBDP):
    targets = frozenset({"x0", "eps"})


class Velocity(IRSDE):
    def coefficients(self, t: Tensor) -> Coefficients:
        return super().coefficients(t)._replace(c=self.lam * t)


class Unready(BBDP):
    native = Native(steps=4, solver="euler-sde")


class Remembering(Bridge):
    """A start that still holds a tenth of x0."""

    native = Native(steps=4)

    def coefficients(self, t: Tensor) -> Coefficients:
        return Coefficients(1 - 0.9 * t, 0.9 * t, t.clone())


@pytest.mark.parametrize(
    ("bridge", "said"),
    [
        (Changed(c=lambda t, c: c + 1e-9 * t), r"c\(1\) = 1e-09 is rounding in the place of 0: .* c\(1\) = 0 exactly"),
        (Changed(a=lambda t, a: a + 0.01), r"the clean end has 1, 0, 0"),
        (Changed(a=lambda t, a: a + 0.01 * t), r"a\(1\), b\(1\) = 0.01, 1 without noise"),
        (Changed(c=lambda t, c: (t * 2 * torch.pi).sin().abs() * c), r"c\(t\) = 0|a / c does not fall"),
        (Changed(c=lambda t, c: c * (1 - 0.9 * (t > 0.6))), "a / c does not fall at t = 0.59"),
        (Changed(a=lambda t, a: a.float()), "a.t. has shape .*torch.float32; it must be t's, torch.float64"),
        (Changed(a=lambda t, a: a.reshape(-1) if a.ndim != 1 else a), r"a.t. has shape .* for t of shape"),
        (Changed(b=lambda t, b: b / (t - 1)), r"b\(t\) is not finite at t = 1"),
        (Scaled(), "the prior is 1.1 y"),
        (Late(), "the prior is 1 y"),
        (Fresh(), "fresh_variance"),
        (NoV(), "target 'eps': .*singular at the start"),
        (Velocity(), "target 'v' is of processes with c = lam"),
        (Unready(), "native: the solver 'euler-sde' needs a process with published Euler steps"),
        (Remembering(), r"a\(1\) = 0.1: the prior leaves it out"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Bridge) else value[:20],
)
def test_each_violation_is_named(bridge: Bridge, said: str) -> None:
    with pytest.raises(InputError, match=said):
        check_bridge(bridge)
