"""Processes that drift to y at a rate theta: with stationary noise around it, or conditioned to end at it."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor

from wavegen.bridges.base import PINNED_TARGETS, Bridge, Coefficients, Native, Step
from wavegen.core.registry import register

SHIFT = 0.008


def cosine_rate(t: Tensor) -> Tensor:
    """The integral from 0 to t of theta(t) = 1 - cos²(u(t)) / cos²(u(0)), u = (t + 0.008) / 1.008 · pi / 2.

    Divided by its value at t = 1; the cosine rate of the IR-SDE code, in closed form.
    """
    u0 = SHIFT / (1 + SHIFT) * math.pi / 2

    def integral(t: Tensor) -> Tensor:
        u = (t + SHIFT) / (1 + SHIFT) * math.pi / 2
        # d/du (u/2 + sin(2u)/4) = cos² u
        cosines = (1 + SHIFT) * 2 / math.pi * ((u - u0) / 2 + ((2 * u).sin() - math.sin(2 * u0)) / 4)
        return t - cosines / math.cos(u0) ** 2

    return integral(t) / integral(torch.ones_like(t))


def _at(bridge: Bridge, t: float) -> tuple[float, float, float]:
    """a, b, c at one time."""
    a, b, c = (float(k) for k in bridge.coefficients(torch.tensor(t, dtype=torch.float64)))
    return a, b, c


@register(
    "bridge",
    "irsde",
    "mean-reverting SDE that drifts to the degraded band",
    paper="IR-SDE, arXiv 2301.11699",
    capabilities=("published-euler",),
)
class IRSDE(Bridge):
    """x_t = e^-Theta x0 + (1 - e^-Theta) y + lam sqrt(1 - e^-2Theta) eps (eq. 6), cosine theta, as in Refusion too.

    Theta is :func:`cosine_rate`, scaled such that e^-Theta(1) = 0.005.

    Args:
        lam: stationary standard deviation, in units of the normalised band. The sources use 10/255 to
            75/255 (Refusion 50/255) for images in [0, 1]; a band of unit variance made from images with a
            standard deviation of 0.15 has 0.26 to 2.
    """

    native = Native(steps=100, target="eps", solver="euler-sde")
    FINAL: ClassVar[float] = 0.005

    def __init__(self, lam: Annotated[float, Field(gt=0, le=100)] = 0.3) -> None:
        self.lam = lam

    @property
    def total_variance(self) -> float:
        """S = lam²."""
        return self.lam**2

    def big_theta(self, t: Tensor) -> Tensor:
        """Theta(t), the integrated rate of reversion; 0 at t = 0, -ln 0.005 at t = 1."""
        return -math.log(self.FINAL) * cosine_rate(t).clamp_min(0)

    def coefficients(self, t: Tensor) -> Coefficients:
        """See :meth:`Bridge.coefficients`."""
        theta = self.big_theta(t)
        return Coefficients((-theta).exp(), -torch.expm1(-theta), self.lam * (-torch.expm1(-2 * theta)).sqrt())

    def prior(self, y: Tensor, eps: Tensor) -> Tensor:
        """y + lam eps."""
        return y + self.lam * eps

    def euler(self, t: float, s: float, *, noise: bool) -> Step:
        """The reverse SDE, whose rate theta integrates to dTheta = Theta_t - Theta_s, or the ODE, with half its score.

        x_s = x_t - dTheta (y - x_t) - 2 lam² dTheta eps^ / c_t + lam sqrt(2 dTheta) z.
        """
        after, before = self.big_theta(torch.tensor([t, s], dtype=torch.float64)).tolist()
        rate = after - before
        a, b, c = _at(self, t)
        score = (2 if noise else 1) * self.lam**2 * rate / c**2
        return Step(1 + rate - score, score * a, score * b - rate, self.lam * math.sqrt(2 * rate) if noise else 0.0)


@register(
    "bridge",
    "refusion",
    "IR-SDE with the noise and steps of its successor",
    paper="Refusion, arXiv 2304.08291",
    capabilities=("published-euler",),
)
class Refusion(IRSDE):
    """The same process at lam = 50/255 for images in [0, 1], here over their standard deviation of about 0.15."""

    def __init__(self, lam: Annotated[float, Field(gt=0, le=100)] = 1.3) -> None:
        super().__init__(lam)


@register(
    "bridge",
    "goub",
    "mean-reverting bridge that ends at y",
    paper="GOUB, arXiv 2312.10299; UniDB 2502.05749",
    capabilities=("pinned", "published-euler"),
)
class GOUB(Bridge):
    """IR-SDE's process conditioned to end at y, strictly or at a finite price.

    With D_t = 1/gamma + lam² (1 - e^-2(Theta_1 - Theta_t)):
    a = e^-Theta D_t / D_0, b = 1 - a, c² = lam² (1 - e^-2Theta) D_t / D_0: the exact solution of UniDB's controlled
    SDE. With an infinite gamma it is GOUB's, pinned at y.

    Args:
        lam: stationary standard deviation without the condition, in units of the normalised band (the source: 30/255
            for images in [0, 1]).
        gamma: UniDB's terminal penalty, in units of one over the band's variance (the source: 1e7); None is infinite
            and ends exactly at y.
        theta: Theta(1), the total reversion. Towards 0 (at fixed lam² theta) the process becomes a Brownian bridge.
    """

    native = Native(steps=100, target="x0", solver="euler-ode")
    targets = PINNED_TARGETS

    def __init__(
        self,
        lam: Annotated[float, Field(gt=0, le=1e7)] = 0.8,
        gamma: Annotated[float, Field(ge=1)] | None = None,
        theta: Annotated[float, Field(gt=0, le=50)] = -math.log(0.005),
    ) -> None:
        self.lam = lam
        self.gamma = math.inf if gamma is None else gamma
        self.theta = theta

    @property
    def total_variance(self) -> float:
        """S = lam², as for IR-SDE."""
        return self.lam**2

    def big_theta(self, t: Tensor) -> Tensor:
        """Theta(t), the integrated rate of reversion."""
        return self.theta * cosine_rate(t).clamp_min(0)

    def _price(self, big_theta: Tensor) -> Tensor:
        """D_t / lam²."""
        return 1 / (self.gamma * self.lam**2) - torch.expm1(-2 * (self.theta - big_theta).clamp_min(0))

    def coefficients(self, t: Tensor) -> Coefficients:
        """See :meth:`Bridge.coefficients`."""
        theta = self.big_theta(t)
        share = self._price(theta) / self._price(torch.zeros_like(theta))
        a = (-theta).exp() * share
        return Coefficients(a, 1 - a, self.lam * (-torch.expm1(-2 * theta) * share).sqrt())

    def euler(self, t: float, s: float, *, noise: bool) -> Step:
        """The reverse SDE, or the same without its noise (GOUB's "mean ODE").

        x_s = x_t - r (y - x_t) - 2 lam² dTheta eps^ / c_t + lam sqrt(2 dTheta) z,
        r = dTheta (1 + 2 lam² e^-2(Theta_1 - Theta_t) / D_t).
        """
        a, b, c = _at(self, t)
        thetas = self.big_theta(torch.tensor([t, s], dtype=torch.float64))
        price = float(self._price(thetas)[0])
        after, before = thetas.tolist()
        rate = after - before
        drift = rate * (1 + 2 * math.exp(-2 * (self.theta - after)) / price)
        score = 2 * self.lam**2 * rate / c**2
        return Step(1 + drift - score, score * a, score * b - drift, self.lam * math.sqrt(2 * rate) if noise else 0.0)
