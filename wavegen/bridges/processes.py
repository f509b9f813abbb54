"""The processes: each is one small class with its coefficient functions."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from wavegen.bridges.base import PINNED_TARGETS, Bridge, Coefficients, Native
from wavegen.registry import register


@register("bridge", "bbdp", "Brownian bridge between the clean and the degraded band", paper="BBDM, arXiv 2205.07680")
class BBDP(Bridge):
    """x_t = (1 - m) x0 + m y + sqrt(2 s m (1 - m)) eps with m = t (eq. 4 with a linear schedule).

    Args:
        s: variance scale; the variance is greatest, s / 2, half-way. In units of the normalised band.
    """

    native = Native(steps=200, eta=1.0, target="grad")
    targets = PINNED_TARGETS

    def __init__(self, s: Annotated[float, Field(gt=0, le=1e4)] = 1.0) -> None:
        self.s = s

    @property
    def total_variance(self) -> float:
        """S = 2 s."""
        return 2 * self.s

    def coefficients(self, t: Tensor) -> Coefficients:
        """See :meth:`Bridge.coefficients`."""
        return Coefficients(1 - t, t, (2 * self.s * t * (1 - t)).clamp_min(0).sqrt())


@register(
    "bridge", "ddpm", "variance-preserving diffusion from noise; y is concatenated", paper="DDPM, arXiv 2006.11239"
)
class DDPM(Bridge):
    """x_t = sqrt(abar) x0 + sqrt(1 - abar) eps (eq. 4), abar interpolated in its logarithm between 1000 steps.

    Args:
        schedule: ``linear`` (beta from 1e-4 to 2e-2) or ``cosine`` (arXiv 2102.09672, eq. 17).
    """

    native = Native(steps=1000, eta=1.0, target="eps")
    T: ClassVar[int] = 1000

    def __init__(self, schedule: Literal["linear", "cosine"] = "linear") -> None:
        self.schedule = schedule
        if schedule == "linear":
            beta = torch.linspace(1e-4, 2e-2, self.T, dtype=torch.float64)
        else:
            u = (torch.linspace(0, 1, self.T + 1, dtype=torch.float64) + 0.008) / 1.008 * math.pi / 2
            squared = u.cos().square()
            beta = (1 - squared[1:] / squared[:-1]).clamp_max(0.999)
        self.log_abar = torch.cat([torch.zeros(1, dtype=torch.float64), torch.log1p(-beta).cumsum(0)])

    def coefficients(self, t: Tensor) -> Coefficients:
        """See :meth:`Bridge.coefficients`."""
        table = self.log_abar.to(t.device)
        position = t.to(table.dtype) * self.T
        below = position.floor().clamp(0, self.T - 1).long()
        log_abar = torch.lerp(table[below], table[below + 1], position - below)
        return Coefficients(
            (0.5 * log_abar).exp().to(t.dtype), torch.zeros_like(t), (-torch.expm1(log_abar)).sqrt().to(t.dtype)
        )

    def prior(self, y: Tensor, eps: Tensor) -> Tensor:
        """Pure noise."""
        return eps


@register("bridge", "irsde", "mean-reverting SDE that drifts to the degraded band", paper="IR-SDE, arXiv 2301.11699")
class IRSDE(Bridge):
    """x_t = e^-Theta x0 + (1 - e^-Theta) y + lam sqrt(1 - e^-2Theta) eps (eq. 6), cosine theta, as in Refusion too.

    Theta(t) is the integral of theta(t) = 1 - cos²(u(t)) / cos²(u(0)), u(t) = (t + .008) / 1.008 · pi / 2,
    scaled such that e^-Theta(1) = .005.

    Args:
        lam: stationary standard deviation, in units of the normalised band. The sources use 10/255 to
            75/255 (Refusion 50/255) for images in [0, 1]; a band of unit variance made from images with a
            standard deviation of .15 has .26 to 2.
    """

    native = Native(steps=100, eta=1.0, target="eps")
    FINAL: ClassVar[float] = 0.005
    SHIFT: ClassVar[float] = 0.008

    def __init__(self, lam: Annotated[float, Field(gt=0, le=100)] = 0.3) -> None:
        self.lam = lam

    @property
    def total_variance(self) -> float:
        """S = lam²."""
        return self.lam**2

    def big_theta(self, t: Tensor) -> Tensor:
        """Theta(t), the integrated rate of reversion; 0 at t = 0, -ln .005 at t = 1."""
        return -math.log(self.FINAL) * self._integral(t) / self._integral(torch.ones_like(t))

    def _integral(self, t: Tensor) -> Tensor:
        """Closed form of the integral of theta from 0 to t."""
        shift = self.SHIFT
        u0 = shift / (1 + shift) * math.pi / 2
        u = (t + shift) / (1 + shift) * math.pi / 2
        # d/du (u/2 + sin(2u)/4) = cos² u
        cosines = (1 + shift) * 2 / math.pi * ((u - u0) / 2 + ((2 * u).sin() - math.sin(2 * u0)) / 4)
        return t - cosines / math.cos(u0) ** 2

    def coefficients(self, t: Tensor) -> Coefficients:
        """See :meth:`Bridge.coefficients`."""
        theta = self.big_theta(t).clamp_min(0)
        return Coefficients((-theta).exp(), -torch.expm1(-theta), self.lam * (-torch.expm1(-2 * theta)).sqrt())

    def prior(self, y: Tensor, eps: Tensor) -> Tensor:
        """y + lam eps."""
        return y + self.lam * eps


@register("bridge", "regression", "one step from the degraded band to the clean one, no noise")
class Regression(Bridge):
    """The straight line x_t = (1 - t) x0 + t y, of which only the start is used: one network call."""

    native = Native(steps=1, eta=0.0)
    targets = frozenset({"x0", "residual"})
    max_steps = 1

    def coefficients(self, t: Tensor) -> Coefficients:
        """See :meth:`Bridge.coefficients`."""
        return Coefficients(1 - t, t, torch.zeros_like(t))
