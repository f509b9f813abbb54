"""Guidance by the measurement: estimates of x0 are drawn towards what the instrument recorded.

The forward model is m = A x + noise of variance gain · A x + read_noise² (Poisson-Gaussian, in the measurement's units;
Foi et al. 2008, doi:10.1109/TIP.2008.2001399). Each estimate is moved along conjugate gradients of its weighted least
squares, the data-consistency step of arXiv 2303.05754 (DDS) with these weights. The sampler is unchanged.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from wavegen.bridges.sampler import PredictX0
from wavegen.core.errors import InputError
from wavegen.core.types import LinearOperator

Map = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Guidance:
    """What is known of the measurement, in the units of the images that are restored.

    Args:
        operator: A, from a restored image (B, C, H, W) to the mean of its measurement without ``background``.
        measured: (B, C, h, w); None: the degraded image itself.
        gain: units of the measurement for one photon, >= 0.
        read_noise: standard deviation of what does not depend on light, > 0.
        background: mean of a measurement of nothing.
        strength: share of the correction that is made, from 0 (none) to 1 (the end of the conjugate gradients).
        iterations: of conjugate gradients; few keep near the network's estimate. One is steepest descent.

    Raises:
        InputError: a value out of range.
    """

    operator: LinearOperator
    measured: Tensor | None = None
    gain: float = 1.0
    read_noise: float = 1.0
    background: float = 0.0
    strength: float = 1.0
    iterations: int = 1

    def __post_init__(self) -> None:
        """Refuse values out of range."""
        if not 0 <= self.strength <= 1:
            raise InputError(f"guidance: strength = {self.strength}; give a number from 0 to 1")
        if not self.gain >= 0 or not self.read_noise > 0:
            raise InputError(
                f"guidance: gain = {self.gain}, read_noise = {self.read_noise}; give gain >= 0 and read_noise > 0, "
                "so that every pixel has a variance"
            )
        if self.iterations < 1:
            raise InputError(f"guidance: iterations = {self.iterations}; give 1 or more")


def guided(predict_x0: PredictX0, guidance: Guidance, measured: Tensor, to_image: Map) -> PredictX0:
    """``predict_x0`` with every estimate corrected by the measurement.

    Args:
        predict_x0: as :func:`~wavegen.bridges.sampler.sample` calls it.
        guidance: the forward model.
        measured: (B, C, h, w), in its own units.
        to_image: an affine map from the normalised band to the image in the units that A takes; its transpose
            is had by differentiation.

    Raises:
        InputError: from the returned function, where A gives another shape than the measurement's.
    """
    if guidance.strength == 0:
        return predict_x0

    def corrected(x_t: Tensor, t: Tensor, y: Tensor) -> Tensor:
        x0 = predict_x0(x_t, t, y)
        return x0 + guidance.strength * correction(x0, guidance, measured, to_image)

    return corrected


def correction(x0: Tensor, guidance: Guidance, measured: Tensor, to_image: Map) -> Tensor:
    """What :func:`guided` adds to ``x0`` at strength 1: conjugate gradients from 0 on (A L)^T W A L d = (A L)^T W r.

    L is the linear part of ``to_image``, r the residual of the measurement, and W = 1 / variance of the pixels that
    ``x0`` predicts. The weighted residual falls with every iteration, and along the line to its end.
    """
    with torch.enable_grad():
        band = x0.detach().clone().requires_grad_()
        image = to_image(band)
    mean = guidance.operator.apply(image.detach())
    if mean.shape != measured.shape:
        raise InputError(
            f"guidance: the operator gives {tuple(mean.shape)}, the measurement is {tuple(measured.shape)}; "
            "they must be of one shape"
        )
    weight = 1 / (guidance.gain * mean.clamp_min(0) + guidance.gain * guidance.background + guidance.read_noise**2)
    origin = to_image(torch.zeros_like(x0))

    def adjoint(residual: Tensor) -> Tensor:
        found = guidance.operator.adjoint(weight * residual)
        if found.shape != image.shape:
            raise InputError(f"guidance: the adjoint gives {tuple(found.shape)}, the image is {tuple(image.shape)}")
        (result,) = torch.autograd.grad(image, band, found, retain_graph=True)
        return result

    left = adjoint(measured - guidance.background - mean)
    step, found, size = left, torch.zeros_like(x0), _dot(left, left)
    for _ in range(guidance.iterations):
        seen = guidance.operator.apply(to_image(step) - origin)
        length = size / _dot(seen, weight * seen).clamp_min(torch.finfo(x0.dtype).tiny)
        found = found + length * step
        left = left - length * adjoint(seen)
        before, size = size, _dot(left, left)
        step = left + size / before.clamp_min(torch.finfo(x0.dtype).tiny) * step
    return found


def _dot(a: Tensor, b: Tensor) -> Tensor:
    """The inner product of each item, (B, 1, 1, 1)."""
    return (a * b).sum(dim=(1, 2, 3), keepdim=True)
