"""Metrics that compare two sets of images by the features of a network: KID and the Fréchet distance (FID)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field
from torch import Tensor

from wavegen.core.registry import register
from wavegen.metrics._inputs import DataRange
from wavegen.metrics.backbones import BACKBONES, Backbone, inception
from wavegen.metrics.base import DistributionMetric
from wavegen.metrics.set_distances import check_features, frechet_distance, gaussian_fit, kid


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


class BackboneMetric(DistributionMetric, abstract=True):
    """What metrics of a feature network share.

    The KID x 1000 of two sets of true images (``benchmarks/few_images.py``) has a standard deviation of 365 for 2
    images, 61 for 10, 12 for 50 and 4 for 100, where an unrestored input has 950 and a restoration 300: below 10 images
    nothing is scored, below 50 with a remark.
    """

    least_images = 10
    few_images = 50
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
    few_images = 2048
    higher_is_better, best, values = False, 0.0, (0.0, math.inf)
    weight_file = "inception_fid"

    def __init__(self, weights: str | Path | None = None) -> None:
        self.use(inception(weights))

    def compare(self, features_a: Tensor, features_b: Tensor) -> DistributionScore:
        """FID of two sets of features, (N, 2048) and (M, 2048)."""
        a, b = check_features(features_a, features_b)
        value = frechet_distance(*gaussian_fit(a), *gaussian_fit(b))
        return DistributionScore("fid", value, None, self.backbone.name, (len(a), len(b)), self.backbone.dimension)
