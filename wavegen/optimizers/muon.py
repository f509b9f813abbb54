"""Muon: momentum whose matrices are orthogonalised before each step."""

from __future__ import annotations

from typing import Annotated, Any

import torch
from pydantic import Field
from torch import Tensor

from wavegen.core.registry import register
from wavegen.optimizers.adamw import Beta, Decay, Rate, adamw_step
from wavegen.optimizers.roles import Roles, as_matrix

# p(s) = a s + b s^3 + c s^5 takes every singular value in (0, 1] to about 1 when it is applied five times.
A, B, C = 3.4445, -4.7750, 2.0315
TINY = 1e-12


@register(
    "optimizer",
    "muon",
    "orthogonalised momentum for the matrices of hidden convolutions, AdamW for all else",
    paper="Jordan et al. 2024, kellerjordan.github.io/posts/muon",
    supplied=("roles",),
)
class Muon(torch.optim.Optimizer):
    """For a matrix W with gradient G: M <- beta M + G; W <- (1 - rate decay) W - rate s O(G + beta M).

    O gives all singular values about 1 (:func:`orthogonalised`), and s = sqrt(max(1, rows / columns)).

    Args:
        roles: the parameters.
        rate: peak learning rate of the matrices.
        momentum: beta.
        decay: weight decay of all parameters, in units of 1 / their rate.
        iterations: of the polynomial.
        other_rate: peak learning rate of all else, which AdamW trains.
        beta1: of AdamW.
        beta2: of AdamW.
    """

    def __init__(
        self,
        roles: Roles,
        rate: Rate = 0.02,
        momentum: Beta = 0.95,
        decay: Decay = 1e-2,
        iterations: Annotated[int, Field(ge=1, le=20)] = 5,
        other_rate: Rate = 1e-3,
        beta1: Beta = 0.9,
        beta2: Beta = 0.98,
    ) -> None:
        groups = [
            {**group, "lr": peak, "initial_lr": peak}
            for group in roles.groups(decay, split=True)
            for peak in [rate if group["matrix"] else other_rate]
        ]
        super().__init__(groups, {"betas": (beta1, beta2), "momentum": momentum, "iterations": iterations})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Update every parameter that has a gradient."""
        for group in self.param_groups:
            parameters = [p for p in group["params"] if p.grad is not None]
            if group["matrix"]:
                for parameter in parameters:
                    self._step_matrix(group, parameter)
            elif parameters:
                adamw_step(group, [self.state[p] for p in parameters], parameters)

    def _step_matrix(self, group: dict[str, Any], parameter: Tensor) -> None:
        state, gradient, beta = self.state[parameter], parameter.grad, group["momentum"]
        assert gradient is not None
        if not state:
            state["momentum"] = torch.zeros_like(parameter)
        mean = state["momentum"].mul_(beta).add_(gradient)
        direction = as_matrix(gradient.add(mean, alpha=beta))  # Nesterov: the momentum as it will be
        scale = max(1.0, direction.shape[0] / direction.shape[1]) ** 0.5
        parameter.mul_(1 - group["lr"] * group["weight_decay"])
        parameter.add_(orthogonalised(direction, group["iterations"]).view(parameter.shape), alpha=-group["lr"] * scale)


def orthogonalised(matrix: Tensor, iterations: int = 5) -> Tensor:
    """The matrix (n, m) with its singular vectors and all singular values about 1; 0 stays 0.

    X <- a X + b (X X^T) X + c (X X^T)^2 X, from X of Frobenius norm 1. All factors are polynomials of the Gram matrix
    of the smaller side, which commute: they are multiplied with each other, and with X once at the end. That is the
    same in exact arithmetic, takes half the time for the matrices of a U-Net, and float32 suffices.
    """
    tall = matrix.shape[0] > matrix.shape[1]
    x: Tensor = (matrix.mT if tall else matrix).float()
    x = x / x.norm().clamp_min(TINY)
    gram = x @ x.mT
    factor = torch.eye(len(gram), device=gram.device)
    for _ in range(iterations):
        p = torch.addmm(B * gram, gram, gram, alpha=C)
        p.diagonal().add_(A)
        factor, gram = p @ factor, p @ gram @ p
    x = factor @ x
    return x.mT if tall else x
