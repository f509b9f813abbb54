"""Is the texture there? Power over radial frequency, restored against target."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from wavegen.core.registry import register
from wavegen.metrics._inputs import DataRange, check_images, check_pair
from wavegen.metrics.base import PairedMetric

# Powers this far below an image's strongest ring are rounding of the float32 Fourier transform.
FLOOR = 1e-12


def radial_spectrum(x: Tensor) -> Tensor:
    """Power spectrum over rings of radial frequency, 10 log10 of the mean power of each ring, in dB.

    Ring k holds the frequencies that round to k/N cycles per pixel, N = min(H, W), k = 0 ... N // 2
    (k = 0 is the mean intensity; the corners beyond the Nyquist circle are left out). The power is
    averaged over the ring and the channels, and limited from below to 1e-12 of the strongest ring.

    Args:
        x: (B, C, H, W).

    Returns:
        (B, N // 2 + 1), in dB.

    Raises:
        InputError: ``x`` is not a non-empty floating-point (B, C, H, W) tensor.
    """
    mean = _ring_power(check_images("x", x))
    return _decibels(mean, _floor(mean))


def _floor(mean: Tensor) -> Tensor:
    """The least power that counts, (B, 1), of ring powers (B, K)."""
    return (FLOOR * mean.amax(dim=1, keepdim=True)).clamp_min(torch.finfo(mean.dtype).tiny)


def _decibels(mean: Tensor, floor: Tensor) -> Tensor:
    return 10.0 * torch.log10(torch.maximum(mean, floor))


def _ring_power(x: Tensor) -> Tensor:
    """Mean power of each ring, (B, N // 2 + 1)."""
    height, width = x.shape[2:]
    size = min(height, width)
    power = torch.fft.fft2(x, norm="ortho").abs().square().mean(dim=1).flatten(1)
    ring, inside = rings_of(height, width)
    ring, inside = ring[inside].to(x.device), inside.to(x.device)
    rings = size // 2 + 1
    total = power.new_zeros(len(x), rings).index_add_(1, ring, power[:, inside])
    mean: Tensor = total / torch.bincount(ring, minlength=rings)
    return mean


def rings_of(height: int, width: int) -> tuple[Tensor, Tensor]:
    """The ring of each frequency of an FFT of (height, width), flattened, and the indices of those up to Nyquist's."""
    size = min(height, width)
    fy = torch.fft.fftfreq(height, dtype=torch.float64, device="cpu")
    fx = torch.fft.fftfreq(width, dtype=torch.float64, device="cpu")
    ring = torch.round(torch.hypot(fy[:, None], fx[None, :]) * size).long().flatten()
    return ring, (ring <= size // 2).nonzero().squeeze(1)


def spectrum_error(restored: Tensor, target: Tensor) -> Tensor:
    """Log-spectral distance: the mean over rings of |10 log10 P_restored - 10 log10 P_target|, in dB.

    Powers are limited from below to 1e-12 of the strongest ring of either image, so that no ring counts more than
    120 dB: that of an empty image would be as far away as the type of its numbers reaches.

    Args:
        restored: (B, C, H, W).
        target: (B, C, H, W).

    Returns:
        (B,), in [0, 120], 0 for equal radial spectra.

    Raises:
        InputError: shapes differ, or as :func:`radial_spectrum`.
    """
    restored, target = check_pair(restored, target)
    powers = _ring_power(restored), _ring_power(target)
    floor = torch.maximum(*map(_floor, powers))
    return (_decibels(powers[0], floor) - _decibels(powers[1], floor)).abs().mean(dim=1)


@register(
    "metric",
    "spectrum_error",
    "distance of the radial power spectra in dB, of each image from its target",
    capabilities=("paired", "lower_is_better"),
)
class SpectrumError(PairedMetric):
    """:func:`spectrum_error` as a component."""

    title, unit, form = "LSD", "dB", ".2f"
    higher_is_better, best, values = False, 0.0, (0.0, math.inf)
    places = ("evaluate", "table", "differences")

    def __call__(self, restored: Tensor, target: Tensor, data_range: DataRange) -> Tensor:
        """:func:`spectrum_error`: a ratio of powers has no units, so that the range drops out."""
        return spectrum_error(restored, target)
