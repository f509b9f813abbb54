"""Schedule-free AdamW: an average of the iterates takes the place of a falling learning rate."""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from wavegen.core.registry import register
from wavegen.optimizers.adamw import EPS, Beta, Decay, Rate
from wavegen.optimizers.roles import Roles


@register(
    "optimizer",
    "schedule-free",
    "AdamW whose iterates are averaged instead of its rate lowered",
    paper="Defazio et al., arXiv 2405.15682, Algorithm 1",
    capabilities=("own-schedule",),
    supplied=("roles",),
)
class ScheduleFree(torch.optim.Optimizer):
    """z <- z - rate (g / (sqrt(v) + eps) + decay y); x <- (1 - c) x + c z; y = (1 - beta1) z + beta1 x.

    The gradient g is taken at y, which is what the parameters hold; c = rate^2 over the sum of all rate^2 so far, v is
    Adam's bias-corrected second moment. The result of a training is x (:meth:`averaged`).

    Args:
        roles: the parameters.
        rate: learning rate after the warm-up.
        decay: weight decay, in units of 1 / rate.
        beta1: the share of x in y.
        beta2: memory of the mean of squared gradients.
    """

    def __init__(
        self,
        roles: Roles,
        rate: Rate = 2.5e-3,
        decay: Decay = 1e-2,
        beta1: Annotated[float, Field(gt=0, lt=1)] = 0.9,
        beta2: Beta = 0.98,
    ) -> None:
        self.order = list(roles.parameters)
        super().__init__(roles.groups(rate, decay), {"beta1": beta1, "beta2": beta2})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Update every parameter that has a gradient."""
        for group in self.param_groups:
            beta1, beta2, rate = group["beta1"], group["beta2"], group["lr"]
            for y in group["params"]:
                if y.grad is None:
                    continue
                state = self.state[y]
                if not state:
                    state["step"], state["weights"] = torch.tensor(0.0), torch.tensor(0.0)
                    state["z"], state["exp_avg_sq"] = y.clone(), torch.zeros_like(y)
                z, square = state["z"], state["exp_avg_sq"]
                state["step"] += 1
                state["weights"] += rate * rate
                x = (y - (1 - beta1) * z) / beta1
                square.mul_(beta2).addcmul_(y.grad, y.grad, value=1 - beta2)
                corrected = square / (1 - beta2 ** float(state["step"]))
                z.sub_(y.grad / corrected.sqrt_().add_(EPS) + group["weight_decay"] * y, alpha=rate)
                share = rate * rate / max(float(state["weights"]), 1e-30)
                y.copy_(z + beta1 * (1 - share) * (x - z))

    @torch.no_grad()
    def averaged(self) -> list[Tensor]:
        """x of every parameter, in the module's own order; a parameter that was never updated as it is."""
        beta1 = {id(p): group["beta1"] for group in self.param_groups for p in group["params"]}
        return [
            (y - (1 - beta1[id(y)]) * self.state[y]["z"]) / beta1[id(y)] if self.state.get(y) else y.detach().clone()
            for y in self.order
        ]
