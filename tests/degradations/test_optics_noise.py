"""Gaussian optics and photon noise against closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wavegen.core.errors import InputError
from wavegen.degradations import blur, camera, gaussian_psf, gaussian_taps, sigma_pixels


def test_psf_has_the_width_it_was_given() -> None:
    taps = gaussian_taps(250, 5)
    half = np.flatnonzero(taps >= taps.max() / 2)
    assert abs((half[-1] - half[0] + 1) * 5 - 250) <= 10
    psf = gaussian_psf(250, 20)
    r = psf.shape[0] // 2
    offsets = np.arange(-r, r + 1)
    np.testing.assert_allclose(psf.sum(), 1, rtol=1e-5)
    variance = (psf.sum(axis=0) * offsets**2).sum()
    np.testing.assert_allclose(variance, sigma_pixels(250, 20) ** 2, rtol=5e-3)
    np.testing.assert_allclose(gaussian_psf(250, 20, "peak").max(), 1)


def test_blur_of_a_point_is_the_psf() -> None:
    psf = gaussian_psf(100, 20)
    n = psf.shape[0] + 6
    image = np.zeros((n, n))
    image[n // 2, n // 2] = 7
    np.testing.assert_allclose(blur(image, 100, 20)[3:-3, 3:-3], 7 * psf, rtol=1e-4, atol=1e-8)


@settings(deadline=None, max_examples=20)
@given(st.floats(1, 400), st.integers(1, 20), st.integers(1, 20))
def test_blur_keeps_a_constant_and_the_shape(fwhm: float, height: int, width: int) -> None:
    image = np.full((2, height, width), 3.0, dtype=np.float32)
    result = blur(image, fwhm, 20)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, image, rtol=1e-4)


def test_camera_has_the_mean_and_variance_of_its_law() -> None:
    rng = np.random.default_rng(0)
    n = 200_000
    counts = camera(np.full(n, 5.0), rng, read_noise=2.0, background=1.5)
    variance = 6.5 + 4.0
    np.testing.assert_allclose(counts.mean(), 6.5, atol=5 * np.sqrt(variance / n))
    np.testing.assert_allclose(counts.var(), variance, rtol=5 * np.sqrt(3 / n))
    same = camera(np.full(n, 5.0), np.random.default_rng(0), read_noise=2.0, background=1.5)
    np.testing.assert_array_equal(counts, same)


def test_camera_without_read_noise_counts_whole_photons() -> None:
    counts = camera(np.full((8, 8), 4.0), np.random.default_rng(1))
    np.testing.assert_array_equal(counts, np.round(counts))


@pytest.mark.parametrize("bad", [-1.0, np.nan, np.inf])
def test_camera_refuses_impossible_light(bad: float) -> None:
    with pytest.raises(InputError, match="finite and not negative"):
        camera(np.array([1.0, bad]), np.random.default_rng(0))


def test_wrong_optics_are_refused() -> None:
    with pytest.raises(InputError, match="positive"):
        gaussian_psf(0, 20)
    with pytest.raises(InputError, match="positive"):
        blur(np.zeros((4, 4)), 100, -1)
    with pytest.raises(InputError, match="shape"):
        blur(np.zeros(4), 100, 20)
    with pytest.raises(InputError, match="negative"):
        camera(np.zeros(2), np.random.default_rng(0), read_noise=-1)
