"""Subband statistics in one streaming pass: mean, scale and kurtosis of every band."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from wavegen.core.errors import InputError
from wavegen.core.types import Details, Subbands
from wavegen.transforms.base import Transform


@dataclass(frozen=True)
class Moments:
    """Count, mean and sums of powers 2 to 4 of the deviations from it, for each channel; float64 on the CPU.

    Merging two is exact up to rounding and free of cancellation: Chan, Golub, LeVeque, Am. Statistician 37 (1983)
    242-247; for the third and fourth power Pebay, Sandia report SAND2008-6212, eqs. 2.1.
    """

    count: int
    mean: Tensor
    m2: Tensor
    m3: Tensor
    m4: Tensor

    @classmethod
    def of(cls, band: Tensor) -> Moments:
        """Moments of a band (B, C, h, w) over all but its channels, each (C,)."""
        values = band.detach().cpu().double().transpose(0, 1).flatten(1)
        mean = values.mean(1)
        deviation = values - mean[:, None]
        square = deviation.square()
        return cls(values.shape[1], mean, square.sum(1), (square * deviation).sum(1), square.square().sum(1))

    def __add__(self, other: Moments) -> Moments:
        """Moments of the union of both samples."""
        a, b = self.count, other.count
        n, d = a + b, other.mean - self.mean
        m2 = self.m2 + other.m2 + d**2 * a * b / n
        m3 = self.m3 + other.m3 + d**3 * a * b * (a - b) / n**2 + 3 * d * (a * other.m2 - b * self.m2) / n
        m4 = (
            self.m4
            + other.m4
            + d**4 * a * b * (a * a - a * b + b * b) / n**3
            + 6 * d**2 * (a * a * other.m2 + b * b * self.m2) / n**2
            + 4 * d * (a * other.m3 - b * self.m3) / n
        )
        return Moments(n, self.mean + d * b / n, m2, m3, m4)

    @property
    def variance(self) -> Tensor:
        """Mean square deviation from the mean."""
        return self.m2 / self.count

    @property
    def power(self) -> Tensor:
        """Mean square."""
        return self.variance + self.mean.square()

    @property
    def scale(self) -> Tensor:
        """Standard deviation."""
        return self.variance.sqrt()

    @property
    def kurtosis(self) -> Tensor:
        """Fourth moment over the squared variance: 3 for a Gaussian, more for sparse bands; NaN for a constant."""
        return self.count * self.m4 / self.m2.square()


class Row(NamedTuple):
    """One band of one channel: ``level`` 1 is the finest; ``band`` is ll, h, v or d."""

    level: int
    band: str
    channel: int
    values: int
    mean: float
    scale: float
    kurtosis: float


@dataclass(frozen=True)
class SubbandStatistics:
    """Moments of the low bands and of the details, both coarsest level first.

    ``low`` has max(levels, 1) entries: LL of every level, not only the coarsest.
    """

    low: tuple[Moments, ...]
    details: tuple[tuple[Moments, Moments, Moments], ...]

    def rows(self) -> list[Row]:
        """A table with one row per band and channel, coarsest level first."""
        table: list[Row] = []
        for i, low in enumerate(self.low):
            level = len(self.details) - i
            bands = (low, *self.details[i]) if self.details else (low,)
            for name, m in zip(("ll", *Details._fields), bands, strict=False):
                values = zip(m.mean.tolist(), m.scale.tolist(), m.kurtosis.tolist(), strict=True)
                table.extend(Row(level, name, channel, m.count, *f) for channel, f in enumerate(values))
        return table


@torch.no_grad()
def subband_statistics(transform: Transform, images: Iterable[Tensor]) -> SubbandStatistics:
    """Statistics of all bands over images (B, C, H, W), in one pass, with equal weight for every coefficient.

    Raises:
        InputError: there are no images, or one that the transform refuses.
    """
    total: list[Moments] = []
    for image in images:
        bands = transform.forward(image)
        chain = low_bands(transform, bands)[: max(transform.levels, 1)]
        moments = [Moments.of(band) for band in [*chain, *(band for details in bands.details for band in details)]]
        total = [a + b for a, b in zip(total, moments, strict=True)] if total else moments
    if not total:
        raise InputError("subband statistics need at least one image; the data has no images")
    count = max(transform.levels, 1)
    high = total[count:]
    return SubbandStatistics(
        tuple(total[:count]), tuple((high[i], high[i + 1], high[i + 2]) for i in range(0, len(high), 3))
    )


def low_bands(transform: Transform, bands: Subbands) -> list[Tensor]:
    """All low bands, coarsest first, and the image itself last; without levels, the coarsest band and the image."""
    if not bands.details:
        return [bands.ll, transform.inverse(bands)]
    sizes = transform.sizes(bands.size)
    chain = [bands.ll]
    for level, details in zip(range(len(bands.details), 0, -1), bands.details, strict=True):
        chain.append(transform.inverse_level(chain[-1], details, sizes[level - 1], level))
    return chain
