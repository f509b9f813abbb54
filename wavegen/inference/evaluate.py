"""Scores of a restoration method over a data set, on one stated intensity scale."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import torch
from einops import rearrange
from torch import Tensor

from wavegen.errors import InputError
from wavegen.metrics import KernelDistance, Lpips, psnr, spectrum_error, spread, ssim
from wavegen.types import Pair, PairSource, Restoration

T = TypeVar("T")
Restore = Callable[[Tensor, int], Restoration]
KID = "kid_effnet_lite0"
PATCH = 128  # side of the patches that distribution metrics compare; larger images give several


class Scorer:
    """PSNR, SSIM, spectrum error and, where their weights are found, LPIPS and KID.

    Every image is scaled by its target's own 0.1 and 99.9 percentiles to [0, 1], and nothing is fitted: a
    restoration that is off in scale or offset is scored as such. KID compares patches of 128 x 128 by
    EfficientNet-Lite0 features, in subsets of 100 patches, or of all where there are fewer.
    """

    def __init__(self, perceptual: bool = True) -> None:
        self.lpips = _or_none(Lpips) if perceptual else None
        self.kid = _or_none(lambda: KernelDistance("effnet_lite0")) if perceptual else None
        self.targets: tuple[Tensor, Tensor] | None = None  # the last targets and their features

    def paired(self, restored: Tensor, target: Tensor) -> dict[str, Tensor]:
        """One score (N,) for each image of (N, C, H, W), in the target's units, by metric."""
        a, b = to_target_range(restored, target)
        error = (a - b).square().mean(dim=(1, 2, 3)).sqrt()
        scores = {
            "rmse": error,
            "psnr": psnr(a, b, 1.0),
            "ssim": ssim(a, b, 1.0),
            "spectrum_error": spectrum_error(a, b),
        }
        if self.lpips is not None:
            scores["lpips"] = self.lpips(a.clamp(0, 1), b.clamp(0, 1), 1.0)
        return scores

    def distance(self, restored: Tensor, target: Tensor) -> float | None:
        """KID of the two sets of patches; None without weights or of a single patch."""
        if self.kid is None:
            return None
        # The feature networks were trained on the unit range.
        a, b = (patches(image.clamp(0, 1)) for image in to_target_range(restored, target))
        if len(a) < 2:
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
) -> dict[str, float | None]:
    """Restore the first ``images`` (default: all) items of ``data`` and score them.

    Args:
        restore: called with (B, C, H, W) float32 inputs and the index of the first of them.
        data: pairs; a batch holds images of one size.
        batch: images per call at most.
        images: how many items.
        scorer: reused between calls, so that its networks are loaded once.
        perceptual: whether a new scorer looks for the weights of LPIPS and KID.

    Returns:
        psnr (dB), ssim, spectrum_error (dB), lpips and kid_effnet_lite0 (None without weights; KID also
        for images of several sizes), rmse (rms error of an image, in the target's range), spread (rms standard
        deviation over samples, likewise; None of one sample), nfe, ms_per_image of one sample, images.
        Scores are of the first sample, since the mean of several is another estimator.
    """
    count = min(images or len(data), len(data))
    scorer = scorer or Scorer(perceptual)
    scores: dict[str, list[Tensor]] = {
        name: [] for name in ("psnr", "ssim", "spectrum_error", "lpips", "rmse", "spread")
    }
    restored, targets, seconds, nfe, first = [], [], 0.0, 0, 0
    while first < count:
        pairs = _alike(data, first, min(first + batch, count))
        x, y = torch.stack([p.x for p in pairs]), torch.stack([p.y for p in pairs])
        result = restore(y, first)
        samples = torch.as_tensor(result.samples)
        for name, values in scorer.paired(samples[0], x).items():
            scores[name].append(values)
        if len(samples) > 1:
            low, scale = target_range(x)
            scores["spread"].append(spread((samples - low) / scale))
        restored.append(samples[0])
        targets.append(x)
        seconds, nfe, first = seconds + result.seconds / len(samples), result.nfe, first + len(pairs)
    one_size = len({t.shape[1:] for t in targets}) == 1
    means = {name: float(torch.cat(values).mean()) if values else None for name, values in scores.items()}
    return means | {
        KID: scorer.distance(torch.cat(restored), torch.cat(targets)) if one_size else None,
        "nfe": nfe,
        "ms_per_image": 1000 * seconds / count,
        "images": count,
    }


def _alike(data: PairSource, first: int, end: int) -> list[Pair]:
    """Items from ``first`` on, at most up to ``end``, that have the size of the first."""
    pairs = [data[first]]
    for index in range(first + 1, end):
        pair = data[index]
        if pair.x.shape != pairs[0].x.shape:
            break
        pairs.append(pair)
    return pairs


def target_range(target: Tensor) -> tuple[Tensor, Tensor]:
    """Each image's 0.1 percentile and its distance to the 99.9 percentile, (N, 1, 1, 1)."""
    flat = target.flatten(1)
    low = torch.quantile(flat, 0.001, dim=1).view(-1, 1, 1, 1)
    high = torch.quantile(flat, 0.999, dim=1).view(-1, 1, 1, 1)
    return low, (high - low).clamp_min(1e-6)


def to_target_range(restored: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Both images scaled by the target's range; values beyond it stay."""
    low, scale = target_range(target)
    return (restored - low) / scale, (target - low) / scale


def patches(images: Tensor) -> Tensor:
    """Cut (N, C, H, W) into non-overlapping patches; small images stay whole."""
    if min(images.shape[-2:]) < 2 * PATCH:
        return images
    height, width = (n // PATCH * PATCH for n in images.shape[-2:])
    whole = images[..., :height, :width]
    return rearrange(whole, "n c (r h) (s w) -> (n r s) c h w", h=PATCH, w=PATCH)


def _or_none(build: Callable[[], T]) -> T | None:
    """A metric, or None where its weights are not installed."""
    try:
        return build()
    except InputError:
        return None
