"""Loss of light: cast shadows, and underexposure."""

from __future__ import annotations

from typing import Annotated

import numpy as np
import torch
from pydantic import Field
from torch import Generator, Tensor

from wavegen.core.registry import register
from wavegen.degradations.base import Degradation, RandomDiagonal, Shape
from wavegen.degradations.blurs import GaussianBlur
from wavegen.degradations.detector import normal, poisson, smooth_field

Share = Annotated[float, Field(ge=0, le=1)]


@register(
    "degradation",
    "shadow",
    "a soft-edged shadow of random shape, drawn for each image",
    capabilities=("linear", "random"),
)
class Shadow(RandomDiagonal):
    """x · (1 - strength_c · s), s from 0 in the light to 1 in the core of the shadow.

    Args:
        strength: fraction of the light that is lost in the core.
        area: fraction of the image in shadow.
        softness: standard deviation in pixels of the Gaussian that softens the edge; below 0.1 the edge is hard.
        tint: largest deviation of a channel's strength from ``strength``, drawn for each channel (skylight is blue).
    """

    def __init__(
        self,
        strength: Share = 0.6,
        area: Annotated[float, Field(gt=0, lt=1)] = 0.4,
        softness: Annotated[float, Field(ge=0, le=100)] = 4.0,
        tint: Share = 0.1,
    ) -> None:
        self.strength, self.area, self.softness, self.tint = strength, area, softness, tint

    def factors(self, shape: Shape, generator: Generator) -> Tensor:
        """(B, C, H, W) in [0, 1]."""
        batch, channels, height, width = shape
        field = smooth_field((batch, 1, height, width), generator).cpu()
        # torch.quantile takes no more than 2^24 values.
        threshold = np.quantile(field.flatten(1).numpy(), 1 - self.area, axis=1).astype(np.float32)
        shade = (field > torch.from_numpy(threshold).view(-1, 1, 1, 1)).float()
        if self.softness >= 0.1:
            shade = GaussianBlur(self.softness).apply(shade)
        drawn = 2 * torch.rand((batch, channels, 1, 1), generator=generator, device=generator.device).cpu() - 1
        return 1 - (self.strength + self.tint * drawn).clamp(0, 1) * shade.clamp(0, 1)


@register(
    "degradation",
    "low_light",
    "a short exposure of a photograph, with its photon and read noise",
    capabilities=("random",),
)
class LowLight(Degradation):
    """x in [0, 1], gamma-encoded: linearised, exposed for a shorter time, counted, and encoded again.

    electrons = Poisson(photons · exposure · x^gamma) + N(0, read_noise²);
    y = clip(electrons / photons, 0, 1)^(1 / gamma).

    Args:
        exposure: exposure time relative to that of x.
        photons: electrons of a white pixel at the full exposure.
        read_noise: standard deviation in electrons.
        gamma: of the encoding; 1 for linear images.
    """

    random = True
    limits = (0.0, 1.0)

    def __init__(
        self,
        exposure: Annotated[float, Field(gt=0, le=1)] = 0.05,
        photons: Annotated[float, Field(gt=0, le=1e6)] = 2000.0,
        read_noise: Annotated[float, Field(ge=0, le=1e4)] = 2.0,
        gamma: Annotated[float, Field(ge=0.5, le=5)] = 2.2,
    ) -> None:
        self.exposure, self.photons, self.read_noise, self.gamma = exposure, photons, read_noise, gamma

    def degrade(self, x: Tensor, generator: Generator) -> Tensor:
        """One exposure of (B, C, H, W)."""
        electrons = poisson(self.photons * self.exposure * x.clamp(0, 1) ** self.gamma, generator)
        electrons = electrons + self.read_noise * normal(x.shape, generator, x)
        return (electrons / self.photons).clamp(0, 1) ** (1 / self.gamma)
