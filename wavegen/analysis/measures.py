"""Measures of Gaussianity, sparsity and correlation of the coefficients of a band."""

from __future__ import annotations

import math

import torch
from torch import Tensor

BIN = 0.1  # histogram bin width for the entropy, in standard deviations
ENTROPY = 0.5 * math.log(2 * math.pi * math.e)  # of a Gaussian of unit variance, in nats
GAUSSIAN_GINI = math.sqrt(2) - 1
LAPLACE_GINI = 0.5
CONFIDENCE = 0.95  # of intervals and limits


def standardised(values: Tensor) -> Tensor:
    """All values, flattened, in float64, with mean 0 and variance 1; NaN if they are constant."""
    flat = values.detach().double().flatten()
    centred = flat - flat.mean()
    scale = centred.square().mean().sqrt()
    return centred / torch.where(scale > 1e-9 * flat.abs().max(), scale, torch.nan)


def ks_distance(values: Tensor) -> float:
    """Kolmogorov-Smirnov distance sup |F - G| to the Gaussian G of equal mean and variance, 0 to 1 (constant: NaN).

    A distance, not a test: coefficients are correlated, so that their number is not the effective sample size
    (:func:`gaussian_ks` computes the value expected of a Gaussian band).
    """
    z = standardised(values).sort().values
    normal = torch.special.ndtr(z)
    steps = torch.arange(len(z) + 1, dtype=torch.float64) / len(z)
    return float(torch.maximum((steps[1:] - normal).amax(), (normal - steps[:-1]).amax()))


def negentropy(values: Tensor) -> float:
    """Entropy of the Gaussian of the same variance minus that of the values, in nats: 0 for a Gaussian (constant: NaN).

    From a histogram with bins of a tenth of the standard deviation and the Miller-Madow bias correction. A value shared
    by many coefficients, such as an empty background, counts as spread over one bin, so the maximum is 3.7.
    """
    z = standardised(values)
    if not bool(torch.isfinite(z).all()):
        return math.nan
    counts = torch.unique((z / BIN).floor(), return_counts=True)[1].double()
    share = counts / len(z)
    entropy = -float((share * share.log()).sum()) + (len(counts) - 1) / (2 * len(z)) + math.log(BIN)
    return ENTROPY - entropy


def gini(values: Tensor) -> float:
    """Gini index of |values|: 0 if all are equal, 1 - 1/n if only one is not zero; Gaussian 0.414, Laplacian 0.5.

    NaN if all are zero. Source: Hurley, Rickard, IEEE Trans. Inf. Theory 55 (2009) 4723-4741.
    """
    size = values.detach().double().abs().flatten().sort().values
    n = len(size)
    rank = torch.arange(1, n + 1, dtype=torch.float64)
    return float(2 * (rank * size).sum() / (n * size.sum()) - (n + 1) / n)


def hoyer(values: Tensor) -> float:
    """Hoyer's sparsity (sqrt(n) - l1 / l2) / (sqrt(n) - 1): 0 if all |values| are equal, 1 if only one is not 0.

    For large n, Gaussian 0.202, Laplacian 0.293; NaN if all are zero or there is one value. Source: Hoyer, J. Mach.
    Learn. Res. 5 (2004) 1457-1469.
    """
    size = values.detach().double().abs().flatten()
    root = math.sqrt(len(size))
    return float((root - size.sum() / size.square().sum().sqrt()) / (root - 1)) if root > 1 else math.nan


def correlation_length(band: Tensor) -> float:
    """Distance in coefficients at which the correlation along rows and columns falls to 1/e, interpolated between lags.

    In a first-order autoregressive field, exp(-1 / length) is the correlation of neighbours; white noise has 0.63.
    The mean of each image is subtracted, so lengths close to the side of the band are underestimated.

    Args:
        band: (B, C, h, w).

    Returns:
        The length; infinite if the correlation stays above 1/e within half a side; NaN for a constant.
    """
    x = band.detach().double()
    x = x - x.mean((-2, -1), keepdim=True)
    lags = max(min(x.shape[-2:]) // 2, 1) + 1
    covariance = _covariance(x)[:lags] + _covariance(x.transpose(-2, -1))[:lags]
    if not float(covariance[0]) > 0:
        return math.nan
    rho = covariance / covariance[0]
    lower = (rho < 1 / math.e).nonzero()
    if not len(lower):
        return math.inf
    k = int(lower[0])
    before, after = float(rho[k - 1]), float(rho[k])
    return k - 1 + (before - 1 / math.e) / (before - after)


def _covariance(x: Tensor) -> Tensor:
    """Mean product of values for every lag along the last axis, (w,)."""
    width = x.shape[-1]
    power = torch.fft.rfft(x, 2 * width).abs().square().flatten(0, -2).mean(0)
    products: Tensor = torch.fft.irfft(power, 2 * width)[:width]
    return products / torch.arange(width, 0, -1, dtype=torch.float64)
