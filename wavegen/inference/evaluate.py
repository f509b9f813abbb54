"""Scores of a restoration method over a data set, on one stated intensity scale."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import torch
from einops import rearrange
from torch import Tensor

from wavegen.core.errors import InputError
from wavegen.core.types import Pair, PairSource, Restoration
from wavegen.data.base import checked_item
from wavegen.metrics import (
    KernelDistance,
    Lpips,
    crps,
    ms_ssim,
    psnr,
    range_invariant_psnr,
    spectrum_error,
    spread,
    spread_skill,
    ssim,
)
from wavegen.metrics.scales import Scale, scaled

T = TypeVar("T")
Restore = Callable[[Tensor, int], Restoration]
Observer = Callable[[int, Pair, Tensor, dict[str, float]], None]
KID = "kid_effnet_lite0"
LEAST_MS_SSIM = 176  # pixels: 11 at the fifth scale
SCORES = ("psnr", "ri_psnr", "ssim", "ms_ssim", "spectrum_error", "lpips", "rmse", "spread", "crps", "spread_skill")
PATCH = 128  # side of the patches that distribution metrics compare; larger images give several


class Scorer:
    """PSNR, SSIM and their kin, spectrum error and, where their weights are found, LPIPS and KID.

    Images are compared on one of the scales of :func:`~wavegen.metrics.scales.scaled`. KID compares patches of
    128 x 128 by EfficientNet-Lite0 features, in subsets of 100 patches, or of all where there are fewer.
    """

    def __init__(self, perceptual: bool = True, scale: Scale = "target") -> None:
        self.scale: Scale = scale
        self.lpips = _or_none(Lpips) if perceptual else None
        self.kid = _or_none(lambda: KernelDistance("effnet_lite0")) if perceptual else None
        self.targets: tuple[Tensor, Tensor] | None = None  # the last targets and their features

    def paired(self, restored: Tensor, target: Tensor) -> dict[str, Tensor]:
        """One score (N,) for each image of (N, C, H, W), in the target's units, by metric."""
        a, b = scaled(self.scale, restored, target)
        error = (a - b).square().mean(dim=(1, 2, 3)).sqrt()
        scores = {
            "rmse": error,
            "psnr": psnr(a, b, 1.0),
            "ssim": ssim(a, b, 1.0),
            "spectrum_error": spectrum_error(a, b),
        }
        scores["ri_psnr"] = range_invariant_psnr(a, b, 1.0)
        if min(b.shape[-2:]) >= LEAST_MS_SSIM:
            scores["ms_ssim"] = ms_ssim(a, b, 1.0)
        if self.lpips is not None:
            scores["lpips"] = self.lpips(a.clamp(0, 1), b.clamp(0, 1), 1.0)
        return scores

    def ensemble(self, samples: Tensor, target: Tensor) -> dict[str, Tensor]:
        """Scores (N,) of samples (S, N, C, H, W), S >= 2, on the same scale: spread, CRPS and spread over skill."""
        pairs = [scaled(self.scale, sample, target) for sample in samples]
        drawn, truth = torch.stack([a for a, _ in pairs]), pairs[0][1]
        return {"spread": spread(drawn), "crps": crps(drawn, truth), "spread_skill": spread_skill(drawn, truth)}

    def distance(self, restored: Sequence[Tensor], target: Sequence[Tensor]) -> float | None:
        """KID of the patches of two lists of batches; None without weights or of a single patch."""
        if self.kid is None:
            return None
        # The feature networks were trained on the unit range.
        pairs = [scaled(self.scale, *pair) for pair in zip(restored, target, strict=True)]
        a, b = (_joined([patches(image.clamp(0, 1)) for image in images]) for images in zip(*pairs, strict=True))
        if a is None or b is None or len(a) < 2:
            return None
        if self.targets is None or self.targets[0].shape != b.shape or not torch.equal(self.targets[0], b):
            self.targets = (b, self.kid.features(b, 1.0))
        self.kid.subset_size = min(100, len(a))
        return self.kid.compare(self.kid.features(a, 1.0), self.targets[1]).value


def evaluate(
    restore: Restore,
    data: PairSource,
    *,
    batch: int = 8,
    images: int | None = None,
    scorer: Scorer | None = None,
    perceptual: bool = True,
    observer: Observer | None = None,
) -> dict[str, float | None]:
    """Restore the first ``images`` (default: all) items of ``data`` and score them.

    Args:
        restore: called with (B, C, H, W) float32 inputs and the index of the first of them.
        data: pairs; a batch holds images of one size.
        batch: images per call at most.
        images: how many items.
        scorer: reused between calls, so that its networks are loaded once.
        perceptual: whether a new scorer looks for the weights of LPIPS and KID.
        observer: told of every image: its index, its pair, its samples (S, C, H, W) and its scores.

    Returns:
        psnr, ri_psnr (range-invariant; both in dB), ssim, ms_ssim (None of images below 176 pixels), spectrum_error
        (dB), lpips and kid_effnet_lite0 (None without weights; KID also where patches differ in size), rmse (rms error
        of an image, on the scorer's scale), spread (rms standard deviation over samples, likewise), crps and
        spread_skill (None of one sample), nfe, ms_per_image of one sample, images.
        Scores are of the first sample, since the mean of several is another estimator.
    """
    count = min(images or len(data), len(data))
    scorer = scorer or Scorer(perceptual)
    scores: dict[str, list[Tensor]] = {name: [] for name in SCORES}
    restored, targets, seconds, nfe, first = [], [], 0.0, 0, 0
    while first < count:
        pairs = _alike(data, first, min(first + batch, count))
        x, y = torch.stack([p.x for p in pairs]), torch.stack([p.y for p in pairs])
        result = restore(y, first)
        samples = torch.as_tensor(result.samples)
        found = scorer.paired(samples[0], x)
        if len(samples) > 1:
            found |= scorer.ensemble(samples, x)
        for name, values in found.items():
            scores[name].append(values)
        if observer is not None:
            for i, pair in enumerate(pairs):
                observer(first + i, pair, samples[:, i], {name: float(values[i]) for name, values in found.items()})
        restored.append(samples[0])
        targets.append(x)
        seconds, nfe, first = seconds + result.seconds / len(samples), result.nfe, first + len(pairs)
    means = {name: float(torch.cat(values).mean()) if values else None for name, values in scores.items()}
    return means | {
        KID: scorer.distance(restored, targets),
        "nfe": nfe,
        "ms_per_image": 1000 * seconds / count,
        "images": count,
    }


def _alike(data: PairSource, first: int, end: int) -> list[Pair]:
    """Items from ``first`` on, at most up to ``end``, that have the size of the first."""
    pairs = [checked_item(data, first)]
    for index in range(first + 1, end):
        pair = checked_item(data, index)
        if pair.x.shape != pairs[0].x.shape:
            break
        pairs.append(pair)
    return pairs


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


def _or_none(build: Callable[[], T]) -> T | None:
    """A metric, or None where its weights are not installed."""
    try:
        return build()
    except InputError:
        return None
