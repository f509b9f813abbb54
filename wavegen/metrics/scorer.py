"""All metrics of an evaluation, on one stated intensity scale."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from einops import rearrange
from torch import Tensor

from wavegen.core.errors import InputError
from wavegen.core.optional import MissingPackageError
from wavegen.core.registry import build
from wavegen.metrics.base import DistributionMetric, Metric
from wavegen.metrics.catalogue import declared, default_metrics, key_of, named
from wavegen.metrics.scales import Scale, has_scale, scaled
from wavegen.metrics.weights import locate

PATCH = 128  # side of the patches that distribution metrics compare; larger images give several
NO_WEIGHTS = "weights not installed; see wavegen weights"


class Scorer:
    """Scores of restorations against their targets, by metrics of the registry.

    Images are compared on one of the scales of :func:`~wavegen.metrics.scales.scaled`, whose width is 1. The score of a
    target that has no scale (:func:`~wavegen.metrics.scales.has_scale`) is NaN: not defined. Metrics that need the unit
    range get images clipped to it. Distribution metrics compare patches of 128 x 128. A metric whose weights or package
    are not installed, or for which images are too small or too few, is left out with a remark.

    Args:
        metrics: registered names or keys of result files; by default
            :func:`~wavegen.metrics.catalogue.default_metrics`.
        scale: the intensity scale.
        perceptual: whether to look for metrics that need weights.

    Attributes:
        metrics: what can be scored, by the key of result files.
        keys: all keys that were asked for, also those that are left out.

    Raises:
        InputError: an unknown metric; one that was named and cannot be built.
    """

    def __init__(self, metrics: Sequence[str] | None = None, scale: Scale = "target", perceptual: bool = True) -> None:
        self.scale: Scale = scale
        self.metrics: dict[str, Metric] = {}
        self.keys: list[str] = []
        self._left_out: dict[str, list[str]] = {}  # metrics by reason
        self._uncertain: dict[str, None] = {}  # remarks, once each
        self._sets: dict[str, tuple[Tensor, Tensor]] = {}  # the last targets and their features, by key
        if metrics is None:
            for name in default_metrics():
                self._add_or_remark(name, perceptual)
        else:
            for name in dict.fromkeys(named(text) for text in metrics):
                self.keys.append(key_of(name))
                self.metrics[key_of(name)] = build("metric", name)

    def _add_or_remark(self, name: str, perceptual: bool) -> None:
        try:
            kind = declared(name)
        except InputError as error:
            self._leave_out(name, str(error))
            return
        key = key_of(name)
        self.keys.append(key)
        if kind.weight_file is not None and not perceptual:
            return
        try:
            self.metrics[key] = build("metric", name)
        except MissingPackageError as error:
            self._leave_out(kind.title, str(error))
        except InputError as error:
            lacking = kind.weight_file is not None and locate(kind.weight_file) is None
            self._leave_out(kind.title, NO_WEIGHTS if lacking else str(error))

    def _leave_out(self, what: str, reason: str) -> None:
        there = self._left_out.setdefault(reason, [])
        if what not in there:
            there.append(what)

    @property
    def remarks(self) -> list[str]:
        """What is left out and why, a line for each reason; then distances of few images."""
        return [
            *(f"left out: {', '.join(what)} ({reason})" for reason, what in self._left_out.items()),
            *self._uncertain,
        ]

    def keys_of(self, compares: str) -> list[str]:
        """Keys of the metrics at hand that compare in one way: paired, single, ensemble or distribution."""
        return [key for key, metric in self.metrics.items() if metric.compares == compares]

    def paired(self, restored: Tensor, target: Tensor) -> dict[str, Tensor]:
        """One score (N,) for each image of (N, C, H, W), by key, of paired and single metrics."""
        a, b = scaled(self.scale, restored, target)
        return self._scores(("paired", "single"), a[None], b, has_scale(self.scale, target))

    def ensemble(self, samples: Tensor, target: Tensor) -> dict[str, Tensor]:
        """Scores (N,) of samples (S, N, C, H, W), S >= 2, on the same scale, by key."""
        pairs = [scaled(self.scale, sample, target) for sample in samples]
        known = has_scale(self.scale, target)
        return self._scores(("ensemble",), torch.stack([a for a, _ in pairs]), pairs[0][1], known)

    def _scores(self, sorts: Sequence[str], samples: Tensor, target: Tensor, known: Tensor) -> dict[str, Tensor]:
        """Scores of samples (S, N, C, H, W), one for paired and single metrics; NaN where not ``known``."""
        scores = {}
        restored, truth = samples[:, known], target[known]
        for key, metric in self.metrics.items():
            if metric.compares not in sorts or not self._large_enough(metric, target):
                continue
            scores[key] = torch.full((len(target),), math.nan, dtype=torch.float64)
            if len(truth):
                a, b = (image.clamp(0, 1) if metric.unit_range else image for image in (restored, truth))
                a = a if metric.compares == "ensemble" else a[0]
                images: tuple[Tensor, ...] = (a,) if metric.compares == "single" else (a, b)
                scores[key][known.cpu()] = self._checked(key, metric(*images, 1.0), len(truth))  # type: ignore[operator]
        return scores

    def _checked(self, key: str, values: Any, count: int) -> Tensor:
        """What a metric gave, in float64.

        Raises:
            InputError: not one value for each image.
        """
        if not isinstance(values, Tensor) or values.shape != (count,):
            shape = tuple(values.shape) if isinstance(values, Tensor) else type(values).__name__
            raise InputError(f"metric {key!r} gave {shape} for {count} images; it must give one value for each")
        return values.detach().cpu().double()

    def _large_enough(self, metric: Metric, images: Tensor) -> bool:
        if min(images.shape[-2:]) >= metric.least_side:
            return True
        self._leave_out(metric.title, f"images have fewer than {metric.least_side} pixels a side")
        return False

    def distances(self, restored: Sequence[Tensor], target: Sequence[Tensor]) -> dict[str, float | None]:
        """Distances between the patches of two lists of batches, by key, without targets that have no scale.

        None, with a remark, where patches differ in size, are too small, or too few.
        """
        keys = self.keys_of("distribution")
        if not keys:
            return {}
        known = [has_scale(self.scale, truth) for truth in target]
        pairs = [
            scaled(self.scale, a[which], b[which])
            for a, b, which in zip(restored, target, known, strict=True)
            if bool(which.any())
        ]
        if not pairs:
            return dict.fromkeys(keys)
        a, b = (_joined([patches(image) for image in images]) for images in zip(*pairs, strict=True))
        if a is None or b is None:
            for key in keys:
                self._leave_out(self.metrics[key].title, "patches differ in size")
        return {key: None if a is None or b is None else self._distance(key, a, b) for key in keys}

    def _distance(self, key: str, a: Tensor, b: Tensor) -> float | None:
        metric = self.metrics[key]
        assert isinstance(metric, DistributionMetric)
        if len(a) < metric.least_images:
            self._leave_out(metric.title, f"{len(a)} patches; fewer than {metric.least_images} say nothing")
            return None
        if not self._large_enough(metric, b):
            return None
        if len(a) < metric.few_images:
            remark = f"{metric.title}: of {len(a)} patches only; uncertain below {metric.few_images}"
            self._uncertain |= {remark: None}
        if metric.unit_range:
            a, b = a.clamp(0, 1), b.clamp(0, 1)
        if key not in self._sets or not _equal(self._sets[key][0], b):
            self._sets[key] = (b, metric.features(b, 1.0))
        metric.limit(len(a))
        return float(metric.compare(metric.features(a, 1.0), self._sets[key][1]))


def patches(images: Tensor) -> Tensor:
    """Cut (N, C, H, W) into non-overlapping patches; small images stay whole."""
    if min(images.shape[-2:]) < 2 * PATCH:
        return images
    height, width = (n // PATCH * PATCH for n in images.shape[-2:])
    whole = images[..., :height, :width]
    return rearrange(whole, "n c (r h) (s w) -> (n r s) c h w", h=PATCH, w=PATCH)


def _joined(parts: list[Tensor]) -> Tensor | None:
    """All patches together; None where they differ in size."""
    return torch.cat(parts) if len({part.shape[1:] for part in parts}) == 1 else None


def _equal(a: Tensor, b: Tensor) -> bool:
    return a.shape == b.shape and torch.equal(a, b)
