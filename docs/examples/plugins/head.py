"""A head in one file: detail bands of one level from the low band, the degraded bands, and noise."""

import torch
from torch import Tensor, nn

from wavegen import Details, register
from wavegen.gans import Head, LevelInput


@register("head", "one_layer", "a single convolution; the smallest head that learns", supplied=("channels", "trunk"))
class OneLayer(Head):
    """y's bands plus a convolution of everything that the level is told and one channel of noise.

    Args:
        channels: image channels; filled in by the pipeline.
        trunk: (feature channels, patch) of the coarse network, or None; filled in by the pipeline.
        kernel: side of the convolution, odd.
    """

    noise_channels = 1

    def __init__(self, channels: int, trunk: tuple[int, int] | None, kernel: int = 3) -> None:
        super().__init__()
        self.layer = nn.Conv2d(5 * channels + 1, 3 * channels, kernel, padding=kernel // 2)

    def forward(self, given: LevelInput, noise: Tensor) -> Details:
        """Draw the three bands."""
        bands = torch.cat(given.y_details, dim=1)
        changes = self.layer(torch.cat([given.ll, given.y_ll, bands, noise], dim=1))
        return Details(*(bands + changes).float().chunk(3, dim=1))
