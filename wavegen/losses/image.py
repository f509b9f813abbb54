"""Loss terms of the image at each scale."""

from __future__ import annotations

from functools import cache
from typing import ClassVar, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from wavegen.core.registry import register
from wavegen.gans import fourier_amplitude
from wavegen.losses.base import ImageLoss
from wavegen.losses.scores import packet_score
from wavegen.metrics import Lpips, ssim

TINY = 1e-12  # variance of a constant image, whose gain is then 0
LPIPS_SIDE = 32  # smaller scales are not judged: the trunk would have nothing left to pool


class Fitted(ImageLoss):
    """A term that may judge an image up to its scale.

    Args:
        fit: ``none``, or ``affine``: gain and offset of every item and channel are first laid on the truth by least
            squares, for crops whose truth has another scale than its input. They are detached: where they minimise the
            squared error, its gradient through them is 0, and a term with another distance should not be lowered by
            steering the fit. No such term ties the scale of results; give it beside one that does.
    """

    def __init__(self, fit: Literal["none", "affine"] = "none") -> None:
        self.fit = fit

    def laid(self, image: Tensor, truth: Tensor) -> Tensor:
        """The image (B, C, H, W) as it is compared with the truth."""
        if self.fit == "none":
            return image
        with torch.no_grad():
            (centred, mean), (other, level) = (_centred(k) for k in (image, truth))
            variance = centred.square().mean((-2, -1), keepdim=True)
            gain = (centred * other).mean((-2, -1), keepdim=True) / variance.clamp_min(TINY)
        return gain * (image - mean) + level


def _centred(image: Tensor) -> tuple[Tensor, Tensor]:
    mean = image.mean((-2, -1), keepdim=True)
    return image - mean, mean


@register("loss", "l1", "mean absolute error of the image")
class MeanAbsoluteError(Fitted):
    """Mean |image - truth|; ``fit`` as of :class:`Fitted`."""

    def __call__(self, image: Tensor, truth: Tensor) -> Tensor:
        """Return a scalar."""
        return F.l1_loss(self.laid(image, truth), truth)


@register("loss", "l2", "mean squared error of the image")
class MeanSquaredError(Fitted):
    """Mean (image - truth)²; ``fit`` as of :class:`Fitted`."""

    def __call__(self, image: Tensor, truth: Tensor) -> Tensor:
        """Return a scalar."""
        return F.mse_loss(self.laid(image, truth), truth)


@register("loss", "ssim", "1 - SSIM of the image", paper="Wang et al., IEEE TIP 13 (2004) 600")
class StructuralDissimilarity(Fitted):
    """1 - SSIM, at a data range of 1; ``fit`` as of :class:`Fitted`."""

    least_side: ClassVar[int] = 11  # the window

    def __call__(self, image: Tensor, truth: Tensor) -> Tensor:
        """Return a scalar."""
        return 1 - ssim(self.laid(image, truth), truth, 1.0).mean()


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
