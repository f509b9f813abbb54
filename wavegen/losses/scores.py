"""The score of two draws, frequency by frequency: what makes a head's noise have the truth's spectrum."""

from __future__ import annotations

import torch
from torch import Tensor

from wavegen.gans import energy_score
from wavegen.transforms import Haar

LEVELS = 3  # of the packets of an image, 64 bands of frequencies
LEAST_SIDE = 4  # coefficients of a packet that its deviation is taken over, at least


def packet_score(first: Tensor, second: Tensor, truth: Tensor, levels: int = LEVELS, floor: float = 2e-3) -> Tensor:
    """:func:`~wavegen.gans.energy_score` of two draws (B, C, H, W) and the truth in whitened Haar packets.

    Single pixels say nothing of how errors hang together: noise that is right pixel by pixel and white has the wrong
    spectrum. A packet is narrow in frequency, and each is divided by the truth's own deviation in it (by no less than
    ``floor`` of the largest), so that the spread is judged frequency by frequency. Small images have fewer levels.
    """
    while levels and min(truth.shape[-2:]) < LEAST_SIDE * 2**levels:
        levels -= 1
    f, g, x = (_packets(image.float(), levels) for image in (first, second, truth))
    spread = x.std(dim=(0, 2, 3), keepdim=True)
    spread = spread.clamp_min(floor * float(spread.max())).clamp_min(1e-6)
    return energy_score(f / spread, g / spread, x / spread)


def _packets(image: Tensor, levels: int) -> Tensor:
    """All bands of all bands: (B, 4^levels C, h, w)."""
    haar = Haar(levels=1)
    for _ in range(levels):
        ll, (details,), _ = haar.forward(image)
        image = torch.cat([ll, *details], dim=1)
    return image
