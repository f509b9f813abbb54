"""Adam with decoupled weight decay: as an optimiser, and as one step for the parameters that others leave to it."""

from __future__ import annotations

from typing import Annotated, Any

import torch
from pydantic import Field
from torch import Tensor
from torch.optim.adamw import adamw as functional_adamw

from wavegen.core.registry import register
from wavegen.optimizers.roles import Roles

Rate = Annotated[float, Field(gt=0, le=10)]
Decay = Annotated[float, Field(ge=0, le=1)]
Beta = Annotated[float, Field(ge=0, lt=1)]
EPS = 1e-8


@register(
    "optimizer",
    "adamw",
    "Adam with decoupled weight decay, for all parameters",
    paper="Loshchilov, Hutter, arXiv 1711.05101",
    supplied=("roles",),
)
def adamw(
    roles: Roles, rate: Rate = 1e-3, decay: Decay = 1e-2, beta1: Beta = 0.9, beta2: Beta = 0.98
) -> torch.optim.Optimizer:
    """``torch.optim.AdamW`` on all parameters.

    Args:
        roles: the parameters.
        rate: peak learning rate.
        decay: weight decay, in units of 1 / rate.
        beta1: memory of the mean of gradients.
        beta2: memory of the mean of their squares.
    """
    return torch.optim.AdamW(roles.groups(rate, decay), rate, (beta1, beta2), EPS)


def adamw_step(group: dict[str, Any], states: list[dict[str, Tensor]], parameters: list[Tensor]) -> None:
    """One step of a group (``lr``, ``weight_decay``, ``betas``); the states are those of ``torch.optim.AdamW``."""
    for state, parameter in zip(states, parameters, strict=True):
        if not state:
            state["step"] = torch.tensor(0.0)
            state["exp_avg"], state["exp_avg_sq"] = torch.zeros_like(parameter), torch.zeros_like(parameter)
    beta1, beta2 = group["betas"]
    functional_adamw(
        parameters,
        [p.grad for p in parameters if p.grad is not None],
        [state["exp_avg"] for state in states],
        [state["exp_avg_sq"] for state in states],
        [],
        [state["step"] for state in states],
        foreach=True,
        amsgrad=False,
        beta1=beta1,
        beta2=beta2,
        lr=group["lr"],
        weight_decay=group["weight_decay"],
        eps=EPS,
        maximize=False,
    )
