"""What the best Gaussian filter of an input leaves of its target to be explained."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

SIGMAS = (0.0, 0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0, 5.6)  # pixels
WITHIN_NOISE = 1.2  # times the target's noise


class BestGaussian(NamedTuple):
    """The Gaussian filter after which an input, under the best line, is nearest to its target.

    Attributes:
        sigma: in pixels.
        left: rms difference that remains, in standard deviations of the target.
        noise: standard deviation of the target's own noise in the same unit, from the median of its finest diagonal
            differences; fine structure counts as noise, so that it is an upper bound.
    """

    sigma: float
    left: float
    noise: float

    @property
    def enough(self) -> bool:
        """Whether what remains is no more than the target's own noise: then no method can be seen to do better."""
        return self.left <= WITHIN_NOISE * self.noise


def best_gaussian(target: NDArray[Any], source: NDArray[Any]) -> BestGaussian:
    """The filter for a target (C, H, W) and its input of one size; channels are averaged, neither is constant."""
    from scipy.ndimage import gaussian_filter

    x, y = (np.asarray(image, dtype=np.float64).mean(axis=0) for image in (target, source))
    unit = float(x.std()) or 1.0

    def left(sigma: float) -> float:
        filtered = gaussian_filter(y, sigma)
        spread = float(filtered.std())
        correlation = float(((filtered - filtered.mean()) * (x - x.mean())).mean()) / (spread * unit) if spread else 0.0
        return float(np.sqrt(max(1 - correlation**2, 0.0)))

    tried = {sigma: left(sigma) for sigma in SIGMAS}
    best = min(tried, key=lambda sigma: tried[sigma])
    diagonal = (x[1:, 1:] - x[1:, :-1] - x[:-1, 1:] + x[:-1, :-1]) / 2
    noise = 1.4826 * float(np.median(np.abs(diagonal))) / unit if diagonal.size else 0.0
    return BestGaussian(best, tried[best], noise)
