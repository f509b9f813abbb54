"""Building blocks whose receptive field is bounded, so that restoring an image in tiles can be exact."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn


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


class TimeEmbedding(nn.Module):
    """Sinusoidal features of t in [0, 1] through a two-layer perceptron: (B,) -> (B, channels)."""

    def __init__(self, channels: int, frequencies: int = 16) -> None:
        super().__init__()
        # Periods from 4 down to 4/1000 of the unit interval: t = 0 and t = 1 stay distinct.
        self.register_buffer(
            "omega",
            2 * math.pi * torch.logspace(math.log10(0.25), math.log10(250), frequencies),
            persistent=False,
        )
        self.mlp = nn.Sequential(nn.Linear(2 * frequencies, channels), nn.SiLU(), nn.Linear(channels, channels))

    def forward(self, t: Tensor) -> Tensor:
        """Embed times."""
        phase = t.float()[:, None] * self.omega  # type: ignore[operator]
        embedded: Tensor = self.mlp(torch.cat([phase.sin(), phase.cos()], dim=1))
        return F.silu(embedded)


class Shrink(nn.Conv2d):
    """A convolution with a 2 x 2 kernel and stride 2: (B, in, H, W) -> (B, out, H / 2, W / 2), H and W even.

    Computed as a 1 x 1 convolution of the four pixels of a cell, with the same weights. Under bf16, the strided kernels
    of torch 2.14 for processors with AMX read memory that nobody wrote where their output is one pixel wide.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels, 2, stride=2)

    def forward(self, input: Tensor) -> Tensor:
        """Halve both sides."""
        # In the order of channels_last, pixels and channels of half a cell lie together: copies are fast.
        cells = rearrange(input, "b c (h p) (w q) -> b h w (p q c)", p=2, q=2).permute(0, 3, 1, 2)
        return F.conv2d(cells, rearrange(self.weight, "o c p q -> o (p q c) 1 1"), self.bias)


class ResidualBlock(nn.Module):
    """x + conv(silu(film(conv(norm(x))))); ``film`` scales and shifts by the time embedding, if any."""

    def __init__(self, in_channels: int, channels: int, time_channels: int = 0) -> None:
        super().__init__()
        self.norm = ChannelNorm(in_channels)
        self.conv1 = nn.Conv2d(in_channels, channels, 3, padding=1)
        self.film = nn.Linear(time_channels, 2 * channels) if time_channels else None
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)
        nn.init.normal_(self.conv2.weight, std=1e-3)
        nn.init.zeros_(self.conv2.bias)  # type: ignore[arg-type]
        self.skip = nn.Conv2d(in_channels, channels, 1) if in_channels != channels else nn.Identity()

    def forward(self, x: Tensor, embedding: Tensor | None = None) -> Tensor:
        """Apply the block; ``embedding`` is (B, time_channels)."""
        h = self.conv1(self.norm(x))
        if self.film is not None and embedding is not None:
            scale, shift = self.film(embedding)[:, :, None, None].chunk(2, dim=1)
            h = torch.addcmul(shift, h, 1 + scale)
        result: Tensor = self.skip(x) + self.conv2(F.silu(h))
        return result
