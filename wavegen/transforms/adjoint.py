"""Differentiating a linear map by its adjoint: the backward pass costs as much as the forward pass."""

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
    """Run without autocast: reduced precision would break exact reconstruction."""
    kind = inputs[0].device.type
    if not torch.is_autocast_enabled(kind):
        return operator(*inputs)
    with torch.autocast(kind, enabled=False):
        return operator(*inputs)


def linear(operator: Map, adjoint: Map, *inputs: Tensor) -> tuple[Tensor, ...]:
    """``operator(*inputs)`` with the derivative given by ``adjoint``, to any order.

    Both maps take tensors and return a tuple of tensors. Gradients and autocast are off inside them, so they
    may write in place. ``adjoint`` must be the exact transpose of ``operator``.
    """
    if not torch.is_grad_enabled():
        return _exactly(operator, *inputs)  # an autograd node costs more than a small transform
    result: tuple[Tensor, ...] = _Linear.apply(operator, adjoint, *inputs)
    return result
