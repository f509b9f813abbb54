"""Guards the shift between two images: against known moves, and against scikit-image."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import fourier_shift, gaussian_filter

from wavegen.data.shift import shift_between


def moved_pair(shape: tuple[int, int], by: tuple[float, float], seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A smooth image, and the same moved periodically so that ``by`` brings it back."""
    fixed = gaussian_filter(np.random.default_rng(seed).random(shape), 1.5, mode="wrap")
    fixed -= fixed.mean()
    back = fourier_shift(np.fft.fft2(fixed), [-by[0], -by[1]])
    return fixed, np.fft.ifft2(back).real


@pytest.mark.parametrize("shape", [(64, 48), (33, 57), (31, 31)])
@pytest.mark.parametrize("by", [(0.0, 0.0), (3.0, -2.0), (-0.4, 7.7), (12.1, -9.9)])
def test_a_known_move_is_found_to_a_tenth_of_a_pixel(shape: tuple[int, int], by: tuple[float, float]) -> None:
    torch.testing.assert_close(shift_between(*moved_pair(shape, by), 10), by, atol=0.0501, rtol=0)


@pytest.mark.parametrize("seed", range(8))
def test_the_same_as_scikit_image(seed: int) -> None:
    from skimage.registration import phase_cross_correlation

    rng = np.random.default_rng(seed)
    shape = (int(rng.integers(16, 60)), int(rng.integers(16, 60)))
    by = (float(rng.uniform(-5, 5)), float(rng.uniform(-5, 5)))
    fixed, moving = moved_pair(shape, by, seed)
    moving = moving + rng.normal(size=shape) * 0.3 * moving.std()
    expected, _, _ = phase_cross_correlation(fixed, moving, upsample_factor=10, normalization=None)
    torch.testing.assert_close(shift_between(fixed, moving, 10), tuple(map(float, expected)), atol=1e-9, rtol=0)


def test_one_row_moves_along_itself_only() -> None:
    row = np.random.default_rng(0).random((1, 40)) - 0.5
    torch.testing.assert_close(shift_between(row, np.roll(row, -3, axis=1), 10), (0.0, 3.0), atol=1e-9, rtol=0)
