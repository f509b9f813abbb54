"""Guards images without an ordinary range: sparse, constant, nearly constant, with hot pixels, of other types."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from systems import answer_with, tiny

from wavegen.core.errors import InputError
from wavegen.core.types import Pair
from wavegen.pipeline.config import Intensity
from wavegen.pipeline.pipeline import Pipeline
from wavegen.pipeline.units import outlier_remark

PERCENTILE = Intensity()


def beads() -> np.ndarray[Any, Any]:
    """Three bright pixels on an empty field: fewer than one pixel in 1000."""
    image = np.zeros((64, 64), np.float32)
    image[10, 20] = image[50, 7] = 200.0
    image[30, 33] = 100.0
    return image


def cells() -> np.ndarray[Any, Any]:
    """Whole numbers, so that gains of powers of two and whole offsets are exact in float32."""
    return np.random.default_rng(1).poisson(50, (16, 24)).astype(np.float32)


@settings(max_examples=12)
@given(
    power=st.integers(-3, 3), offset=st.sampled_from([0, -7, 1000, 100_000, 1_000_000]), few=st.booleans(),
    wide=st.booleans(),
)  # fmt: skip
def test_restoration_follows_gain_and_offset(power: int, offset: int, few: bool, wide: bool) -> None:
    """restore(a x + b) = a restore(x) + b, to what the type of the result can hold on that offset."""
    pipeline, image, gain = _equivariant, beads() if few else cells(), 2.0**power
    base = pipeline.restore(image, steps=1, samples=2)
    moved = (gain * image + offset).astype(np.float64 if wide else np.float32)
    found = pipeline.restore(moved, steps=1, samples=2)
    rounding = np.spacing(np.abs(moved).max())
    size = gain * np.ptp(base.image)
    np.testing.assert_allclose(found.image - offset, gain * base.image, rtol=0, atol=2e-5 * size + rounding)
    np.testing.assert_allclose(found.std, gain * base.std, rtol=0, atol=2e-5 * size)


_equivariant = tiny("mscgm")


@pytest.mark.parametrize("value", [0.0, 5.0, 30_000.0, 0.1, -3.0, 1e6])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", "float64"])
def test_constant_images_come_back_as_they_are(dtype: str, value: float) -> None:
    if "uint" in dtype and not (0 <= value <= np.iinfo(dtype).max and value.is_integer()):
        return
    image = np.full((2, 1, 12, 9), value, dtype)
    found = tiny("mscgm").restore(image, steps=1, samples=2)
    np.testing.assert_array_equal(found.image, image)
    np.testing.assert_array_equal(found.std, np.zeros(image.shape))


def test_a_fixed_scale_says_something_of_a_constant() -> None:
    """On a scale of its own, a dark image may become a bright one."""
    dark = np.full((16, 16), 10, np.uint8)
    for options in ({"mode": "fixed", "scale": 255.0}, {"target": "fixed", "scale": 255.0}):
        found = tiny("mscgm", intensity=options).restore(dark, steps=1).image
        assert np.ptp(found) > 0


def test_nearly_constant_images_stay_near() -> None:
    grey = np.full((32, 32), 30_000, np.uint16)
    grey[3, 4] += 1
    grey[::5, 7] += 1
    for image in (grey, np.where(grey > 30_000, np.nextafter(np.float32(0.3), 1), np.float32(0.3))):
        step = float(image.max()) - float(image.min())
        found = tiny("mscgm").restore(image, steps=1).image
        assert np.abs(found.astype(np.float64) - image.astype(np.float64)).max() <= 5 * step


def test_an_empty_slice_keeps_the_range_of_its_noise() -> None:
    noise = np.random.default_rng(0).normal(100, 3, (64, 64)).round().astype(np.uint16)
    found = Pipeline.from_pretrained("mscgm-hela").restore(noise, steps=1).image
    assert found.min() >= noise.min() - np.ptp(noise)
    assert found.max() <= noise.max() + np.ptp(noise)


@pytest.mark.parametrize("shape", [(1, 1), (1, 64), (64, 1), (3, 5)])
def test_images_of_a_row_or_a_pixel(shape: tuple[int, int]) -> None:
    image = np.random.default_rng(0).poisson(50, shape).astype(np.uint16)
    found = tiny("bbdm").restore(image, steps=1).image
    assert found.shape == shape
    if shape == (1, 1):
        np.testing.assert_array_equal(found, image)


def test_a_range_beyond_the_type_is_refused() -> None:
    image = np.where(np.arange(256).reshape(16, 16) % 2, np.float32(-3e38), np.float32(3e38))
    with pytest.raises(InputError, match=r"range from -3e\+38 to 3e\+38, which torch.float32 cannot scale"):
        tiny("mscgm").restore(image, steps=1)
    assert np.isfinite(tiny("mscgm").restore(image.astype(np.float64), steps=1).image).all()


def test_float64_keeps_what_float32_could_not_hold() -> None:
    """Two levels that float32 cannot tell apart on their offset, and values beyond its range."""
    image = cells().astype(np.float64)
    base = _equivariant.restore(image, steps=1).image
    found = _equivariant.restore(1e9 + image, steps=1).image
    np.testing.assert_allclose(found - 1e9, base, rtol=0, atol=1e-3)
    np.testing.assert_allclose(_equivariant.restore(1e50 * image, steps=1).image, 1e50 * base, rtol=0, atol=1e46)


@pytest.mark.parametrize("dtype", ["uint16", "float32"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_result_that_is_not_finite_is_refused(dtype: str, value: float) -> None:
    pipeline = tiny("bbdm")

    def network(x_t: torch.Tensor, t: torch.Tensor, condition: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        output = torch.zeros_like(x_t)
        output[..., 2, 3] = value
        return output, output

    answer_with(pipeline, network)
    with pytest.raises(
        InputError, match=r"1 of 384 restored values are NaN or infinite, the first at \(y, x\) = \(2, 3\)"
    ):
        pipeline.restore(cells().astype(dtype), steps=1)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda w: w.index_fill(0, torch.tensor([0]), torch.nan), "values that are NaN or infinite"),
        (lambda w: w.index_fill(0, torch.tensor([0]), torch.inf), "values that are NaN or infinite"),
        (lambda w: w.to(torch.int32), "has type torch.int32; weights are floating-point"),
        (lambda w: w > 0, "has type torch.bool"),
    ],
)
def test_weights_that_are_no_numbers_are_refused(tmp_path: Path, change: Any, reason: str) -> None:
    tiny("mscgm").save_pretrained(tmp_path)
    file = tmp_path / "model.safetensors"
    tensors = load_file(file)
    tensors["coarse.leave.bias"] = change(tensors["coarse.leave.bias"]).contiguous()
    save_file(tensors, file)
    with pytest.raises(InputError, match=rf"tensor 'coarse.leave.bias' .*{reason}"):
        Pipeline.from_pretrained(tmp_path)


def test_far_pixels_are_remarked_on() -> None:
    image = np.random.default_rng(0).integers(100, 131, (1, 64, 64)).astype(np.uint16)
    assert outlier_remark(image, PERCENTILE) is None
    hot = image.copy()
    hot[0, 5, 5] = 65535
    assert "the brightest pixel (65535) is 2180 times the range from 100 to 130 away" in (
        outlier_remark(hot, PERCENTILE) or ""
    )
    dead = image.astype(np.float32)
    dead[0, 5, 5] = -1000
    assert "the darkest pixel (-1000) is 37 times" in (outlier_remark(dead, PERCENTILE) or "")
    assert outlier_remark(hot, Intensity(mode="fixed")) is None
    assert outlier_remark(beads(), PERCENTILE) is None, "the whole range is that of the beads"
    assert outlier_remark(np.full((8, 8), 7.0), PERCENTILE) is None


def test_a_constant_input_takes_the_scale_of_its_target() -> None:
    pair = Pair(torch.from_numpy(1000 * cells())[None], torch.full((1, 16, 24), 3.0))
    normal = tiny("mscgm").normalise(pair)
    torch.testing.assert_close(normal.y, torch.zeros_like(normal.y))
    assert 0.5 < float(normal.x.max() - normal.x.min()) < 2
    both = tiny("mscgm").normalise(Pair(torch.full((1, 8, 8), 5e4), torch.full((1, 8, 8), 3.0)))
    assert float(both.x.abs().max()) < 2, "two constants differ by no more than their magnitude"
