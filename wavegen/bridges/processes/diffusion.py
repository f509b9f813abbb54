"""Processes from pure noise, which y only conditions: variance-preserving diffusion and the straight flow."""

from __future__ import annotations

import math
from typing import ClassVar, Literal

import torch
from torch import Tensor

from wavegen.bridges.base import PINNED_TARGETS, Bridge, Coefficients, Native, interpolated
from wavegen.core.registry import register


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
        log_abar = interpolated(self.log_abar, t.to(self.log_abar.dtype))
        return Coefficients(
            (0.5 * log_abar).exp().to(t.dtype), torch.zeros_like(t), (-torch.expm1(log_abar)).sqrt().to(t.dtype)
        )

    def prior(self, y: Tensor, eps: Tensor) -> Tensor:
        """Pure noise."""
        return eps


@register("bridge", "ddim", "the diffusion of ddpm, sampled without fresh noise", paper="DDIM, arXiv 2010.02502")
class DDIM(DDPM):
    """The same process; its source draws no noise after the start (eq. 12 with sigma = 0)."""

    native = Native(steps=50, eta=0.0, target="eps")


@register("bridge", "sr3", "the diffusion of ddpm with y concatenated, in fewer steps", paper="SR3, arXiv 2104.07636")
class SR3(DDPM):
    """The same process; its source samples in at most 100 steps, with a beta that it searched for each task."""

    native = Native(steps=100, eta=1.0, target="eps")


@register("bridge", "flow", "straight lines from noise; y is concatenated", paper="rectified flow, arXiv 2209.03003")
class Flow(Bridge):
    """x_t = (1 - t) x0 + t eps. The source's velocity, eps - x0, is ``grad`` divided by t.

    At the start nothing is left of x0, so that ``eps`` cannot be converted there.
    """

    native = Native(steps=100, eta=0.0, target="grad")
    targets = PINNED_TARGETS

    def coefficients(self, t: Tensor) -> Coefficients:
        """See :meth:`Bridge.coefficients`."""
        return Coefficients(1 - t, torch.zeros_like(t), t.clone())
