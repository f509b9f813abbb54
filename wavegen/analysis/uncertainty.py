"""Sampling uncertainty: bootstrap intervals over images, and KS distances of Gaussian bands of equal spectrum."""

from __future__ import annotations

import torch
from torch import Tensor

from wavegen.analysis.measures import CONFIDENCE, ks_distance

RESAMPLES = 400
DRAWS, VALUES = (20, 200), 2**23  # limits of the number of Gaussian sets, and total values in all of them
POINTS = 1000  # where distribution functions are compared


def resampling(images: int, seed: int = 0) -> Tensor:
    """How often each image is drawn in each of 400 bootstrap samples of images: (400, images), rows sum to 1."""
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.randint(images, (RESAMPLES, images), generator=generator)
    counts = torch.zeros(RESAMPLES, images, dtype=torch.float64)
    return counts.scatter_add_(1, drawn, torch.ones_like(drawn, dtype=torch.float64)) / images


def resampled_ks(values: Tensor, weights: Tensor) -> Tensor:
    """KS distance to the fitted Gaussian in each bootstrap sample, evaluated at 1000 quantiles of all values.

    Args:
        values: (images, n), the same number for each image.
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
    normal = torch.special.ndtr((points - mean[:, None]) / scale[:, None])
    return torch.maximum((sides[0] - normal).abs().amax(1), (sides[1] - normal).abs().amax(1))


def interval(samples: Tensor, estimate: float) -> tuple[float, float]:
    """The middle 95 % of bootstrap samples, shifted so that their mean is the estimate.

    The shift removes the bias of a distance due to the noise that resampling adds.
    """
    shifted = samples - samples.mean() + estimate
    low, high = torch.quantile(
        shifted, torch.tensor([(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2], dtype=shifted.dtype)
    ).tolist()
    return low, high


def gaussian_ks(band: Tensor, seed: int = 0) -> float:
    """The 95 % quantile of the KS distance of Gaussian bands with this power spectrum, for the same number of images.

    Long correlations, and brightness that varies between images, make the values of a Gaussian band look less Gaussian
    than independent ones; a band above this limit is not Gaussian.

    Args:
        band: (B, C, h, w); the spectrum is averaged over channels.
        seed: of the drawn sets: 200 for small bands, down to 20 for large ones.
    """
    x = band.detach().float()
    x = x - x.mean((0, 2, 3), keepdim=True)
    power = torch.fft.rfft2(x, norm="ortho").abs().square().mean((0, 1))
    generator = torch.Generator().manual_seed(seed)
    distances = []
    for _ in range(min(max(VALUES // x[:, 0].numel(), DRAWS[0]), DRAWS[1])):
        white = torch.randn(len(x), *x.shape[-2:], generator=generator)
        distances.append(ks_distance(torch.fft.irfft2(torch.fft.rfft2(white) * power.sqrt(), s=x.shape[-2:])))
    return float(torch.quantile(torch.tensor(distances), CONFIDENCE))
