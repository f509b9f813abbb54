"""What a finite set of images can tell: intervals over images, and what a Gaussian band of the same spectrum shows."""

from __future__ import annotations

import torch
from torch import Tensor

from wavegen.analysis.measures import LEVEL, ks_distance, normal_below

RESAMPLES = 400
DRAWS, VALUES = (20, 200), 2**23  # Gaussian sets: as many as give so many values, within limits
POINTS = 1000  # at which distribution functions are compared


def resampling(images: int, seed: int = 0) -> Tensor:
    """How often each image is drawn in each of 400 bootstrap samples of images: (400, images), rows sum to 1."""
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.randint(images, (RESAMPLES, images), generator=generator)
    counts = torch.zeros(RESAMPLES, images, dtype=torch.float64)
    return counts.scatter_add_(1, drawn, torch.ones_like(drawn, dtype=torch.float64)) / images


def resampled_ks(values: Tensor, weights: Tensor) -> Tensor:
    """The distance to the fitted Gaussian in each bootstrap sample, at 1000 quantiles of all values.

    Args:
        values: (images, n), as many of each image.
        weights: (samples, images), from :func:`resampling`.

    Returns:
        (samples,)
    """
    each = values.detach().double().sort(1).values
    pooled = each.flatten().sort().values
    points = pooled[torch.linspace(0, len(pooled) - 1, min(POINTS, len(pooled))).long()]
    at = points.expand(len(each), -1).contiguous()
    sides = [weights @ (torch.searchsorted(each, at, right=right).double() / each.shape[1]) for right in (True, False)]
    mean = weights @ each.mean(1)
    scale = (weights @ each.square().mean(1) - mean.square()).clamp_min(1e-300).sqrt()
    below = normal_below((points - mean[:, None]) / scale[:, None])
    return torch.maximum((sides[0] - below).abs().amax(1), (sides[1] - below).abs().amax(1))


def interval(samples: Tensor, estimate: float) -> tuple[float, float]:
    """The middle 95 % of bootstrap samples, moved so that their mean is the estimate.

    A distance grows with the noise that resampling adds; moving takes that off.
    """
    moved = samples - samples.mean() + estimate
    low, high = torch.quantile(moved, torch.tensor([(1 - LEVEL) / 2, (1 + LEVEL) / 2], dtype=moved.dtype)).tolist()
    return low, high


def gaussian_ks(band: Tensor, seed: int = 0) -> float:
    """The distance that a Gaussian band of this power spectrum stays below in 95 % of sets of as many images.

    Long correlations, and brightness that differs between images, make the values of a Gaussian band look less Gaussian
    than as many independent ones; a band above this limit is not Gaussian.

    Args:
        band: (B, C, h, w); channels count as one.
        seed: of the sets that are drawn: 200 of small bands, 20 of large ones.
    """
    x = band.detach().float()
    x = x - x.mean((0, 2, 3), keepdim=True)
    power = torch.fft.rfft2(x, norm="ortho").abs().square().mean((0, 1))
    generator = torch.Generator().manual_seed(seed)
    found = []
    for _ in range(min(max(VALUES // x[:, 0].numel(), DRAWS[0]), DRAWS[1])):
        white = torch.randn(len(x), *x.shape[-2:], generator=generator)
        found.append(ks_distance(torch.fft.irfft2(torch.fft.rfft2(white) * power.sqrt(), s=x.shape[-2:])))
    return float(torch.quantile(torch.tensor(found), LEVEL))
