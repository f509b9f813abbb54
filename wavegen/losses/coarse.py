"""Loss terms of the coarse network's call."""

from __future__ import annotations

from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor

from wavegen.core.registry import register
from wavegen.losses.base import CoarseCall, CoarseLoss

TINY = 1e-12  # c² of a state without noise


@register(
    "loss", "coarse", "the bridge's regression, in the form that the network predicts", capabilities=("trains:coarse",)
)
class Regression(CoarseLoss):
    """L1 or L2 distance (``coarse_loss`` of the pipeline) of the network's output from what it should predict.

    ``time_weight: snr`` judges the estimate of x0 instead, at time t with weight min(1 + SNR, ``cap``) / ``cap``, where
    SNR = a² / c² for the state a x0 + b y + c eps. A diffusion's estimate of x0 is weighted by min(SNR, cap) (Min-SNR,
    Hang et al., arXiv 2303.09556, eq. 8), which is 0 at the start. There a bridge has y to learn from: 1 + SNR, the
    precision of x0 of unit variance given the state, is 1.

    Args:
        time_weight: ``uniform``, or ``snr``.
        cap: largest 1 + SNR that counts.
    """

    def __init__(
        self, time_weight: Literal["uniform", "snr"] = "uniform", cap: Annotated[float, Field(gt=1, le=1e6)] = 5.0
    ) -> None:
        self.time_weight, self.cap = time_weight, cap

    def __call__(self, call: CoarseCall) -> Tensor:
        """Return a scalar."""
        if self.time_weight == "uniform":
            return call.distance(call.estimate.output, call.goal())
        a, _, c = call.bridge.coefficients(call.t)
        weights = (1 + a.square() / c.square().clamp_min(TINY)).clamp_max(self.cap) / self.cap
        items = [call.distance(x0, true) for x0, true in zip(call.estimate.x0, call.x0, strict=True)]
        return (torch.stack(items) * weights.flatten().to(items[0])).mean()


@register(
    "loss",
    "distill",
    "regression on the ends of a frozen teacher's trajectories",
    paper="Luhman and Luhman, arXiv 2101.02388",
    capabilities=("trains:coarse", "needs:teacher"),
)
class Distillation(CoarseLoss):
    """Distance of the estimate of x0 from where the teacher arrives (:mod:`wavegen.losses.distillation`)."""

    def __call__(self, call: CoarseCall) -> Tensor:
        """Return a scalar."""
        return call.distance(call.estimate.x0, call.end)
