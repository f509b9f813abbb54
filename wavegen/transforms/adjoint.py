"""Differentiation through a linear map by its adjoint: the backward pass costs what the forward pass does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

Map = Callable[..., tuple[Tensor, ...]]


class _Linear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, operator: Map, adjoint: Map, *inputs: Tensor) -> tuple[Tensor, ...]:
        ctx.maps = adjoint, operator
        return _exactly(operator, *inputs)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        return None, None, *linear(*ctx.maps, *gradients)


def _exactly(operator: Map, *inputs: Tensor) -> tuple[Tensor, ...]:
    """Without autocasting: a reduced precision inside would cost the exactness."""
    kind = inputs[0].device.type
    if not torch.is_autocast_enabled(kind):
        return operator(*inputs)
    with torch.autocast(kind, enabled=False):
        return operator(*inputs)


def linear(operator: Map, adjoint: Map, *inputs: Tensor) -> tuple[Tensor, ...]:
    """``operator(*inputs)`` with the derivative given by ``adjoint``, to any order.

    Both maps take tensors and return a tuple of tensors; recording is off inside them, so that they
    may write in place, and so is autocasting. ``adjoint`` must be the exact transpose of ``operator``.
    """
    if not torch.is_grad_enabled():
        return _exactly(operator, *inputs)  # recording costs more than a small transform
    result: tuple[Tensor, ...] = _Linear.apply(operator, adjoint, *inputs)
    return result
