"""Processes that shift the clean band onto y: with noise beside it, with noise on y, and without any."""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from wavegen.bridges.base import PINNED_TARGETS, Bridge, Coefficients, Native
from wavegen.core.registry import register


@register("bridge", "resshift", "chain that shifts the residual, from y and noise", paper="ResShift, arXiv 2307.12348")
class ResShift(Bridge):
    """x_t = (1 - eta) x0 + eta y + kappa sqrt(eta) eps.

    At t = k / T, k = 1 ... T: sqrt(eta) = sqrt(eta_1) (eta_T / eta_1)^(((k - 1) / (T - 1))^p / 2), with
    eta_T = 0.999 and sqrt(eta_1) the smaller of 0.04 / kappa and sqrt(0.001). Before t = 1 / T its root falls
    evenly to 0.

    Args:
        kappa: noise on y at the start, in units of the normalised band.
        p: above 0; below 1 the shift is fast at first.
        T: steps of the source's chain; 15, and 4 in its journal version.
    """

    native = Native(steps=15, eta=1.0, target="x0")
    targets = frozenset({"x0", "residual", "grad", "eps"})  # v is of processes with c = lam sqrt(1 - a²)
    LAST = 0.999

    def __init__(
        self,
        kappa: Annotated[float, Field(gt=0, le=100)] = 2.0,
        p: Annotated[float, Field(gt=0, le=10)] = 0.3,
        T: Annotated[int, Field(ge=2, le=1000)] = 15,
    ) -> None:
        self.kappa = kappa
        self.p = p
        self.T = T

    @property
    def total_variance(self) -> float:
        """kappa²."""
        return self.kappa**2

    def coefficients(self, t: Tensor) -> Coefficients:
        """See :meth:`Bridge.coefficients`."""
        first = min(0.04 / self.kappa, 0.001**0.5)
        place = ((t * self.T - 1) / (self.T - 1)).clamp_min(0)
        root = first * (self.LAST**0.5 / first) ** place.pow(self.p)
        root = torch.where(t * self.T < 1, first * t * self.T, root)
        shift = root.square()
        return Coefficients(1 - shift, shift, self.kappa * root)

    def fresh_variance(self, ratio: float, c_t: float, c_s: float) -> float:
        """kappa² eta_s (eta_t - eta_s) / eta_t: of the chain's steps, which add noise of their own."""
        return c_s * c_s * (1 - (c_s / c_t) ** 2)


@register("bridge", "indi", "straight lines between the bands, with noise on y", paper="InDI, arXiv 2303.11435")
class InDI(Bridge):
    """x_t = (1 - t) x0 + t (y + sigma0 eps): the paired flow.

    Without noise (sigma0 = 0) the walk is deterministic and has no spread.

    Args:
        sigma0: standard deviation of the noise that y gets, in units of the normalised band; of the order of the
            residual's to restore its spread.
    """

    native = Native(steps=100, eta=0.0, target="x0")
    targets = PINNED_TARGETS

    def __init__(self, sigma0: Annotated[float, Field(ge=0, le=100)] = 0.1) -> None:
        self.sigma0 = sigma0

    def coefficients(self, t: Tensor) -> Coefficients:
        """See :meth:`Bridge.coefficients`."""
        return Coefficients(1 - t, t.clone(), self.sigma0 * t)


@register(
    "bridge",
    "regression",
    "one step from the degraded band to the clean one, no noise",
    capabilities=("one-step", "pinned"),
)
class Regression(Bridge):
    """The straight line x_t = (1 - t) x0 + t y, of which only the start is used: one network call."""

    native = Native(steps=1, eta=0.0)
    targets = frozenset({"x0", "residual"})
    max_steps = 1

    def coefficients(self, t: Tensor) -> Coefficients:
        """See :meth:`Bridge.coefficients`."""
        return Coefficients(1 - t, t, torch.zeros_like(t))
