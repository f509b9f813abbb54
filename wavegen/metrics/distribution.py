"""Distances between two sets of images, by their features: KID and the Fréchet distance (FID)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

import torch
from pydantic import Field
from torch import Tensor

from wavegen.core.errors import InputError
from wavegen.core.registry import register
from wavegen.metrics._inputs import DataRange
from wavegen.metrics.backbones import BACKBONES, Backbone, inception
from wavegen.metrics.base import DistributionMetric


class Kid(NamedTuple):
    """Mean and standard deviation (ddof = 0) of the squared MMD over subsets."""

    mean: float
    std: float


@dataclass(frozen=True)
class DistributionScore:
    """A distance between two sets, with what it depends on: backbone, set sizes and dimension.

    ``std`` is over subsets, and None where there are none.
    """

    metric: str
    value: float
    std: float | None
    backbone: str
    n: tuple[int, int]
    dimension: int

    def __float__(self) -> float:
        """The value alone."""
        return self.value

    def __str__(self) -> str:
        """One line for a table or a log."""
        spread = "" if self.std is None else f" ± {self.std:.3g}"
        sizes = " and ".join(map(str, self.n))
        return f"{self.metric} {self.value:.4g}{spread} ({self.backbone}, n = {sizes}, dimension {self.dimension})"


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
    return float(distance)


class BackboneMetric(DistributionMetric, abstract=True):
    """What metrics of a feature network share."""

    unit_range = True
    extra: str | None = "eval"
    backbone: Backbone

    def use(self, backbone: Backbone) -> None:
        """Take features from this network."""
        self.backbone = backbone
        self.least_side = backbone.smallest

    def features(self, images: Tensor, data_range: DataRange) -> Tensor:
        """(N, C, H, W) images, C = 1 or 3, in [0, data_range] -> (N, D) features on the CPU."""
        return self.backbone.features(images, data_range)


class KernelDistance(BackboneMetric):
    """KID (see :func:`kid`) with a named backbone; not comparable between backbones.

    Args:
        backbone: the feature network.
        weights: path of the weight file; found as :func:`wavegen.metrics.weights.locate` says without it.
        subsets: how many pairs of subsets.
        subset_size: images per subset, at most the size of the smaller set.
        seed: of the draw of subsets.

    Raises:
        InputError: the weight file is not found, or is not the one that it should be.
    """

    title, form, factor = "KID", ".2f", 1000.0
    higher_is_better, best = False, 0.0  # an unbiased estimate may be negative

    def __init__(
        self,
        backbone: Literal["vgg16", "effnet_lite0"] = "vgg16",
        weights: str | Path | None = None,
        subsets: Annotated[int, Field(ge=1)] = 100,
        subset_size: Annotated[int, Field(ge=2)] = 100,
        seed: Annotated[int, Field(ge=0)] = 0,
    ) -> None:
        self.name = f"kid_{backbone}"
        self.use(BACKBONES[backbone](weights))
        self.subsets, self.subset_size, self.seed = subsets, subset_size, seed
        self.largest_subset = subset_size

    def limit(self, images: int) -> None:
        """Draw subsets of at most so many images."""
        self.subset_size = min(self.largest_subset, images)

    def compare(self, features_a: Tensor, features_b: Tensor) -> DistributionScore:
        """KID of two sets of features, (N, D) and (M, D)."""
        score = kid(features_a, features_b, subsets=self.subsets, subset_size=self.subset_size, seed=self.seed)
        n = (len(features_a), len(features_b))
        return DistributionScore(self.name, score.mean, score.std, self.backbone.name, n, self.backbone.dimension)


@register(
    "metric",
    "kid_effnet_lite0",
    "kernel distance of two sets of images, EfficientNet-Lite0 features",
    paper="Binkowski et al. 2018, arXiv 1801.01401",
    capabilities=("distribution", "lower_is_better", "needs_weights"),
)
class KidEffnetLite0(KernelDistance):
    """:class:`KernelDistance` with EfficientNet-Lite0."""

    weight_file = "effnet_lite0"

    def __init__(
        self,
        weights: str | Path | None = None,
        subsets: Annotated[int, Field(ge=1)] = 100,
        subset_size: Annotated[int, Field(ge=2)] = 100,
        seed: Annotated[int, Field(ge=0)] = 0,
    ) -> None:
        super().__init__("effnet_lite0", weights, subsets, subset_size, seed)


@register(
    "metric",
    "kid_vgg16",
    "kernel distance of two sets of images, VGG16 relu5_3 features",
    paper="Binkowski et al. 2018, arXiv 1801.01401",
    capabilities=("distribution", "lower_is_better", "needs_weights"),
)
class KidVgg16(KernelDistance):
    """:class:`KernelDistance` with VGG16."""

    title = "KID VGG16"
    weight_file, extra = "lpips_vgg16", None

    def __init__(
        self,
        weights: str | Path | None = None,
        subsets: Annotated[int, Field(ge=1)] = 100,
        subset_size: Annotated[int, Field(ge=2)] = 100,
        seed: Annotated[int, Field(ge=0)] = 0,
    ) -> None:
        super().__init__("vgg16", weights, subsets, subset_size, seed)


@register(
    "metric",
    "fid",
    "Fréchet distance of two sets of images, the published Inception-v3 features",
    paper="Heusel et al. 2017, arXiv 1706.08500",
    capabilities=("distribution", "lower_is_better", "needs_weights"),
)
class FrechetInceptionDistance(BackboneMetric):
    """FID, with pytorch-fid's network and weights only; strongly biased when n < 2048, its dimension.

    Args:
        weights: path of pt_inception-2015-12-05-6726825d.pth; looked for without it, never downloaded.

    Raises:
        InputError: the weight file is not found, or is not the one that it should be.
    """

    title, form = "FID", ".2f"
    higher_is_better, best, values = False, 0.0, (0.0, math.inf)
    weight_file = "inception_fid"

    def __init__(self, weights: str | Path | None = None) -> None:
        self.use(inception(weights))

    def compare(self, features_a: Tensor, features_b: Tensor) -> DistributionScore:
        """FID of two sets of features, (N, 2048) and (M, 2048)."""
        a, b = check_features(features_a, features_b)
        value = frechet_distance(*gaussian_fit(a), *gaussian_fit(b))
        return DistributionScore("fid", value, None, self.backbone.name, (len(a), len(b)), self.backbone.dimension)
