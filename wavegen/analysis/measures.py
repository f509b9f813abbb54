"""How far from Gaussian, how sparse and how correlated the coefficients of a band are."""

from __future__ import annotations

import math

import torch
from torch import Tensor

BIN = 0.1  # width, in standard deviations, of the bins that the entropy is taken from
ENTROPY = 0.5 * math.log(2 * math.pi * math.e)  # of a Gaussian of unit variance, in nats
GAUSSIAN_GINI = math.sqrt(2) - 1
LAPLACE_GINI = 0.5
LEVEL = 0.95  # of intervals and limits


def standard(values: Tensor) -> Tensor:
    """All values, flat and float64, with mean 0 and variance 1; NaN where they are all alike."""
    flat = values.detach().double().flatten()
    centred = flat - flat.mean()
    scale = centred.square().mean().sqrt()
    return centred / torch.where(scale > 1e-9 * flat.abs().max(), scale, torch.nan)


def normal_below(z: Tensor) -> Tensor:
    """The standard Gaussian's distribution function."""
    below: Tensor = torch.special.ndtr(z)
    return below


def ks_distance(values: Tensor) -> float:
    """Kolmogorov-Smirnov distance sup |F - G| to the Gaussian G of equal mean and variance: 0 to 1; NaN of a constant.

    The distance as such, not a test: coefficients are correlated and their number says little
    (:func:`gaussian_ks` tells what a Gaussian band would show).
    """
    z = standard(values).sort().values
    below = normal_below(z)
    steps = torch.arange(len(z) + 1, dtype=torch.float64) / len(z)
    found = torch.maximum((steps[1:] - below).amax(), (below - steps[:-1]).amax())
    return float(found)


def negentropy(values: Tensor) -> float:
    """Entropy of the Gaussian of the same variance minus the values' own, in nats: 0 for a Gaussian; NaN of a constant.

    From a histogram of bins of a tenth of the standard deviation, with the bias of its occupied bins taken off (Miller,
    Madow). A value that holds many coefficients, as an empty background, counts as if spread over a bin, so that 3.7 is
    the most that can be found.
    """
    z = standard(values)
    if not bool(torch.isfinite(z).all()):
        return math.nan
    counts = torch.unique((z / BIN).floor(), return_counts=True)[1].double()
    share = counts / len(z)
    entropy = -float((share * share.log()).sum()) + (len(counts) - 1) / (2 * len(z)) + math.log(BIN)
    return ENTROPY - entropy


def gini(values: Tensor) -> float:
    """Gini index of |values|: 0 if all are alike, 1 - 1/n for a single one that is not 0; a Gaussian has .414, a
    Laplacian .5 (Hurley, Rickard, IEEE Trans. Inf. Theory 55 (2009) 4723-4741); NaN of zeros.
    """
    size = values.detach().double().abs().flatten().sort().values
    n = len(size)
    rank = torch.arange(1, n + 1, dtype=torch.float64)
    return float(2 * (rank * size).sum() / (n * size.sum()) - (n + 1) / n)


def hoyer(values: Tensor) -> float:
    """Hoyer's sparsity (sqrt(n) - l1 / l2) / (sqrt(n) - 1): 0 if all sizes are alike, 1 for a single one that is not 0.

    A Gaussian has .202, a Laplacian .293 for large n (J. Mach. Learn. Res. 5 (2004) 1457-1469); NaN of zeros, and of
    one value.
    """
    size = values.detach().double().abs().flatten()
    root = math.sqrt(len(size))
    return float((root - size.sum() / size.square().sum().sqrt()) / (root - 1)) if root > 1 else math.nan


def correlation_length(band: Tensor) -> float:
    """Distance in coefficients at which the correlation along rows and columns is down to 1/e, linearly between lags.

    exp(-1 / length) is the correlation of neighbours in an autoregressive field of first order; white noise has .63.
    Each image's mean is taken off, so that lengths near the side of the band come out too short.

    Args:
        band: (B, C, h, w).

    Returns:
        The length; infinite where the correlation does not fall so far within half a side; NaN of a constant.
    """
    x = band.detach().double()
    x = x - x.mean((-2, -1), keepdim=True)
    lags = max(min(x.shape[-2:]) // 2, 1) + 1
    along = (_covariance(x), _covariance(x.transpose(-2, -1)))
    covariance = sum(c[:lags] for c in along)
    assert isinstance(covariance, Tensor)
    if not float(covariance[0]) > 0:
        return math.nan
    rho = covariance / covariance[0]
    fallen = (rho < 1 / math.e).nonzero()
    if not len(fallen):
        return math.inf
    k = int(fallen[0])
    before, after = float(rho[k - 1]), float(rho[k])
    return k - 1 + (before - 1 / math.e) / (before - after)


def _covariance(x: Tensor) -> Tensor:
    """Mean product of values at every lag along the last axis, (w,)."""
    width = x.shape[-1]
    power = torch.fft.rfft(x, 2 * width).abs().square().flatten(0, -2).mean(0)
    products: Tensor = torch.fft.irfft(power, 2 * width)[:width]
    return products / torch.arange(width, 0, -1, dtype=torch.float64)
