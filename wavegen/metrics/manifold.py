"""Fidelity and variety of a set of images, measured separately: precision, recall, density, coverage."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

import torch
from pydantic import Field
from torch import Tensor

from wavegen.core.errors import InputError
from wavegen.core.registry import register
from wavegen.metrics._inputs import check_finite
from wavegen.metrics.backbones import BACKBONES
from wavegen.metrics.distribution import BackboneMetric, DistributionScore
from wavegen.metrics.set_distances import check_features

Kind = Literal["precision", "recall", "density", "coverage"]
Neighbours = Annotated[int, Field(ge=1)]
SUMMARY: dict[Kind, str] = {
    "precision": "part of the restored images inside the manifold of real ones",
    "recall": "part of the real images inside the manifold of restored ones",
    "density": "how many real neighbourhoods hold a restored image, over k",
    "coverage": "part of the real neighbourhoods that hold a restored image",
}
PAPER: dict[Kind, str] = {
    "precision": "Kynkäänniemi et al. 2019, arXiv 1904.06991",
    "recall": "Kynkäänniemi et al. 2019, arXiv 1904.06991",
    "density": "Naeem et al. 2020, arXiv 2002.09797",
    "coverage": "Naeem et al. 2020, arXiv 2002.09797",
}


class Manifold(NamedTuple):
    """All four; precision, recall and coverage lie in [0, 1], density may exceed 1."""

    precision: float
    recall: float
    density: float
    coverage: float


def manifold_scores(restored: Tensor, real: Tensor, k: int = 5) -> Manifold:
    """Precision, recall, density and coverage from balls that reach to the k-th nearest neighbour of their own set.

    Precision: part of the restored in any real ball; recall: part of the real in any restored ball (arXiv
    1904.06991, eq. 1-2). Density: mean number of real balls around a restored image, over k; coverage: part of the
    real balls with a restored image inside (arXiv 2002.09797, eq. 3-4). For two samples of one distribution coverage is
    about 1 - 2^-k and density 1.

    Args:
        restored: features (N, D).
        real: features (M, D).
        k: neighbours, below N and M.

    Raises:
        InputError: wrong shapes, too few images for k, or values that are not finite.
    """
    a, b = check_features(restored, real)
    check_finite(a, b)
    if not 1 <= k < min(len(a), len(b)):
        raise InputError(f"k = {k}: must be at least 1 and below the size of both sets, {len(a)} and {len(b)}")
    across = torch.cdist(a, b)
    real_radius, restored_radius = _radii(b, k), _radii(a, k)
    in_real = across <= real_radius
    in_restored = across <= restored_radius[:, None]
    return Manifold(
        float(in_real.any(dim=1).double().mean()),
        float(in_restored.any(dim=0).double().mean()),
        float(in_real.double().sum(dim=1).mean() / k),
        float((across.min(dim=0).values <= real_radius).double().mean()),
    )


def _radii(features: Tensor, k: int) -> Tensor:
    """Distance of each to its k-th nearest other member, (N,)."""
    distance = torch.cdist(features, features)
    distance.fill_diagonal_(-1.0)  # itself first, whatever rounding says
    return distance.kthvalue(k + 1, dim=1).values


class ManifoldMetric(BackboneMetric):
    """One of :func:`manifold_scores` with a named backbone; not comparable between backbones, k or set sizes.

    Args:
        kind: which of the four.
        backbone: the feature network.
        weights: path of the weight file; found as :func:`wavegen.metrics.weights.locate` says without it.
        k: neighbours; both sets need more images than that.

    Raises:
        InputError: the weight file is not found, or is not the one that it should be.
    """

    title, form = "manifold", ".3f"
    higher_is_better = True

    def __init__(
        self,
        kind: Kind = "precision",
        backbone: Literal["vgg16", "effnet_lite0"] = "vgg16",
        weights: str | Path | None = None,
        k: Neighbours = 5,
    ) -> None:
        self.kind, self.k = kind, k
        self.name = f"{kind}_{backbone}"
        self.least_images = max(type(self).least_images, k + 1)
        self.use(BACKBONES[backbone](weights))

    def compare(self, features_a: Tensor, features_b: Tensor) -> DistributionScore:
        """The score of restored features (N, D) against real ones (M, D)."""
        value = getattr(manifold_scores(features_a, features_b, self.k), self.kind)
        n = (len(features_a), len(features_b))
        return DistributionScore(self.name, value, None, self.backbone.name, n, self.backbone.dimension)


def _with(kind: Kind, net: Literal["vgg16", "effnet_lite0"]) -> type[ManifoldMetric]:
    """The component of one of the four scores with one network."""

    class Made(ManifoldMetric):
        title = f"{kind}{'' if net == 'effnet_lite0' else ' VGG16'}"
        best = None if kind == "density" else 1.0  # in expectation of a density, but it may exceed 1
        values = (0.0, math.inf if kind == "density" else 1.0)
        weight_file, extra = ("lpips_vgg16", None) if net == "vgg16" else (net, "eval")

        def __init__(self, weights: str | Path | None = None, k: Neighbours = 5) -> None:
            super().__init__(kind, net, weights, k)

    Made.__name__ = Made.__qualname__ = f"{kind.capitalize()}{net.title().replace('_', '')}"
    return Made


for _kind in SUMMARY:
    for _net in ("vgg16", "effnet_lite0"):
        register(
            "metric",
            f"{_kind}_{_net}",
            f"{SUMMARY[_kind]}, {_net} features",
            paper=PAPER[_kind],
            capabilities=("distribution", "higher_is_better", "needs_weights"),
        )(_with(_kind, _net))
