"""Loss terms of the image at each scale."""

from __future__ import annotations

from functools import cache
from typing import ClassVar

import torch.nn.functional as F
from torch import Tensor

from wavegen.core.registry import register
from wavegen.gans import fourier_amplitude
from wavegen.losses.base import ImageLoss
from wavegen.losses.scores import packet_score
from wavegen.metrics import Lpips, ssim

LPIPS_SIDE = 32  # smaller scales are not judged: the trunk would have nothing left to pool


@register("loss", "l1", "mean absolute error of the image")
class MeanAbsoluteError(ImageLoss):
    """Mean |image - truth|."""

    def __call__(self, image: Tensor, truth: Tensor) -> Tensor:
        """Return a scalar."""
        return F.l1_loss(image, truth)


@register("loss", "l2", "mean squared error of the image")
class MeanSquaredError(ImageLoss):
    """Mean (image - truth)²."""

    def __call__(self, image: Tensor, truth: Tensor) -> Tensor:
        """Return a scalar."""
        return F.mse_loss(image, truth)


@register("loss", "ssim", "1 - SSIM of the image", paper="Wang et al., IEEE TIP 13 (2004) 600")
class StructuralDissimilarity(ImageLoss):
    """1 - SSIM, at a data range of 1."""

    least_side: ClassVar[int] = 11  # the window

    def __call__(self, image: Tensor, truth: Tensor) -> Tensor:
        """Return a scalar."""
        return 1 - ssim(image, truth, 1.0).mean()


@register("loss", "fourier", "L1 distance of Fourier amplitudes of the image")
class FourierAmplitude(ImageLoss):
    """:func:`~wavegen.gans.fourier_amplitude`."""

    def __call__(self, image: Tensor, truth: Tensor) -> Tensor:
        """Return a scalar."""
        return fourier_amplitude(image, truth)


@register("loss", "lpips", "LPIPS of the image", paper="Zhang et al., arXiv 1801.03924")
class PerceptualDistance(ImageLoss):
    """LPIPS of scales with sides of 32 pixels or more."""

    def __call__(self, image: Tensor, truth: Tensor) -> Tensor | None:
        """Return a scalar, or None for a smaller scale."""
        return _lpips().distance(image, truth, 1.0).mean() if min(truth.shape[-2:]) >= LPIPS_SIDE else None


@register(
    "loss",
    "crps",
    "energy score of two draws of the image, frequency by frequency",
    paper="Gneiting and Raftery, JASA 102 (2007) 359",
    capabilities=("needs:noise",),
)
class ScoreOfDraws(ImageLoss):
    """:func:`~wavegen.losses.scores.packet_score` of the batch's halves, which are two draws of the same items."""

    draws: ClassVar[int] = 2

    def __call__(self, image: Tensor, truth: Tensor) -> Tensor:
        """Return a scalar."""
        first, second = image.chunk(2)
        return packet_score(first, second, truth.chunk(2)[0])


@cache
def _lpips() -> Lpips:
    """The distance's networks, loaded once, and only where a stage weighs it."""
    return Lpips()
