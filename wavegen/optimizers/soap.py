"""SOAP: Adam in the eigenbasis of the gradients' covariance."""

from __future__ import annotations

from typing import Annotated, Any

import torch
from pydantic import Field
from torch import Tensor

from wavegen.core.registry import register
from wavegen.optimizers.adamw import EPS, Beta, Decay, Rate
from wavegen.optimizers.matrices import MatrixOptimizer
from wavegen.optimizers.roles import Roles, as_matrix


@register(
    "optimizer",
    "soap",
    "Adam in the eigenbasis of the gradients of hidden convolutions, AdamW for all else",
    paper="Vyas et al., arXiv 2409.11321, one-sided",
    supplied=("roles",),
)
class Soap(MatrixOptimizer):
    """For a matrix with gradient G: L <- beta3 L + (1 - beta3) G G^T; Adam steps on Q^T G, turned back by Q.

    Q holds the eigenvectors of L, of the smaller side of the matrix alone (the larger one would cost more than the
    network), renewed every ``every`` steps by one orthogonal iteration.

    Args:
        roles: the parameters.
        rate: peak learning rate of the matrices.
        decay: weight decay of all parameters, in units of 1 / their rate.
        every: steps from one renewal of the basis to the next.
        beta1: memory of the mean of gradients.
        beta2: memory of the mean of their squares.
        beta3: memory of L.
        other_rate: peak learning rate of all else, which AdamW trains.
    """

    def __init__(
        self,
        roles: Roles,
        rate: Rate = 3e-3,
        decay: Decay = 1e-2,
        every: Annotated[int, Field(ge=1, le=1000)] = 10,
        beta1: Beta = 0.95,
        beta2: Beta = 0.98,
        beta3: Beta = 0.95,
        other_rate: Rate = 1e-3,
    ) -> None:
        defaults = {"betas": (beta1, beta2), "beta3": beta3, "every": every}
        super().__init__(roles, rate, decay, other_rate, defaults)

    def step_matrices(self, group: dict[str, Any], parameters: list[Tensor]) -> None:
        """See :meth:`MatrixOptimizer.step_matrices`."""
        for parameter in parameters:
            self._step_matrix(group, parameter)

    def _step_matrix(self, group: dict[str, Any], parameter: Tensor) -> None:
        state, gradient = self.state[parameter], parameter.grad
        assert gradient is not None
        g = as_matrix(gradient)
        tall = g.shape[0] > g.shape[1]
        g = g.mT if tall else g
        if not state:
            state["step"] = torch.tensor(0.0)
            state["exp_avg"], state["exp_avg_sq"] = torch.zeros_like(parameter), torch.zeros_like(parameter)
            state["covariance"] = g @ g.mT
            state["basis"] = torch.linalg.eigh(state["covariance"])[1].flip(-1)
        state["step"] += 1
        count = int(state["step"])
        beta1, beta2 = group["betas"]
        basis = state["basis"]
        mean = state["exp_avg"].mul_(beta1).add_(gradient, alpha=1 - beta1)
        m = as_matrix(mean)
        turned = basis.mT @ g
        turned = turned.mT if tall else turned
        square = state["exp_avg_sq"].mul_(beta2).add_(turned.square().view(parameter.shape), alpha=1 - beta2)
        turned_mean = basis.mT @ (m.mT if tall else m) / (1 - beta1**count)
        scale = (as_matrix(square) / (1 - beta2**count)).sqrt_().add_(EPS)
        update = basis @ (turned_mean / (scale.mT if tall else scale))
        parameter.mul_(1 - group["lr"] * group["weight_decay"])
        parameter.sub_((update.mT if tall else update).view(parameter.shape), alpha=group["lr"])
        state["covariance"].lerp_(g @ g.mT, 1 - group["beta3"])
        if count % group["every"] == 0:
            state["basis"] = torch.linalg.qr(state["covariance"] @ basis)[0]
