"""The contract of metrics: the declared direction, best value and range are true, and images are judged one by one."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from wavegen.testing.base import Subject, distance, image

SAMPLES, IMAGES, SIDE = 4, 3, 40
NOISE = (0.02, 0.08, 0.3)  # ever worse restorations
SORTS = ("paired", "single", "ensemble", "distribution")


def check(subject: Subject, metric: Any) -> None:
    """Every check of the contract; what is compared and which way is better are read from the declarations."""
    sort = str(getattr(metric, "compares", None))
    subject.require(sort in SORTS, "declarations", f"compares = {sort}; derive from a class of wavegen.metrics.base")
    side = max(SIDE, metric.least_side)
    clean = _beads(side) if sort == "single" else _clean(side)
    if sort == "distribution":
        _sets(subject, metric, clean)
        return
    one = {"paired": _paired, "single": _single, "ensemble": _ensemble}[sort](metric, clean)
    values = [one(noise) for noise in (NOISE[:1] if sort == "single" else NOISE)]
    for value in values:
        _form(subject, metric, value, len(clean))
    if sort == "paired":
        _direction(subject, metric, [float(value.mean()) for value in values])
        _best(subject, metric, one(0.0))
    _items(subject, metric, sort, clean)
    _units(subject, metric, sort, clean)


def _clean(side: int, images: int = IMAGES) -> Tensor:
    """Smooth structures in [0.1, 0.9], of another phase in each image."""
    line = torch.linspace(0, 6.0 * side / SIDE, side, dtype=torch.float64)
    phase = torch.arange(images, dtype=torch.float64).view(-1, 1, 1, 1) * 0.7
    fine = 0.1 * torch.sin(9 * line[:, None] + phase) * torch.sin(7 * line)
    return (0.5 + 0.3 * torch.sin(line[:, None] + 6 * phase) * torch.cos(1.7 * line) + fine).float()


def _beads(side: int) -> Tensor:
    """Two bright spots on a dim field, for metrics that judge an image alone."""
    y, x = (torch.arange(side, dtype=torch.float32) for _ in range(2))

    def bead(row: float, column: float) -> Tensor:
        return (-((y[:, None] - row) ** 2 + (x - column) ** 2) / 8).exp()

    images = [0.1 + 0.8 * (bead(side * 0.3 + i, side * 0.3) + bead(side * 0.7, side * 0.65)) for i in range(IMAGES)]
    return torch.stack(images)[:, None]


def _noisy(clean: Tensor, noise: float, seed: int = 0) -> Tensor:
    return (clean + noise * image(*clean.shape, seed=seed, dtype=torch.float32)).clamp(0, 1)


def _paired(metric: Any, clean: Tensor) -> Callable[[float], Tensor]:
    return lambda noise: metric(_noisy(clean, noise), clean, 1.0)


def _single(metric: Any, clean: Tensor) -> Callable[[float], Tensor]:
    return lambda noise: metric(_noisy(clean, noise), 1.0)


def _samples(clean: Tensor, noise: float) -> Tensor:
    return torch.stack([_noisy(clean, noise, seed) for seed in range(1, SAMPLES + 1)])


def _ensemble(metric: Any, clean: Tensor) -> Callable[[float], Tensor]:
    """Samples that are as spread as they are wrong."""
    return lambda noise: metric(_samples(clean, noise), _noisy(clean, noise), 1.0)


def _form(subject: Subject, metric: Any, value: Tensor, count: int) -> None:
    shape = tuple(value.shape)
    subject.require(shape == (count,), "shape", f"{shape} for {count} images; one value for each is {(count,)}")
    low, high = metric.values
    known = value[~value.isnan()]
    inside = bool((known >= low - 1e-5).all() and (known <= high + 1e-5).all())
    shown = ", ".join(f"{v:.4g}" for v in value.tolist())
    subject.require(inside, "range", f"{shown} is not inside the declared values {metric.values}")


def _direction(subject: Subject, metric: Any, values: list[float]) -> None:
    if metric.higher_is_better is None:
        return
    sign = 1 if metric.higher_is_better else -1
    word = "higher" if metric.higher_is_better else "lower"
    shown = ", ".join(f"{value:.4g}" for value in values)
    falls = all(sign * a > sign * b for a, b in pairwise(values))
    rises = all(sign * a < sign * b for a, b in pairwise(values))
    fault = f"declared that {word} is better, but ever noisier images score {shown}"
    if rises:
        raise subject.fail("direction", f"wrong sign: {fault}")
    subject.require(falls, "direction", fault)


def _best(subject: Subject, metric: Any, perfect: Tensor) -> None:
    """A perfect restoration has the declared best value."""
    best = metric.best
    if best is None:
        return
    got = float(perfect.mean())
    right = got == best if math.isinf(best) else abs(got - best) <= 1e-3 * max(1.0, abs(best))
    subject.require(right, "best", f"identical images score {got:.4g}; declared is {best:g}")


def _call(metric: Any, sort: str, clean: Tensor, factor: float = 1.0) -> Tensor:
    """The scores of slightly noisy images, all intensities times ``factor``."""
    noisy = factor * _noisy(clean, NOISE[0])
    if sort == "paired":
        return metric(noisy, factor * clean, factor)  # type: ignore[no-any-return]
    if sort == "single":
        return metric(noisy, factor)  # type: ignore[no-any-return]
    return metric(factor * _samples(clean, NOISE[0]), noisy, factor)  # type: ignore[no-any-return]


def _items(subject: Subject, metric: Any, sort: str, clean: Tensor) -> None:
    # The first two alone: noise is drawn over the batch, so that they have the same.
    together, single = _call(metric, sort, clean)[:2], _call(metric, sort, clean[:2])
    if bool(torch.isfinite(together).all()):
        subject.close("batch", single, together, "an image's score depends on the others in its batch", 1e-3)


def _units(subject: Subject, metric: Any, sort: str, clean: Tensor) -> None:
    """Images and data_range times 50 have the same score."""
    unit, factor = _call(metric, sort, clean), 50.0
    if not bool(torch.isfinite(unit).all()):
        return
    error = distance(_call(metric, sort, clean, factor), unit)
    subject.require(error < 1e-2, "units", f"images and data_range times {factor:g} change the score by {error:.2g}")


def _sets(subject: Subject, metric: Any, clean: Tensor) -> None:
    """Distances between sets: equal sets are nearer than noisy ones, and features are one row for each image."""
    side = max(64, metric.least_side)
    clean = _clean(side, max(6, metric.least_images))
    features, noisy = metric.features(clean, 1.0), metric.features(_noisy(clean, NOISE[2]), 1.0)
    rows = features.ndim == 2 and len(features) == len(clean)
    subject.require(rows, "features", f"{tuple(features.shape)} for {len(clean)} images; one row for each is right")
    metric.limit(len(clean))
    same, other = float(metric.compare(features, features)), float(metric.compare(noisy, features))
    better = same > other if metric.higher_is_better else same < other
    word = "higher" if metric.higher_is_better else "lower"
    fault = f"declared that {word} is better, but a noisy set scores {other:.4g}, the set itself {same:.4g}"
    subject.require(better, "direction", fault)
    low, high = metric.values
    for value in (same, other):
        subject.require(low - 1e-5 <= value <= high + 1e-5, "range", f"{value:.4g} is not inside {metric.values}")
