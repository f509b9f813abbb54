"""Resolution without a truth: Fourier ring correlation."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from wavegen.core.errors import InputError
from wavegen.core.registry import register
from wavegen.metrics._inputs import DataRange, check_finite, check_images, check_pair, is_constant
from wavegen.metrics.base import PairedMetric
from wavegen.metrics.spectrum import rings_of

THRESHOLD = 1 / 7
SMOOTHED = 2  # rings on either side
SMALLEST = 32  # a smaller image has too few frequencies in a ring


def fourier_ring_correlation(a: Tensor, b: Tensor) -> Tensor:
    """Correlation of two images over rings of radial frequency (Nieuwenhuizen et al. 2013, doi:10.1038/nmeth.2448).

    Re sum F_a F_b* / sqrt(sum |F_a|² sum |F_b|²), summed over the ring and the channels. Ring k holds the frequencies
    that round to k / N cycles per pixel, N = min(H, W). Means are taken off, and a Hann window hides the borders.

    Args:
        a: (B, C, H, W), H, W >= 32.
        b: (B, C, H, W): the same scene with independent noise.

    Returns:
        (B, N // 2 + 1), in [-1, 1]; the first value, of the mean, is 1 by definition. NaN where an image is constant.

    Raises:
        InputError: shapes differ or are too small; values that are not finite.
    """
    a, b = check_pair(a, b)
    check_finite(a, b)
    _check_size(a)
    curve = _correlation(_spectrum(a), _spectrum(b), a.shape[2], a.shape[3])
    return torch.where((is_constant(a) | is_constant(b))[:, None], math.nan, curve)


def frc_resolution(a: Tensor, b: Tensor | None = None) -> Tensor:
    """The period in pixels at which the Fourier ring correlation first falls below 1/7; smaller is finer.

    The curve is first averaged over five rings, or its noise would end it too early.

    With two images of one scene, their correlation. With one image (Koho et al. 2019,
    doi:10.1038/s41467-019-11024-z) its checkerboard halves: (even, even) against (odd, odd) pixels, and (even, odd)
    against (odd, even), the mean of the two curves. The shift of half a coarse pixel between the halves is undone in
    the phases, in place of the authors' empirical calibration. Each half has a quarter of the light, so that one image
    gives a coarser figure than two of its kind. Noise must be independent from pixel to pixel: that of
    a camera is, a network's output has none.

    Args:
        a: (B, C, H, W), H, W >= 32 (64 for one image).
        b: the second image of each scene.

    Returns:
        (B,). Where the curve does not fall so low, the finest period that the data can show: 2 pixels for a pair,
        4 for one; where no frequency correlates, the shorter side of the image. NaN where an image is constant.

    Raises:
        InputError: as :func:`fourier_ring_correlation`.
    """
    if b is not None:
        return _crossing(fourier_ring_correlation(a, b), min(a.shape[2:]))
    a = check_images("a", a)
    check_finite(a)
    height, width = (n - n % 2 for n in a.shape[2:])
    _check_size(a, 2 * SMALLEST)
    part = {(i, j): _spectrum(a[..., i:height:2, j:width:2]) for i in (0, 1) for j in (0, 1)}
    h, w = height // 2, width // 2
    fy = torch.fft.fftfreq(h, dtype=a.dtype, device=a.device)[:, None]
    fx = torch.fft.fftfreq(w, dtype=a.dtype, device=a.device)
    # A part that starts one fine pixel later is ahead by half a coarse one.
    curves = [
        _correlation(part[0, j] * torch.exp(1j * math.pi * (fy + (1 - 2 * j) * fx)), part[1, 1 - j], h, w)
        for j in (0, 1)
    ]
    periods = 2 * _crossing((curves[0] + curves[1]) / 2, min(h, w))
    return torch.where(is_constant(a), math.nan, periods)


def _check_size(images: Tensor, smallest: int = SMALLEST) -> None:
    height, width = images.shape[2:]
    if min(height, width) < smallest:
        raise InputError(
            f"Fourier ring correlation needs images of at least {smallest} x {smallest} pixels, got {height} x {width}"
        )


def _spectrum(images: Tensor) -> Tensor:
    height, width = images.shape[2:]
    window = torch.outer(*(torch.hann_window(n, dtype=images.dtype, device=images.device) for n in (height, width)))
    spectrum: Tensor = torch.fft.fft2((images - images.mean(dim=(2, 3), keepdim=True)) * window)
    return spectrum


def _correlation(fa: Tensor, fb: Tensor, height: int, width: int) -> Tensor:
    ring, inside = (t.to(fa.device) for t in rings_of(height, width))

    def over_rings(values: Tensor) -> Tensor:
        flat = values.sum(dim=1).flatten(1)[:, inside]
        return flat.new_zeros(len(flat), min(height, width) // 2 + 1).index_add_(1, ring[inside], flat)

    cross, power_a, power_b = over_rings((fa * fb.conj()).real), over_rings(fa.abs() ** 2), over_rings(fb.abs() ** 2)
    tiny = torch.finfo(cross.dtype).tiny
    curve = cross / (power_a * power_b).sqrt().clamp_min(tiny)
    return torch.cat((torch.ones_like(curve[:, :1]), curve[:, 1:]), dim=1)


def _crossing(curve: Tensor, size: int) -> Tensor:
    """The period at the first crossing of the threshold, by linear interpolation between rings."""
    mirrored = torch.cat((curve[:, 1 : SMOOTHED + 1].flip(1), curve, curve[:, -SMOOTHED - 1 : -1].flip(1)), dim=1)
    smooth = mirrored.unfold(1, 2 * SMOOTHED + 1, 1).mean(dim=2)
    periods = []
    for row in smooth.tolist():
        if math.isnan(row[0]):
            periods.append(math.nan)
            continue
        k = next((k for k, value in enumerate(row) if value < THRESHOLD), None)
        if k is None:
            periods.append(2.0)
            continue
        at = k - 1 + (row[k - 1] - THRESHOLD) / (row[k - 1] - row[k]) if k else 0.0
        periods.append(size / max(at, 1.0))
    return torch.tensor(periods, dtype=curve.dtype, device=curve.device)


@register(
    "metric",
    "frc_resolution",
    "period in pixels down to which each image correlates with its target (Fourier ring correlation, 1/7)",
    paper="Nieuwenhuizen et al. 2013, doi:10.1038/nmeth.2448",
    capabilities=("paired", "lower_is_better", "affine_invariant"),
)
class FrcResolution(PairedMetric):
    """:func:`frc_resolution` of the restored image against its target."""

    title, unit, form = "FRC", "px", ".2f"
    higher_is_better, best, values = False, 2.0, (2.0, math.inf)
    least_side = SMALLEST

    def __call__(self, restored: Tensor, target: Tensor, data_range: DataRange) -> Tensor:
        """:func:`frc_resolution`: a correlation has no units, so that the range drops out."""
        return frc_resolution(*check_pair(restored, target))
