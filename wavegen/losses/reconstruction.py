"""The loss term of a lossy transform."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from wavegen.core.registry import register
from wavegen.losses.base import TransformLoss
from wavegen.transforms import Transform


@register(
    "loss",
    "autoencoder",
    "L1 error of encoding and decoding, for lossy transforms",
    capabilities=("needs:lossy", "alone"),
)
class Reconstruction(TransformLoss):
    """What the encoder and decoder lose of images."""

    def __call__(self, transform: Transform, images: Tensor) -> Tensor:
        """Return a scalar."""
        return F.l1_loss(transform.inverse(transform.forward(images)), images)
