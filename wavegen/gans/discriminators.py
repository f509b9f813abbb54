"""Patch discriminators: one logit for each neighbourhood, conditioned on the degraded image."""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm as spectrally_normalised


class PatchDiscriminator(nn.Module):
    """(candidate, condition), each (B, c, H, W), to logits (B, 1, ~H / 2^layers, ~W / 2^layers).

    Isola et al., arXiv 1611.07004, without normalisation layers (safe at any batch size); with
    spectral norm on every convolution (Miyato et al., arXiv 1802.05957) if asked for.
    """

    def __init__(self, in_channels: int, width: int = 32, layers: int = 3, spectral_norm: bool = True) -> None:
        super().__init__()
        sizes = [in_channels] + [width * 2 ** min(i, 3) for i in range(layers)]
        convolutions = [nn.Conv2d(a, b, 4, stride=2, padding=1) for a, b in pairwise(sizes)]
        convolutions.append(nn.Conv2d(sizes[-1], 1, 3, padding=1))
        self.convolutions = nn.ModuleList(spectrally_normalised(c) if spectral_norm else c for c in convolutions)
        self.least = 2**layers

    def forward(self, candidate: Tensor, condition: Tensor) -> Tensor:
        """Return the logits; images smaller than the stride are repeated at their border up to it."""
        h = torch.cat([candidate, condition], dim=1)
        bottom, right = max(0, self.least - h.shape[-2]), max(0, self.least - h.shape[-1])
        if bottom or right:
            h = F.pad(h, (0, right, 0, bottom), mode="replicate")
        for convolution in self.convolutions[:-1]:
            h = F.leaky_relu(convolution(h), 0.2)
        logits: Tensor = self.convolutions[-1](h)
        return logits.float()
