"""Detectors as forward models: camera, additive noise, background light, bleaching during a scan."""

from __future__ import annotations

import math
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Generator, Tensor

from wavegen.core.errors import InputError
from wavegen.core.registry import register
from wavegen.degradations.base import Degradation, LinearDegradation, Shape

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]


def normal(shape: tuple[int, ...] | torch.Size, generator: Generator, like: Tensor) -> Tensor:
    """Standard normal values, drawn on the generator's device, so that they do not depend on that of the images."""
    return torch.randn(shape, generator=generator, device=generator.device).to(like)


def poisson(expected: Tensor, generator: Generator) -> Tensor:
    """Poisson counts with the given means; negative means (from filter ringing) count as 0."""
    return torch.poisson(expected.clamp_min(0).to(generator.device), generator=generator).to(expected)


@register(
    "degradation",
    "camera",
    "photon noise, read noise, gain, offset, saturation and quantisation of a camera",
    paper="Janesick, Photon Transfer (SPIE 2007)",
    capabilities=("random",),
)
class Camera(Degradation):
    """Light to camera counts.

    electrons = Poisson(qe · (photons · x + background)) + N(0, read_noise²), at most ``full_well``;
    counts = round(electrons / gain + offset), from 0 to 2^bits - 1. Before quantisation the variance of the counts
    is (mean - offset) / gain + (read_noise / gain)².

    Args:
        photons: expected photons per unit of intensity.
        qe: quantum efficiency, electrons per photon.
        read_noise: standard deviation in electrons.
        gain: electrons per count.
        offset: counts without light.
        background: expected photons per pixel, added everywhere.
        full_well: electrons at which a pixel saturates.
        bits: of the analogue-to-digital converter; None: counts are neither rounded nor limited.
        output: ``counts``, or ``input`` for (counts - offset) · gain / (qe · photons), on the scale of x.

    Raises:
        InputError: an offset beyond the converter's range.
    """

    random = True
    limits = (0.0, math.inf)

    def __init__(
        self,
        photons: Positive = 1.0,
        qe: Annotated[float, Field(gt=0, le=1)] = 1.0,
        read_noise: NotNegative = 1.6,
        gain: Positive = 1.0,
        offset: NotNegative = 100.0,
        background: NotNegative = 0.0,
        full_well: Positive | None = None,
        bits: Annotated[int, Field(ge=1, le=24)] | None = 16,
        output: Literal["counts", "input"] = "counts",
    ) -> None:
        if bits is not None and offset >= 2**bits - 1:
            raise InputError(f"offset = {offset:g} is not below the largest count of {bits} bits, {2**bits - 1}")
        self.photons, self.qe, self.read_noise, self.gain, self.offset = photons, qe, read_noise, gain, offset
        self.background, self.full_well, self.bits, self.output = background, full_well, bits, output

    def degrade(self, x: Tensor, generator: Generator) -> Tensor:
        """One exposure of (B, C, H, W)."""
        electrons = poisson(self.qe * (self.photons * x.clamp_min(0) + self.background), generator)
        electrons = electrons + self.read_noise * normal(x.shape, generator, x)
        if self.full_well is not None:
            electrons = electrons.clamp_max(self.full_well)
        counts = electrons / self.gain + self.offset
        if self.bits is not None:
            counts = counts.round().clamp(0, 2**self.bits - 1)
        if self.output == "counts":
            return counts
        return (counts - self.offset) * (self.gain / (self.qe * self.photons))


@register("degradation", "gaussian_noise", "independent Gaussian noise on every value", capabilities=("random",))
class GaussianNoise(Degradation):
    """x + N(0, sigma²).

    Args:
        sigma: standard deviation in the images' units.
    """

    random = True

    def __init__(self, sigma: NotNegative = 0.1) -> None:
        self.sigma = sigma

    def degrade(self, x: Tensor, generator: Generator) -> Tensor:
        """Noise added to (B, C, H, W)."""
        return x + self.sigma * normal(x.shape, generator, x)


@register("degradation", "background", "smooth background light, drawn for each image", capabilities=("random",))
class Background(Degradation):
    """x + level · (1 + unevenness · f), with a smooth random field f in [-1, 1], the same for all channels.

    Args:
        level: mean background in the images' units.
        unevenness: largest relative deviation from it; 0 for a constant background.
    """

    random = True

    def __init__(self, level: NotNegative = 10.0, unevenness: Annotated[float, Field(ge=0, le=1)] = 0.5) -> None:
        self.level, self.unevenness = level, unevenness

    def degrade(self, x: Tensor, generator: Generator) -> Tensor:
        """Background added to (B, C, H, W)."""
        field = smooth_field((x.shape[0], 1, x.shape[2], x.shape[3]), generator).to(x)
        return x + self.level * (1 + self.unevenness * field)


def smooth_field(shape: Shape, generator: Generator, knots: int = 4) -> Tensor:
    """Random fields (B, C, H, W) in [-1, 1]: a bicubic surface over ``knots`` x ``knots`` random heights."""
    from wavegen.degradations.resize import resize

    heights = 2 * torch.rand((*shape[:2], knots, knots), generator=generator, device=generator.device) - 1
    return resize(heights, (max(shape[2], knots), max(shape[3], knots)))[..., : shape[2], : shape[3]].clamp(-1, 1)


@register("degradation", "bleaching", "fluorescence lost while the rows are scanned", capabilities=("linear",))
class Bleaching(LinearDegradation):
    """Row i of H is multiplied by remaining^(i / (H - 1)): exponential decay at constant scan speed.

    Args:
        remaining: fraction of the fluorescence left in the last row.
    """

    def __init__(self, remaining: Annotated[float, Field(gt=0, le=1)] = 0.5) -> None:
        self.remaining = remaining

    def apply(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to (B, C, H, W)."""
        rows = torch.linspace(0, 1, x.shape[2], dtype=x.dtype, device=x.device)
        return x * (self.remaining**rows)[:, None]

    def adjoint(self, y: Tensor) -> Tensor:
        """The same as :meth:`apply`."""
        return self.apply(y)
