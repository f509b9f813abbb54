"""What optimisers share that treat matrices in their own way, and leave all else to AdamW."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import torch
from torch import Tensor

from wavegen.optimizers.adamw import adamw_step
from wavegen.optimizers.roles import Roles


class MatrixOptimizer(torch.optim.Optimizer):
    """Calls :meth:`step_matrices` for the matrices of hidden convolutions, and steps by AdamW for all else.

    Args:
        roles: the parameters.
        rate: peak learning rate of the matrices.
        decay: weight decay of all parameters, in units of 1 / their rate.
        other_rate: peak learning rate of all else.
        defaults: options of the groups; ``betas`` are AdamW's.
    """

    def __init__(self, roles: Roles, rate: float, decay: float, other_rate: float, defaults: dict[str, Any]) -> None:
        super().__init__(roles.groups(rate, decay, other_rate), defaults)

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Update every parameter that has a gradient."""
        for group in self.param_groups:
            parameters = [p for p in group["params"] if p.grad is not None]
            if group["matrix"]:
                self.step_matrices(group, parameters)
            elif parameters:
                adamw_step(group, [self.state[p] for p in parameters], parameters)

    @abstractmethod
    def step_matrices(self, group: dict[str, Any], parameters: list[Tensor]) -> None:
        """Update the matrices (out, in, ...) of a group, which have gradients."""
