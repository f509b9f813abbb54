"""A loss term in one file: here one that compares images at each scale."""

import torch.nn.functional as F
from torch import Tensor

from wavegen import register
from wavegen.losses.base import ImageLoss


@register("loss", "gradient_l1", "L1 distance of differences between neighbouring pixels")
class GradientL1(ImageLoss):
    """Mean absolute error of the vertical and the horizontal differences."""

    def __call__(self, image: Tensor, truth: Tensor) -> Tensor | None:
        """Compare (B, C, H, W); None where the image is too small."""
        if min(image.shape[-2:]) < 2:
            return None
        return F.l1_loss(image.diff(dim=-1), truth.diff(dim=-1)) + F.l1_loss(image.diff(dim=-2), truth.diff(dim=-2))
