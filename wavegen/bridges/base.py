"""What every process is: three coefficient functions, a prior, and its source's settings."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

ALL_TARGETS = frozenset({"x0", "residual", "grad", "eps", "v"})
PINNED_TARGETS = frozenset({"x0", "residual", "grad"})


class Coefficients(NamedTuple):
    """a, b, c of x_t = a x0 + b y + c eps, each of the shape of t."""

    a: Tensor
    b: Tensor
    c: Tensor


@dataclass(frozen=True)
class Native:
    """The settings of a process's own publication, for fair comparisons."""

    steps: int
    eta: float = 1.0
    grid: str = "uniform"
    target: str = "x0"


class Bridge(ABC):
    """A process from the clean band (t = 0) to the start of sampling (t = 1).

    Class attributes: ``native`` (the source's settings), ``targets`` (what its network may predict),
    ``max_steps`` (None: any number).
    """

    native: ClassVar[Native]
    targets: ClassVar[frozenset[str]] = ALL_TARGETS
    max_steps: ClassVar[int | None] = None

    @abstractmethod
    def coefficients(self, t: Tensor) -> Coefficients:
        """a(t), b(t), c(t) for t in [0, 1], in t's shape and dtype."""

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
