"""Resolution, widths of beads, linearity: numbers with a physical meaning."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from wavegen.core.errors import InputError
from wavegen.metrics import bead_fwhm, fit_spots, fourier_ring_correlation, frc_resolution, intensity_linearity
from wavegen.metrics.resolution import _crossing


def band_limited(sigma_f: float, size: int, seed: int) -> torch.Tensor:
    """White noise through a filter exp(-f² / (2 sigma_f²)), unit variance before it; (1, 1, size, size)."""
    f = torch.fft.fftfreq(size, dtype=torch.float64)
    gain = torch.exp(-(f[:, None] ** 2 + f**2) / (2 * sigma_f**2))
    noise = torch.randn(1, 1, size, size, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    return torch.fft.ifft2(torch.fft.fft2(noise) * gain).real


def noisy(image: torch.Tensor, level: float, seed: int) -> torch.Tensor:
    return image + level * torch.randn(image.shape, dtype=image.dtype, generator=torch.Generator().manual_seed(seed))


def crossing(sigma_f: float, level: float) -> float:
    """FRC = S / (S + N) = 1/7 where exp(-f² / sigma_f²) = level² / 6; as a period."""
    return 1 / (sigma_f * math.sqrt(math.log(6 / level**2)))


@pytest.mark.parametrize(("sigma_f", "level"), [(0.1, 0.3), (0.06, 0.1)])
def test_frc_of_a_pair_crosses_where_theory_says(sigma_f, level):
    scenes = torch.cat([band_limited(sigma_f, 384, seed) for seed in range(4)])
    found = frc_resolution(noisy(scenes, level, 1), noisy(scenes, level, 2))
    assert float(found.mean()) == pytest.approx(crossing(sigma_f, level), rel=0.04)


@pytest.mark.parametrize(("sigma_f", "level"), [(0.06, 0.3), (0.04, 0.1)])
def test_frc_of_one_image_agrees(sigma_f, level):
    scenes = torch.cat([band_limited(sigma_f, 512, seed) for seed in range(4)])
    # Each half has a quarter of the pixels: four times the noise power.
    assert float(frc_resolution(noisy(scenes, level, 1)).mean()) == pytest.approx(
        crossing(sigma_f, 2 * level), rel=0.04
    )


def test_frc_curve():
    scene = band_limited(0.1, 128, 3)
    a = noisy(scene, 0.3, 1)
    assert_close(fourier_ring_correlation(a, 5 * a + 2), torch.ones(1, 65, dtype=torch.float64))
    assert float(frc_resolution(a, a)) == 2.0
    assert float(frc_resolution(torch.kron(scene, torch.ones(1, 1, 4, 4)))) >= 4.0
    curve = fourier_ring_correlation(a, noisy(scene, 0.3, 2))
    assert float(curve[0, 1:8].min()) > 0.8
    assert float(curve[0, 50:].abs().mean()) < 0.2


def test_frc_refuses_what_it_cannot_correlate():
    x = torch.rand(1, 1, 40, 40)
    with pytest.raises(InputError, match="64 x 64"):
        frc_resolution(x)
    with pytest.raises(InputError, match="32 x 32"):
        frc_resolution(x[..., :20], x[..., :20])
    with pytest.raises(InputError, match="not finite"):
        frc_resolution(x * torch.nan, x)
    with pytest.raises(InputError, match="one shape"):
        frc_resolution(x, x[..., :39])


def spots(centres, fwhm, size=64, level=10.0, height=100.0):
    y, x = np.mgrid[:size, :size]
    image = np.full((size, size), level)
    for cy, cx in centres:
        image += height * np.exp(-4 * math.log(2) * ((y - cy) ** 2 + (x - cx) ** 2) / fwhm**2)
    return torch.from_numpy(image)


@pytest.mark.parametrize("fwhm", [2.5, 4.0, 6.0])
def test_spots_are_found_and_fitted(fwhm):
    centres = [(15.3, 18.7), (44.6, 20.2), (30.1, 48.4)]
    found = sorted(fit_spots(spots(centres, fwhm), window=15))
    assert len(found) == 3
    for spot, centre in zip(found, sorted(centres), strict=True):
        assert (spot.y, spot.x) == pytest.approx(centre, abs=1e-3)
        assert (spot.fwhm, spot.height, spot.level) == pytest.approx((fwhm, 100, 10), rel=1e-3)
    image = spots(centres, fwhm) + torch.randn(64, 64).double()
    assert float(bead_fwhm(image[None, None], 15)) == pytest.approx(fwhm, rel=0.02)


def test_spots_that_touch_and_images_without_any():
    assert fit_spots(spots([(30, 30), (30, 36)], 4.0)) == []
    assert fit_spots(spots([(2, 30)], 4.0)) == []
    with pytest.raises(InputError, match="window 8"):
        fit_spots(torch.rand(32, 32), window=8)
    with pytest.raises(InputError, match="not finite"):
        fit_spots(torch.full((32, 32), torch.nan))


def test_linearity_of_a_line():
    target = torch.rand(2, 1, 40, 48).double()
    line = intensity_linearity(3 * target + 0.5, target)
    assert_close(line.slope, torch.full((2,), 3.0, dtype=torch.float64))
    assert_close(line.intercept, torch.full((2,), 0.5, dtype=torch.float64))
    assert_close(line.r2, torch.ones(2, dtype=torch.float64))


def test_linearity_equals_scipy_over_labels():
    from scipy.ndimage import mean
    from scipy.stats import linregress

    target = torch.rand(1, 1, 30, 30).double()
    restored = target.sqrt() + 0.1 * torch.randn(1, 1, 30, 30).double()
    labels = torch.arange(900).view(1, 1, 30, 30) // 90
    line = intensity_linearity(restored, target, labels)
    names = range(1, 10)
    x, y = (mean(v[0, 0].numpy(), labels[0, 0].numpy(), names) for v in (target, restored))
    expected = linregress(x, y)
    assert float(line.slope) == pytest.approx(expected.slope)
    assert float(line.intercept) == pytest.approx(expected.intercept)
    assert float(line.r2) == pytest.approx(expected.rvalue**2)
    together = intensity_linearity(restored.expand(2, -1, -1, -1), target.expand(2, -1, -1, -1), labels)
    assert_close(together.slope, line.slope.expand(2))


def test_linearity_refuses_what_has_no_line():
    x = torch.rand(1, 1, 32, 32)
    with pytest.raises(InputError, match="at least 3"):
        intensity_linearity(x, x, 20)
    with pytest.raises(InputError, match="must fit"):
        intensity_linearity(x, x, 33)
    with pytest.raises(InputError, match="labels must be"):
        intensity_linearity(x, x, torch.zeros(1, 1, 16, 16).long())
    with pytest.raises(InputError, match="integers"):
        intensity_linearity(x, x, x)
    assert_close(intensity_linearity(torch.ones_like(x), x).r2, torch.zeros(1))


@pytest.mark.parametrize("last", [2, 5, 16, 28, 31])
def test_the_curve_is_averaged_over_five_rings_and_crossed_linearly(last):
    """Of a curve that falls after a ring near its beginning, middle or end; beyond the end it is mirrored."""
    rng = np.random.default_rng(last)
    curve = np.where(np.arange(33) <= last, 0.6, 0.02) + 0.01 * rng.random(33)
    smooth = np.convolve(np.pad(curve, 2, mode="reflect"), np.full(5, 0.2), mode="valid")
    below = np.flatnonzero(smooth < 1 / 7)
    found = float(_crossing(torch.from_numpy(curve)[None], 64))
    if not len(below):
        assert found == 2.0
        return
    k = below[0]
    at = np.interp(-1 / 7, -smooth[k - 1 : k + 1], [k - 1, k])
    assert found == pytest.approx(64 / at, rel=1e-12)


def test_spots_wider_than_half_their_window_are_left_out():
    """A Gaussian of sigma 5 just fits into a window of 11 pixels."""
    (spot,) = fit_spots(spots([(32, 32)], 4.8 * 2.3548), window=11)
    assert spot.fwhm == pytest.approx(4.8 * 2.3548, rel=1e-3)
    assert fit_spots(spots([(32, 32)], 5.2 * 2.3548), window=11) == []
    assert len(fit_spots(spots([(32, 32)], 5.2 * 2.3548), window=13)) == 1
