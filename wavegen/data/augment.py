"""Random changes of training crops, beyond turning and mirroring: intensity, noise, and where crops are taken."""

from __future__ import annotations

from typing import Annotated, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from wavegen.core.config import Schema
from wavegen.core.types import Pair

STEPS = 8  # places for a crop along each axis within its own width, before it is moved at random between them


class Augment(Schema):
    """What is done to a share of the crops; nothing by default. Images are in network units: about 0 to 1.

    ``gain``: both images are multiplied by exp(u), u uniform in [-gain, gain]. ``noise``: Gaussian noise is added to
    the input, with a standard deviation drawn uniformly from [0, noise]. ``content``: this share of the crops is
    drawn with a probability in proportion to the variance of the target inside the crop, the rest uniformly.
    """

    gain: Annotated[float, Field(ge=0, le=2)] = 0.0
    noise: Annotated[float, Field(ge=0, le=1)] = 0.0
    content: Annotated[float, Field(ge=0, le=1)] = 0.0

    def intensities(self, pair: Pair, rng: np.random.Generator) -> Pair:
        """A crop with another gain and more noise, as far as these are on."""
        x, y = pair
        if self.gain:
            factor = float(np.exp(rng.uniform(-self.gain, self.gain)))
            x, y = factor * x, factor * y
        if self.noise:
            deviation = np.float32(rng.uniform(0, self.noise))
            y = y + torch.from_numpy(deviation * rng.standard_normal(tuple(y.shape), dtype=np.float32))
        return Pair(x, y)


class Places(NamedTuple):
    """Where crops of an image may begin, in steps of ``step`` pixels, and the cumulated probability of each.

    ``shape`` is the number of places along both axes, ``last`` the last pixel at which a crop may begin.
    """

    cumulated: NDArray[np.float64]
    shape: tuple[int, int]
    last: tuple[int, int]
    step: int

    def draw(self, rng: np.random.Generator) -> tuple[int, int]:
        """Top and left of a crop."""
        place = int(np.searchsorted(self.cumulated, rng.random(), side="right"))
        corner = np.unravel_index(min(place, len(self.cumulated) - 1), self.shape)
        moved = [int(i) * self.step + int(rng.integers(self.step)) for i in corner]
        top, left = (min(at, last) for at, last in zip(moved, self.last, strict=True))
        return top, left


def places_by_content(x: Tensor, size: int) -> Places:
    """Places of crops of a target (C, H, W), each as probable as the variance inside it (mean over channels).

    Of a constant image all are equally probable.
    """
    image = x.double().numpy()
    image = image - image.mean(axis=(1, 2), keepdims=True)  # the difference of two sums loses no digits to an offset
    mean, square = (_box_means(values, size) for values in (image, image**2))
    variance = np.clip(square - mean**2, 0, None).mean(axis=0)
    step = max(1, size // STEPS)
    chosen = variance[::step, ::step]
    weights = chosen.ravel() if chosen.max() > 0 else np.ones(chosen.size)
    cumulated = np.cumsum(weights)
    rows, columns = chosen.shape
    return Places(cumulated / cumulated[-1], (rows, columns), (variance.shape[0] - 1, variance.shape[1] - 1), step)


def _box_means(image: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    """Means over the squares of ``size`` pixels that begin at each pixel of (C, H, W)."""
    sums = np.pad(image.cumsum(axis=1).cumsum(axis=2), ((0, 0), (1, 0), (1, 0)))
    box = sums[:, size:, size:] - sums[:, :-size, size:] - sums[:, size:, :-size] + sums[:, :-size, :-size]
    means: NDArray[np.float64] = box / size**2
    return means
