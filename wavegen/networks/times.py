"""How a network learns of the time t: its embedding, and what the embedding does to feature maps."""

from __future__ import annotations

import math
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Modulation = Literal["film", "shift", "input"]


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


class Film(nn.Linear):
    """Scale and shift feature maps (B, C, H, W), or shift them alone, by an embedding (B, time_channels).

    Perez et al., arXiv 1709.07871.
    """

    def __init__(self, time_channels: int, channels: int, shift_only: bool = False) -> None:
        super().__init__(time_channels, channels if shift_only else 2 * channels)
        self.shift_only = shift_only

    def modulate(self, h: Tensor, embedding: Tensor) -> Tensor:
        """(1 + scale) h + shift, with scale and shift linear in the embedding."""
        given: Tensor = self(embedding)[:, :, None, None]
        if self.shift_only:
            return h + given
        scale, shift = given.chunk(2, dim=1)
        return torch.addcmul(shift, h, 1 + scale)
