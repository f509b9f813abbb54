"""Subbands <-> unit variance."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from wavegen.core.types import Details
from wavegen.transforms import Transform, subband_statistics


class SubbandNorm(nn.Module):
    """Zero mean and unit variance for low bands, unit variance for high bands, from data statistics.

    Index 0 is the coarsest level. ``low_*`` are (max(levels, 1), C'), ``detail_scale`` (levels, 3, C).
    """

    low_mean: Tensor
    low_scale: Tensor
    detail_scale: Tensor

    def __init__(self, transform: Transform, channels: int) -> None:
        super().__init__()
        count, wide = max(transform.levels, 1), transform.coarse_channels(channels)
        self.register_buffer("low_mean", torch.zeros(count, wide))
        self.register_buffer("low_scale", torch.ones(count, wide))
        self.register_buffer("detail_scale", torch.ones(transform.levels, 3, channels))

    def low(self, band: Tensor, index: int) -> Tensor:
        """Normalise the low band of level ``index``."""
        return (band - self.low_mean[index][:, None, None]) / self.low_scale[index][:, None, None]

    def low_inverse(self, band: Tensor, index: int) -> Tensor:
        """Undo :meth:`low`."""
        return band * self.low_scale[index][:, None, None] + self.low_mean[index][:, None, None]

    def details(self, bands: Details, index: int) -> Details:
        """Normalise the high bands of level ``index``."""
        scale = self.detail_scale[index][:, :, None, None]
        return Details(*(band / s for band, s in zip(bands, scale, strict=True)))

    def details_inverse(self, bands: Details, index: int) -> Details:
        """Undo :meth:`details`."""
        scale = self.detail_scale[index][:, :, None, None]
        return Details(*(band * s for band, s in zip(bands, scale, strict=True)))

    @torch.no_grad()
    def fit(self, transform: Transform, images: Iterable[Tensor]) -> None:
        """Set the statistics from clean images (1, C, H, W) in network units, in one pass."""
        statistics = subband_statistics(transform, images)
        self.low_mean.copy_(torch.stack([m.mean for m in statistics.low]).float())
        self.low_scale.copy_(_root(torch.stack([m.variance for m in statistics.low])))
        if transform.levels:
            power = torch.stack([torch.stack([m.power for m in level]) for level in statistics.details])
            self.detail_scale.copy_(_root(power))


def _root(square: Tensor) -> Tensor:
    """The scale of a mean square; a constant band keeps a small one."""
    return square.clamp_min(1e-8).sqrt().float()
