"""What every head is: one level's detail bands from its low band, the degraded bands and noise."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from wavegen.core.types import Details


class LevelInput(NamedTuple):
    """What a head is told about one level; all bands are normalised by their statistics.

    ``ll`` is the low band (B, C, h, w), restored or true; ``y_ll`` and ``y_details`` are those of the degraded
    image; ``features`` are the coarse network's last feature maps (B, F, >= h / patch, >= w / patch), or None where
    there are none to take; ``sigma`` is the standard deviation of the degraded image's noise in each of its high
    bands, (B, C, 1, 1) and in the units of that band, for heads that ask for it (``needs_sigma``).
    """

    ll: Tensor
    y_ll: Tensor
    y_details: Details
    features: Tensor | None = None
    sigma: Details | None = None


class Head(nn.Module, ABC):
    """One level's head.

    A call draws the bands once; all its randomness is ``noise`` (B, ``noise_channels``, h, w), standard normal, so
    that a seed and a place decide it. ``process`` says that training sees other states than draws do
    (:meth:`estimate`).
    """

    noise_channels: int = 0
    process: ClassVar[bool] = False
    needs_sigma: bool = False

    @abstractmethod
    def forward(self, given: LevelInput, noise: Tensor) -> Details:
        """Draw the normalised bands, each (B, C, h, w) float32."""

    def estimate(self, given: LevelInput, truth: Details, noise: Tensor, generator: torch.Generator) -> Details:
        """What training compares with ``truth`` (normalised): a draw, unless the head is a process."""
        drawn: Details = self(given, noise)
        return drawn

    @property
    def trainable(self) -> bool:
        """Whether there is anything to train."""
        return any(True for _ in self.parameters())


class NetworkHead(Head):
    """A head with a network: gathers what the network sees.

    Args:
        channels: image channels C.
        trunk: (feature channels, patch) of the coarse network, or None where there are none to take.
        features: channels that the coarse network's features are projected to (0: not used).
        noise_level: whether the network is told log10 of the noise's standard deviation, as C planes.
    """

    def __init__(self, channels: int, trunk: tuple[int, int] | None, features: int, noise_level: bool) -> None:
        super().__init__()
        self.needs_sigma, self.patch = noise_level, 1
        self.project: nn.Module | None = None
        taken = 0
        if features and trunk is not None:
            trunk_channels, self.patch = trunk
            self.project = nn.Conv2d(trunk_channels, features * self.patch**2, 1)
            taken = features
        self.extra_channels = taken + (channels if noise_level else 0)
        self.taken = taken

    def extras(self, given: LevelInput) -> list[Tensor]:
        """The projected features (zeros where this level has none) and the planes of the noise level."""
        planes = []
        rows, columns = given.ll.shape[-2:]
        if self.project is not None:
            if given.features is None:
                planes.append(given.ll.new_zeros(len(given.ll), self.taken, rows, columns))
            else:
                grown = F.pixel_shuffle(self.project(given.features), self.patch)
                planes.append(grown[..., :rows, :columns])
        if self.needs_sigma:
            assert given.sigma is not None
            level = torch.log10(given.sigma.d.clamp_min(1e-4))
            planes.append(level.expand(-1, -1, rows, columns))
        return planes


def stack(parts: list[Tensor]) -> Tensor:
    """Parts (B, c, h, w) of one dtype, that of the first, along the channels, in the layout that is fast."""
    joined = torch.cat([part.to(parts[0].dtype) for part in parts], dim=1)
    return joined.contiguous(memory_format=torch.channels_last)
