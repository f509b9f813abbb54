"""Guards the range of intensities: it follows gain and offset, and only a constant image has none."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wavegen.core.intensity import intensity_range, unit_range


def noise(*shape: int, dtype: str = "float32") -> np.ndarray:
    return np.random.default_rng(0).gamma(2.0, 50.0, shape).astype(dtype)


def sparse() -> np.ndarray:
    image = np.zeros((128, 128), np.float32)
    image[10, 20] = image[90, 7] = 40.0
    return image


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "float16", "float32", "float64"])
def test_ordinary_images_have_their_percentiles(dtype: str) -> None:
    image = noise(40, 50).clip(0, 255).astype(dtype)
    low, high = np.percentile(image.astype(np.float64), [0.1, 99.9])
    np.testing.assert_allclose(intensity_range(image), (low, high - low), rtol=1e-6)
    low, high = np.percentile(image.astype(np.float64), [5, 75])
    np.testing.assert_allclose(intensity_range(image, 5, 75), (low, high - low), rtol=1e-6)


def test_sparse_images_have_their_whole_range() -> None:
    assert intensity_range(sparse()) == (0.0, 40.0)
    assert intensity_range(100 - sparse()) == (60.0, 40.0)


@pytest.mark.parametrize("value", [0.0, -3.0, 0.1, 65535.0, 1e-38, 1e38])
def test_only_constants_have_no_range(value: float) -> None:
    image = np.full((9, 7), value, np.float32)
    assert intensity_range(image) == (float(np.float32(value)), 0.0)
    np.testing.assert_array_equal(unit_range(image), np.zeros((9, 7)))
    image[3, 3] = np.nextafter(image[3, 3], np.float32(np.inf))
    assert intensity_range(image)[1] > 0


def test_a_range_beyond_the_type_is_not_finite() -> None:
    assert not np.isfinite(intensity_range(np.array([-3e38, 3e38], np.float32))[1])
    assert intensity_range(np.array([-3e38, 3e38]), 0, 100)[1] == 6e38


@given(gain=st.floats(0.01, 1000), offset=st.sampled_from([0.0, -50.0, 1e4, 1e6]), few=st.booleans())
def test_the_range_follows_gain_and_offset(gain: float, offset: float, few: bool) -> None:
    image = sparse() if few else noise(30, 30)
    low, width = intensity_range(image)
    moved = (gain * image.astype(np.float64) + offset).astype(np.float32)
    rounding = 2 * np.finfo(np.float32).eps * float(np.abs(moved).max())
    np.testing.assert_allclose(intensity_range(moved), (gain * low + offset, gain * width), rtol=1e-5, atol=rounding)


def test_the_unit_range_is_from_0_to_1() -> None:
    unit = unit_range(noise(50, 50), 0, 100)
    np.testing.assert_allclose((unit.min(), unit.max()), (0, 1), rtol=0, atol=1e-6)
    np.testing.assert_allclose(unit_range(np.array([10, 20, 30], np.uint8), 0, 100), [0, 0.5, 1])
