"""An optimiser in one file: steps by the sign of a running mean of gradients (Lion, arXiv 2302.06675)."""

from typing import Annotated

import torch
from pydantic import Field

from wavegen import register
from wavegen.optimizers import Roles


@register("optimizer", "sign", "the sign of a mean of gradients, with decoupled weight decay", supplied=("roles",))
class Sign(torch.optim.Optimizer):
    """w <- w - rate (sign(m) + decay w), m <- beta m + (1 - beta) g."""

    def __init__(
        self,
        roles: Roles,
        rate: Annotated[float, Field(gt=0, le=1)] = 3e-3,
        decay: Annotated[float, Field(ge=0, le=1)] = 0.01,
        beta: Annotated[float, Field(ge=0, lt=1)] = 0.9,
    ) -> None:
        super().__init__(roles.groups(rate, decay), {"beta": beta})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:
        """Move every parameter that has a gradient; a schedule has set ``lr``."""
        for group in self.param_groups:
            for w in group["params"]:
                if w.grad is not None:
                    m = self.state[w].setdefault("mean", torch.zeros_like(w))
                    m.lerp_(w.grad, 1 - group["beta"])
                    w.sub_(m.sign() + group["weight_decay"] * w, alpha=group["lr"])
