"""Loss terms of the coarse network's call."""

from __future__ import annotations

from torch import Tensor

from wavegen.core.registry import register
from wavegen.losses.base import CoarseCall, CoarseLoss


@register(
    "loss", "coarse", "the bridge's regression, in the form that the network predicts", capabilities=("trains:coarse",)
)
class Regression(CoarseLoss):
    """L1 or L2 distance (``coarse_loss`` of the pipeline) of the network's output from what it should predict."""

    def __call__(self, call: CoarseCall) -> Tensor:
        """Return a scalar."""
        return call.distance(call.estimate.output, call.goal())


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
