"""Processes between the clean band and y itself: Brownian bridges, which differ in their clock and their variance."""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor

from wavegen.bridges.base import PINNED_TARGETS, Bridge, Coefficients, Native, interpolated
from wavegen.core.registry import register


class BrownianBridge(Bridge):
    """x_t = (1 - m) x0 + m y + sqrt(S m (1 - m)) eps, with the progress m(t) from 0 to 1."""

    targets = PINNED_TARGETS

    @property
    @abstractmethod
    def total_variance(self) -> float:
        """S; the variance is greatest, S / 4, at m = 1/2."""

    @abstractmethod
    def progress(self, t: Tensor) -> Tensor:
        """m(t), strictly increasing from m(0) = 0 to m(1) = 1, in t's shape and dtype."""

    def coefficients(self, t: Tensor) -> Coefficients:
        """See :meth:`Bridge.coefficients`."""
        m = self.progress(t)
        return Coefficients(1 - m, m, (self.total_variance * m * (1 - m)).clamp_min(0).sqrt())


@register(
    "bridge",
    "bbdp",
    "Brownian bridge between the clean and the degraded band",
    paper="BBDM, arXiv 2205.07680",
    capabilities=("pinned",),
)
class BBDP(BrownianBridge):
    """S = 2 s (eq. 4), with m = t, or one of the two clocks of the published code.

    The published code runs m from 0.001 to 0.999 and starts from y all the same; here m goes from 0 to 1.

    Args:
        s: variance scale; the variance is greatest, s / 2, half-way. In units of the normalised band.
        schedule: ``linear``, m = t, or ``sin``, m = (1 + sin(pi (t - 1/2))) / 2.
    """

    native = Native(steps=200, eta=1.0, target="grad", solver="bbdm")

    def __init__(
        self, s: Annotated[float, Field(gt=0, le=1e4)] = 1.0, schedule: Literal["linear", "sin"] = "linear"
    ) -> None:
        self.s = s
        self.schedule = schedule

    @property
    def total_variance(self) -> float:
        """S = 2 s."""
        return 2 * self.s

    def progress(self, t: Tensor) -> Tensor:
        """See :meth:`BrownianBridge.progress`; sin² of the half angle is exact near t = 0."""
        return t if self.schedule == "linear" else (t * (math.pi / 2)).sin().square()


@register(
    "bridge",
    "interpolant",
    "stochastic interpolant between the two bands",
    paper="arXiv 2303.08797",
    capabilities=("pinned",),
)
class Interpolant(BrownianBridge):
    """m = t and S given: a linear interpolant with the latent noise sqrt(S t (1 - t)) (sec. 4).

    Args:
        S: total variance, in units of the normalised band; the source uses 1 or 2.
    """

    native = Native(steps=100, eta=0.0, target="x0")

    def __init__(self, S: Annotated[float, Field(gt=0, le=1e4)] = 2.0) -> None:
        self.S = S

    @property
    def total_variance(self) -> float:
        """S as given."""
        return self.S

    def progress(self, t: Tensor) -> Tensor:
        """m = t."""
        return t


@register(
    "bridge",
    "i2sb",
    "Schrödinger bridge with a symmetric noise rate",
    paper="I2SB, arXiv 2302.05872",
    capabilities=("pinned",),
)
class I2SB(BrownianBridge):
    """a = sb² / (sf² + sb²), c = sf sb / sqrt(sf² + sb²) (eq. 11), where sf² + sb² = S, so that m = sf² / S.

    sf² is the sum of beta up to t. As in the published code beta's root rises evenly towards
    sqrt(beta_max / 1000) over 1000 steps, of which the first 500 are used, and then mirrored.

    Args:
        beta_max: 1000 times the rate at which the rise would end, for images in [-1, 1]; S grows with it.
    """

    native = Native(steps=1000, eta=1.0, target="grad")

    def __init__(self, beta_max: Annotated[float, Field(gt=0, le=1e4)] = 0.3) -> None:
        self.beta_max = beta_max
        rising = torch.linspace(1e-4**0.5, (beta_max / 1000) ** 0.5, 1000, dtype=torch.float64)[:500].square()
        total = torch.cat([torch.zeros(1, dtype=torch.float64), rising.cumsum(0)])
        half = total / (2 * total[-1])
        self.table = torch.cat([half, 1 - half.flip(0)[1:]])
        self.S = 2 * float(total[-1])

    @property
    def total_variance(self) -> float:
        """The sum of all beta."""
        return self.S

    def progress(self, t: Tensor) -> Tensor:
        """The share of beta's sum that lies before t."""
        return interpolated(self.table, t)


@register(
    "bridge",
    "ddbm-ve",
    "variance-exploding diffusion conditioned to end at y",
    paper="DDBM, arXiv 2309.16948",
    capabilities=("pinned",),
)
class DDBMVE(BrownianBridge):
    """m = t² and S = sigma_max² (table 1 with alpha = 1 and sigma = t · sigma_max).

    Args:
        sigma_max: noise level of the diffusion where it would end without y. The source has 80 for images with a
            standard deviation of 0.5.
    """

    native = Native(steps=40, eta=0.0, grid="karras", target="x0", solver="heun")

    def __init__(self, sigma_max: Annotated[float, Field(gt=0, le=1e3)] = 80.0) -> None:
        self.sigma_max = sigma_max

    @property
    def total_variance(self) -> float:
        """sigma_max²."""
        return self.sigma_max**2

    def progress(self, t: Tensor) -> Tensor:
        """The squared noise level's share of its end."""
        return t.square()


@register(
    "bridge",
    "ddbm-vp",
    "variance-preserving diffusion conditioned to end at y",
    paper="DDBM, arXiv 2309.16948",
    capabilities=("pinned",),
)
class DDBMVP(Bridge):
    """The bridge of alpha (x0 + rho eps) with alpha = exp(-b_min t / 2 - b_d t² / 4), rho² = 1 / alpha² - 1 (table 1).

    a = alpha (1 - m), b = (alpha / alpha_1) m, c = alpha rho_1 sqrt(m (1 - m)), where m = rho² / rho_1².

    Args:
        b_d: growth of the noise rate.
        b_min: the rate at t = 0.
    """

    native = Native(steps=40, eta=0.0, grid="karras", target="x0", solver="heun")
    targets = PINNED_TARGETS

    def __init__(
        self, b_d: Annotated[float, Field(gt=0, le=100)] = 2.0, b_min: Annotated[float, Field(ge=0, le=100)] = 0.1
    ) -> None:
        self.b_d = b_d
        self.b_min = b_min

    @property
    def total_variance(self) -> float:
        """rho_1²: divided by alpha, the process is the Brownian bridge from x0 to y / alpha_1 of this variance."""
        return math.expm1(self.b_min + self.b_d / 2)

    def coefficients(self, t: Tensor) -> Coefficients:
        """See :meth:`Bridge.coefficients`."""
        integral = t * (self.b_min + self.b_d / 2 * t)  # -2 ln alpha
        m = torch.where(t < 1, torch.expm1(integral) / self.total_variance, 1.0).to(t.dtype)  # exactly at y
        alpha = (-integral / 2).exp()
        b = m * ((self.b_min + self.b_d / 2 - integral) / 2).exp()
        return Coefficients(alpha * (1 - m), b, alpha * (self.total_variance * m * (1 - m)).clamp_min(0).sqrt())
