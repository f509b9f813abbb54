"""A data set in one file: pairs of float32 images, item by item."""

from typing import Annotated

import torch
from pydantic import Field

from wavegen import Pair, register
from wavegen.data import PairDataset


@register("dataset", "gratings", "noisy gratings of random direction and period")
class Gratings(PairDataset):
    """x: a grating in [0, 1]; y: the same with Gaussian noise. Item i depends on i alone.

    Args:
        size: height and width in pixels.
        length: number of items.
        noise: standard deviation of the noise.
    """

    channels = 1

    def __init__(self, size: int = 64, length: Annotated[int, Field(ge=1)] = 16, noise: float = 0.2) -> None:
        self.size, self.length, self.noise = size, length, noise

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> Pair:
        """One pair, each (1, size, size) float32."""
        if not 0 <= index < self.length:
            raise IndexError(f"item {index} of {self.length}")
        generator = torch.Generator().manual_seed(index)
        angle, period = (torch.rand(2, generator=generator) * torch.tensor([3.14, 12.0])).tolist()
        place = torch.arange(self.size, dtype=torch.float32)
        across = place[:, None] * torch.tensor(angle).sin() + place * torch.tensor(angle).cos()
        x = (0.5 + 0.5 * (across * 6.28 / (period + 4)).sin())[None]
        return Pair(x, x + self.noise * torch.randn(x.shape, generator=generator))
