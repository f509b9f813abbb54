"""Muon: momentum whose matrices are orthogonalised before each step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import torch
from pydantic import Field
from torch import Tensor

from wavegen.core.registry import register
from wavegen.optimizers.adamw import Beta, Decay, Rate
from wavegen.optimizers.matrices import MatrixOptimizer
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
class Muon(MatrixOptimizer):
    """For a matrix W with gradient G: M <- beta M + G; W <- (1 - rate decay) W - rate s O(G + beta M).

    O gives all singular values about 1 (:func:`all_orthogonalised`), and s = sqrt(max(1, rows / columns)).

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
        momentum: Beta = 0.9,
        decay: Decay = 1e-2,
        iterations: Annotated[int, Field(ge=1, le=20)] = 5,
        other_rate: Rate = 1e-3,
        beta1: Beta = 0.9,
        beta2: Beta = 0.98,
    ) -> None:
        defaults = {"betas": (beta1, beta2), "momentum": momentum, "iterations": iterations}
        super().__init__(roles, rate, decay, other_rate, defaults)

    def step_matrices(self, group: dict[str, Any], parameters: list[Tensor]) -> None:
        """See :meth:`MatrixOptimizer.step_matrices`."""
        directions = []
        for parameter in parameters:
            state, gradient, beta = self.state[parameter], parameter.grad, group["momentum"]
            assert gradient is not None
            if not state:
                state["momentum"] = torch.zeros_like(parameter)
            mean = state["momentum"].mul_(beta).add_(gradient)
            # Nesterov: the momentum as it will be. With columns as channels_last memory has them nothing is copied, and
            # the order of columns is no part of what orthogonal means.
            directions.append(as_matrix(gradient.add(mean, alpha=beta).movedim(1, -1)))
        for parameter, matrix in zip(parameters, all_orthogonalised(directions, group["iterations"]), strict=True):
            scale = max(1.0, matrix.shape[0] / matrix.shape[1]) ** 0.5
            update = matrix.view(parameter.movedim(1, -1).shape).movedim(-1, 1)
            parameter.mul_(1 - group["lr"] * group["weight_decay"]).add_(update, alpha=-group["lr"] * scale)


def orthogonalised(matrix: Tensor, iterations: int = 5) -> Tensor:
    """The matrix (n, m) with its singular vectors and all singular values about 1; 0 stays 0."""
    return all_orthogonalised([matrix], iterations)[0]


def all_orthogonalised(matrices: Sequence[Tensor], iterations: int = 5) -> list[Tensor]:
    """Matrices of any shapes with their singular vectors and all singular values about 1; 0 stays 0.

    X <- a X + b (X X^T) X + c (X X^T)^2 X, from X of Frobenius norm 1. All factors are polynomials of the Gram matrix
    of the smaller side, which commute: they are multiplied with each other, and with X once at the end. That is the
    same in exact arithmetic, takes half the time for the matrices of a U-Net, and float32 suffices. Gram matrices of
    one size are multiplied together, since calls for small ones cost more than their products.
    """
    wide = [(m.mT if m.shape[0] > m.shape[1] else m).float() for m in matrices]
    wide = [x / x.norm().clamp_min(TINY) for x in wide]
    result: list[Tensor] = list(matrices)
    for side in sorted({len(x) for x in wide}):
        places = [i for i, x in enumerate(wide) if len(x) == side]
        factors = _factors(torch.stack([wide[i] @ wide[i].mT for i in places]), iterations)
        for i, factor in zip(places, factors, strict=True):
            x = factor @ wide[i]
            result[i] = x.mT if matrices[i].shape[0] > matrices[i].shape[1] else x
    return result


def _factors(gram: Tensor, iterations: int) -> Tensor:
    """What X is multiplied by, from its Gram matrix: (k, n, n) to the same."""
    factor: Tensor | None = None
    for left in reversed(range(iterations)):
        p = torch.baddbmm(gram, gram, gram, beta=B, alpha=C)
        p.diagonal(dim1=1, dim2=2).add_(A)
        factor = p if factor is None else p @ factor
        if left:
            gram = p @ gram @ p
    assert factor is not None
    return factor
