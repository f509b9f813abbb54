"""Scores of a restoration method over a data set, on one stated intensity scale."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from wavegen.core.errors import InputError
from wavegen.core.types import Pair, PairSource, Restoration
from wavegen.data import FilePairs
from wavegen.data.base import checked_item
from wavegen.metrics.means import means, without_mean
from wavegen.metrics.scorer import Scorer

__all__ = ["Observer", "Restore", "Scorer", "evaluate"]

Restore = Callable[[Tensor, int], Restoration]
Observer = Callable[[int, Pair, Tensor, dict[str, float]], None]


def evaluate(
    restore: Restore,
    data: PairSource,
    *,
    batch: int = 8,
    images: int | None = None,
    scorer: Scorer | None = None,
    perceptual: bool = True,
    observer: Observer | None = None,
) -> dict[str, Any]:
    """Restore the first ``images`` (default: all) items of ``data`` and score them.

    Args:
        restore: called with (B, C, H, W) float32 inputs and the index of the first of them.
        data: pairs; a batch holds images of one size.
        batch: images per call at most.
        images: how many items.
        scorer: which metrics on which scale; reused between calls, so that its networks are loaded once.
        perceptual: whether a new scorer looks for metrics that need weights (LPIPS, KID).
        observer: told of every image: its index, its pair, its samples (S, C, H, W) and its scores.

    Returns:
        The mean of each of the scorer's metrics, by key, over the images whose score is finite; None of those that are
        left out (without weights or their package, of images that are too small, ensembles of one sample, sets of few
        patches or of patches that differ in size). Also nfe, ms_per_image of one sample, and images. By default psnr,
        ri_psnr (range-invariant; both in dB), ssim, ms_ssim, spectrum_error (dB), lpips, rmse, spread (rms standard
        deviation over samples), crps, spread_skill and kid_effnet_lite0, and metrics registered from outside the
        package.
        Scores are of the first sample, since the mean of several is another estimator. Where a mean leaves images out,
        ``left_out`` names them: by key, then by reason, ``undefined`` (a constant target has no scale) or ``infinite``
        (PSNR of an image that equals its target).

    Raises:
        InputError: a restored image that is not finite.
    """
    count = min(images or len(data), len(data))
    scorer = scorer or Scorer(perceptual=perceptual)
    scores: dict[str, list[Tensor]] = {}
    restored, targets, seconds, nfe, first = [], [], 0.0, 0, 0
    while first < count:
        pairs = _alike(data, first, min(first + batch, count))
        x, y = torch.stack([p.x for p in pairs]), torch.stack([p.y for p in pairs])
        result = restore(y, first)
        samples = torch.as_tensor(result.samples)
        _check_finite(samples, first, data)
        batch_scores = scorer.paired(samples[0], x)
        if len(samples) > 1:
            batch_scores |= scorer.ensemble(samples, x)
        for name, values in batch_scores.items():
            scores.setdefault(name, []).append(values)
        if observer is not None:
            for i, pair in enumerate(pairs):
                observer(
                    first + i, pair, samples[:, i], {name: float(values[i]) for name, values in batch_scores.items()}
                )
        restored.append(samples[0])
        targets.append(x)
        seconds, nfe, first = seconds + result.seconds / len(samples), result.nfe, first + len(pairs)
    by_key = means(scores) | scorer.distances(restored, targets)
    left_out = _names(data, without_mean(scores))
    return {key: by_key.get(key) for key in scorer.keys} | {
        "nfe": nfe,
        "ms_per_image": 1000 * seconds / count,
        "images": count,
        **({"left_out": left_out} if left_out else {}),
    }


def _names(data: PairSource, left_out: Mapping[str, Mapping[str, Sequence[int]]]) -> dict[str, dict[str, list[str]]]:
    """Names of the items that means leave out, by metric and reason."""
    return {
        key: {reason: [name_of(data, place) for place in places] for reason, places in reasons.items()}
        for key, reasons in left_out.items()
    }


def name_of(data: PairSource, index: int) -> str:
    """What an item of a data set is called: its target's file, or its number."""
    return data.files[index][0].name if isinstance(data, FilePairs) else f"item {index}"


def _check_finite(samples: Tensor, first: int, data: PairSource) -> None:
    """Refuse restored images that no score could be made of.

    Raises:
        InputError: samples (S, B, C, H, W) with NaN or infinity.
    """
    bad = (~torch.isfinite(samples)).sum(dim=(0, 2, 3, 4))
    for place in bad.nonzero().flatten().tolist()[:1]:
        raise InputError(
            f"{name_of(data, first + place)}: the restored image has {int(bad[place])} values that are NaN or "
            "infinite; mend the method, or leave the image out"
        )


def _alike(data: PairSource, first: int, end: int) -> list[Pair]:
    """Items from ``first`` on, at most up to ``end``, that have the size of the first."""
    pairs = [checked_item(data, first)]
    for index in range(first + 1, end):
        pair = checked_item(data, index)
        if pair.x.shape != pairs[0].x.shape:
            break
        pairs.append(pair)
    return pairs
