"""Distances between two sets of feature vectors: the kernel distance (KID) and the Fréchet distance."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from wavegen.core.errors import InputError


class Kid(NamedTuple):
    """Mean and standard deviation (ddof = 0) of the squared MMD over subsets."""

    mean: float
    std: float


def check_features(features_a: Tensor, features_b: Tensor) -> tuple[Tensor, Tensor]:
    """Two sets of features, (N, D) and (M, D), in float64.

    Raises:
        InputError: other shapes, or fewer than two images in a set.
    """
    shapes = f"{tuple(features_a.shape)} and {tuple(features_b.shape)}"
    if features_a.ndim != 2 or features_b.ndim != 2 or features_a.shape[1] != features_b.shape[1]:
        raise InputError(f"features must be (N, D) and (M, D), got {shapes}")
    if min(len(features_a), len(features_b)) < 2:
        raise InputError(f"a distance between sets needs at least 2 images in each, got {shapes}")
    return features_a.double(), features_b.double()


def kid(features_a: Tensor, features_b: Tensor, *, subsets: int = 100, subset_size: int = 100, seed: int = 0) -> Kid:
    """Kernel distance (KID, arXiv 1801.01401): unbiased squared MMD with k(x, y) = (x·y/D + 1)³.

    The estimate is made on ``subsets`` pairs of subsets, drawn without replacement within a subset.
    It may be negative, and has expectation 0 for two samples of one distribution. With
    ``subset_size`` equal to both set sizes every subset is the whole set and the std is 0.

    Args:
        features_a: (N, D).
        features_b: (M, D).
        subsets: how many pairs of subsets, at least 1.
        subset_size: images per subset, from 2 to min(N, M).
        seed: of the draw.

    Raises:
        InputError: wrong shapes, or a subset size out of range.
    """
    a, b = check_features(features_a, features_b)
    smaller = min(len(a), len(b))
    if subsets < 1 or not 2 <= subset_size <= smaller:
        raise InputError(
            f"KID needs subsets >= 1 and 2 <= subset_size <= {smaller} (the smaller set), "
            f"got subsets = {subsets}, subset_size = {subset_size}"
        )
    generator = torch.Generator().manual_seed(seed)
    values = []
    for _ in range(subsets):
        picked_a = torch.randperm(len(a), generator=generator)[:subset_size]
        picked_b = torch.randperm(len(b), generator=generator)[:subset_size]
        values.append(_squared_mmd(a[picked_a.to(a.device)], b[picked_b.to(b.device)]))
    estimates = torch.stack(values)
    return Kid(float(estimates.mean()), float(estimates.std(correction=0)))


def _squared_mmd(x: Tensor, y: Tensor) -> Tensor:
    """Unbiased squared MMD of two (m, D) samples of one size, cubic kernel."""
    m, dimension = x.shape

    def kernel(u: Tensor, v: Tensor) -> Tensor:
        return (u @ v.T / dimension + 1) ** 3

    def off_diagonal_mean(k: Tensor) -> Tensor:
        return (k.sum() - k.trace()) / (m * (m - 1))

    return off_diagonal_mean(kernel(x, x)) + off_diagonal_mean(kernel(y, y)) - 2 * kernel(x, y).mean()


def gaussian_fit(features: Tensor) -> tuple[Tensor, Tensor]:
    """Mean (D,) and covariance (D, D), ddof = 1, of (N, D) features, in float64."""
    if features.ndim != 2 or len(features) < 2:
        raise InputError(f"features must be (N, D) with N >= 2, got {tuple(features.shape)}")
    return features.double().mean(dim=0), torch.cov(features.double().T).reshape(features.shape[1], -1)


def frechet_distance(mu1: Tensor, cov1: Tensor, mu2: Tensor, cov2: Tensor) -> float:
    """Fréchet distance of two Gaussians (arXiv 1706.08500, eq. 6), squared as is usual:

    |mu1 - mu2|² + tr(cov1 + cov2 - 2 (cov1^½ cov2 cov1^½)^½).

    By two symmetric eigenvalue problems, which stay exact where a covariance is singular.

    Args:
        mu1: (D,).
        cov1: (D, D), symmetric, positive semidefinite.
        mu2: (D,).
        cov2: (D, D).

    Raises:
        InputError: shapes do not fit.
    """
    dimension = len(mu1)
    if mu1.shape != mu2.shape or not (cov1.shape == cov2.shape == (dimension, dimension)):
        shapes = ", ".join(str(tuple(t.shape)) for t in (mu1, cov1, mu2, cov2))
        raise InputError(f"frechet_distance needs (D,), (D, D), (D,), (D, D), got {shapes}")
    mu1, cov1, mu2, cov2 = (t.double() for t in (mu1, cov1, mu2, cov2))
    values, vectors = torch.linalg.eigh(cov1)
    root = (vectors * values.clamp_min(0).sqrt()) @ vectors.T
    cross = torch.linalg.eigvalsh(root @ cov2 @ root).clamp_min(0).sqrt().sum()
    distance = (mu1 - mu2).square().sum() + cov1.trace() + cov2.trace() - 2 * cross
    return max(float(distance), 0.0)  # below 0 by rounding alone
