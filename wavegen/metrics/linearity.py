"""May one still measure in the restored image? Restored flux against true flux, region by region."""

from __future__ import annotations

import math
from typing import Annotated, NamedTuple

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from wavegen.core.errors import InputError
from wavegen.core.registry import register
from wavegen.metrics._inputs import DataRange, check_finite, check_pair
from wavegen.metrics.base import PairedMetric

MOST_LABELS = 1_000_000


class Linearity(NamedTuple):
    """restored = slope · true + intercept over regions, and the part of the variance that it explains; (B,) each."""

    slope: Tensor
    intercept: Tensor
    r2: Tensor


def intensity_linearity(restored: Tensor, target: Tensor, regions: int | Tensor = 8) -> Linearity:
    """Least-squares line of the restored mean intensity of regions over the true one.

    A quantitative restoration has slope 1, intercept 0 and R² near 1; a slope below 1 dims what is bright.

    Args:
        restored: (B, C, H, W).
        target: (B, C, H, W).
        regions: side of square blocks in pixels (what does not fill a block is left out); or labels
            (B or 1, 1, H, W) of integers, 0 for what belongs to none, such as the spots of a segmentation.

    Returns:
        (B,) each, in the units of the images; regions of all channels count alike. NaN where the truth is the same in
        all regions, so that no line can be fitted; R² is 0 where the restored intensity is.

    Raises:
        InputError: shapes, values that are not finite, or fewer than 3 regions.
    """
    restored, target = check_pair(restored, target)
    check_finite(restored, target)
    if isinstance(regions, int):
        pairs = _blocks(restored.double(), target.double(), regions)
    else:
        pairs = _labelled(restored.double(), target.double(), regions)
    lines = [_line(x, y, i) for i, (y, x) in enumerate(pairs)]
    slope, intercept, r2 = (torch.stack(values).to(restored.dtype) for values in zip(*lines, strict=True))
    return Linearity(slope, intercept, r2)


def _blocks(restored: Tensor, target: Tensor, side: int) -> list[tuple[Tensor, Tensor]]:
    if not 1 <= side <= min(restored.shape[2:]):
        raise InputError(f"regions = {side}: blocks must fit into images of {tuple(restored.shape[2:])} pixels")
    a, b = (F.avg_pool2d(images, side).flatten(1) for images in (restored, target))
    return list(zip(a, b, strict=True))


def _labelled(restored: Tensor, target: Tensor, labels: Tensor) -> list[tuple[Tensor, Tensor]]:
    batch, channels, height, width = restored.shape
    if labels.ndim != 4 or labels.shape[0] not in (1, batch) or tuple(labels.shape[1:]) != (1, height, width):
        raise InputError(f"labels must be ({batch} or 1, 1, {height}, {width}), got {tuple(labels.shape)}")
    if labels.is_floating_point() or int(labels.min()) < 0 or int(labels.max()) > MOST_LABELS:
        raise InputError(f"labels must be integers from 0 (no region) to {MOST_LABELS}")
    pairs = []
    for i in range(batch):
        label = labels[i % len(labels)].flatten().long().to(restored.device)
        count = torch.bincount(label)
        used = (count > 0).nonzero().squeeze(1)
        used = used[used > 0]

        def means(image: Tensor, label: Tensor = label, count: Tensor = count, used: Tensor = used) -> Tensor:
            total = image.new_zeros(channels, len(count)).index_add_(1, label, image.flatten(1))
            return (total[:, used] / count[used]).flatten()

        pairs.append((means(restored[i]), means(target[i])))
    return pairs


def _line(true: Tensor, restored: Tensor, index: int) -> tuple[Tensor, Tensor, Tensor]:
    if len(true) < 3:
        raise InputError(f"image {index} has {len(true)} regions: a line needs at least 3; make them smaller")
    x, y = true - true.mean(), restored - restored.mean()
    if _equal(true):
        return (torch.full_like(true[0], math.nan),) * 3
    slope = (x * y).sum() / x.square().sum()
    unexplained = (y - slope * x).square().sum() / y.square().sum()
    r2 = torch.zeros_like(slope) if _equal(restored) else (1 - unexplained).clamp(0, 1)
    return slope, restored.mean() - slope * true.mean(), r2


def _equal(means: Tensor) -> bool:
    """Whether means of regions differ by no more than their rounding."""
    return float(means.max() - means.min()) <= 1e-12 * float(means.abs().max())


@register(
    "metric",
    "intensity_r2",
    "R² of restored over true intensity of square regions, of each image",
    capabilities=("paired", "higher_is_better", "affine_invariant"),
)
class IntensityR2(PairedMetric):
    """R² of :func:`intensity_linearity`.

    Args:
        block: side of the regions in pixels.
    """

    title = "intensity R²"
    higher_is_better, best, values = True, 1.0, (0.0, 1.0)

    def __init__(self, block: Annotated[int, Field(ge=1)] = 8) -> None:
        self.block = block
        self.least_side = 2 * block  # four regions

    def __call__(self, restored: Tensor, target: Tensor, data_range: DataRange) -> Tensor:
        """R² of :func:`intensity_linearity`: a correlation has no units, so that the range drops out."""
        return intensity_linearity(restored, target, self.block).r2
