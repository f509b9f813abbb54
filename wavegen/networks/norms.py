"""Normalisations of each pixel over its channels: what a pixel becomes depends on no other pixel and no other item."""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Norm = Literal["layer", "rms", "none"]


class ChannelNorm(nn.Module):
    """Layer normalisation over the channels of each pixel: (B, C, H, W) -> the same."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise each pixel; in channels_last memory the permutations copy nothing."""
        last = x.permute(0, 2, 3, 1)
        return F.layer_norm(last, last.shape[-1:], self.weight, self.bias, 1e-5).permute(0, 3, 1, 2)


class ChannelRms(nn.Module):
    """x / sqrt(mean of x² over the channels of the pixel) times a gain for each channel: (B, C, H, W) -> the same.

    Zhang and Sennrich, arXiv 1910.07467, eq. 4.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise each pixel; the mean is taken in float32 at least."""
        wide = x.float() if x.dtype in (torch.bfloat16, torch.float16) else x
        scale = torch.rsqrt(wide.square().mean(dim=1, keepdim=True) + 1e-5).to(x.dtype)
        return x * scale * self.weight.to(x.dtype)[:, None, None]


def normalisation(kind: Norm, channels: int) -> nn.Module:
    """The normalisation of a name; ``none`` leaves its input as it is."""
    if kind == "none":
        return nn.Identity()
    return ChannelNorm(channels) if kind == "layer" else ChannelRms(channels)
