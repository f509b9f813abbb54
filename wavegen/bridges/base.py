"""What every process is: three coefficient functions, a prior, and its source's settings."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

FORGOTTEN = 0.02  # largest a(1): what of x0 (of unit variance) may be left at a start with noise
ALL_TARGETS = frozenset({"x0", "residual", "grad", "eps", "v"})
PINNED_TARGETS = frozenset({"x0", "residual", "grad"})


class Coefficients(NamedTuple):
    """a, b, c of x_t = a x0 + b y + c eps, each of the shape of t."""

    a: Tensor
    b: Tensor
    c: Tensor


def per_item(value: Tensor, like: Tensor) -> Tensor:
    """Coefficients (B,) or () as a tensor that multiplies ``like`` (B, ...): the one place of broadcasting."""
    return value.to(like.dtype).to(like.device).reshape(-1, *[1] * (like.ndim - 1))


class Step(NamedTuple):
    """One reverse step as numbers: x_s = state · x_t + x0 · x0^ + y · y + z · z + previous · (the x0^ before).

    ``z`` is standard normal; ``previous`` is 0 for steps of first order.
    """

    state: float
    x0: float
    y: float
    z: float
    previous: float = 0.0


@dataclass(frozen=True)
class Native:
    """The settings of a process's own publication, for fair comparisons.

    ``eta`` is that of the solver (1 for one without); ``options`` are the grid's; ``steps`` counts the pairs of times
    (network calls, but for a solver with two in each).
    """

    steps: int
    eta: float = 1.0
    grid: str = "uniform"
    target: str = "x0"
    solver: str = "generic"
    options: Mapping[str, float] = field(default_factory=dict)


class Bridge(ABC):
    """A process from the clean band (t = 0) to the start of sampling (t = 1): x_t = a x0 + b y + c eps.

    Class attributes: ``native`` (the settings of its publication), ``targets`` (what its network may predict),
    ``max_steps`` (None: any number).

    The sampler, the solvers and the grids rely on the following, which
    :func:`~wavegen.bridges.check.check_bridge` verifies:

    - the clean end is clean: a(0) = 1, b(0) = c(0) = 0;
    - a > 0 for t < 1, and a / c falls strictly as t grows, so that each noise level has one time;
    - c > 0 inside (0, 1); or c = 0 everywhere, a process without noise, and then b > 0 for t > 0;
    - a process that starts at y without noise has c(1) = 0 *exactly*, with a(1) = 0 and b(1) = 1. Rounding that leaves
      c(1) = 1e-9 would make the sampler divide by it: compute c such that it vanishes (``m (1 - m)`` at m = 1);
    - any other process has forgotten x0 at the start: a(1) is small (at most :data:`FORGOTTEN`), since
      :meth:`prior` leaves a(1) x0 out, and :meth:`prior` is b(1) y + c(1) eps up to that;
    - 0 <= :meth:`fresh_variance` <= c_s².
    """

    native: ClassVar[Native]
    targets: ClassVar[frozenset[str]] = ALL_TARGETS
    max_steps: ClassVar[int | None] = None

    @abstractmethod
    def coefficients(self, t: Tensor) -> Coefficients:
        """a(t), b(t), c(t) for t in [0, 1], in t's shape and dtype."""

    def state(self, x0: Tensor, y: Tensor, t: Tensor, eps: Tensor) -> Tensor:
        """x_t = a x0 + b y + c eps.

        Args:
            x0: (B, ...), the clean band.
            y: the degraded band.
            t: (B,), float64 so that the coefficients are exact.
            eps: standard normal noise.
        """
        a, b, c = (per_item(k, x0) for k in self.coefficients(t))
        return a * x0 + b * y + c * eps

    @classmethod
    def facts(cls) -> dict[str, bool]:
        """Capabilities that the class itself shows; registering it checks that they are declared."""
        return {"one-step": cls.max_steps == 1, "published-euler": cls.euler is not Bridge.euler}

    @property
    def one_step(self) -> bool:
        """Whether it takes a single step: its network is a regression, and needs no time."""
        return self.max_steps == 1

    @property
    def pinned(self) -> bool:
        """Whether the process starts exactly at y, without noise."""
        return float(self.coefficients(torch.ones((), dtype=torch.float64)).c) == 0.0

    @property
    def total_variance(self) -> float | None:
        """S, the variance scale that step counts depend on; None where there is none."""
        return None

    def prior(self, y: Tensor, eps: Tensor) -> Tensor:
        """The start of sampling, for standard normal ``eps`` of y's shape: b(1) y + c(1) eps."""
        _, b, c = self.coefficients(torch.ones((), dtype=torch.float64))
        return float(b) * y + float(c) * eps

    def fresh_variance(self, ratio: float, c_t: float, c_s: float) -> float:
        """w_max², the variance that the process's own reverse step from t to s draws anew, given x0 and y.

        Args:
            ratio: (a_t c_s) / (a_s c_t), in [0, 1].
            c_t: standard deviation of the state at t.
            c_s: that at s.
        """
        return c_s * c_s * (1 - ratio * ratio)

    def euler(self, t: float, s: float, *, noise: bool) -> Step:
        """One Euler step of the published reverse SDE (``noise``) or ODE from t, where c > 0, to s."""
        raise NotImplementedError(f"{type(self).__name__} has no published Euler steps")


def interpolated(table: Tensor, t: Tensor) -> Tensor:
    """Values at t in [0, 1] of a float64 table with entries at equal distances, linear in between; in t's dtype."""
    table = table.to(t.device)
    last = len(table) - 1
    position = t.to(table.dtype) * last
    below = position.floor().clamp(0, last - 1).long()
    return torch.lerp(table[below], table[below + 1], position - below).to(t.dtype)
