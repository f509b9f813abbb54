"""Units in, units out: what an image may be, and how exactly it comes back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from wavegen import Pipeline
from wavegen.core.errors import InputError
from wavegen.core.registry import build
from wavegen.core.types import Pair
from wavegen.pipeline.config import Intensity
from wavegen.pipeline.norm import SubbandNorm
from wavegen.pipeline.units import as_batch, intensity_of
from wavegen.transforms import Transform, low_bands

DTYPES = ("uint8", "uint16", "float32", "float64")
SHAPES = ((5, 4), (2, 5, 4), (3, 2, 5, 4))
TRANSFORMS: tuple[dict[str, Any], ...] = (
    {"name": "haar", "levels": 2},
    {"name": "db4", "levels": 1},
    {"name": "bior4.4", "levels": 3},
    {"name": "space_to_depth", "factor": 4},
    {"name": "identity"},
)


def pixels(dtype: str, shape: tuple[int, ...], seed: int = 0) -> np.ndarray[Any, Any]:
    """The whole range of an integer type, or photons with a background."""
    rng = np.random.default_rng(seed)
    if dtype.startswith("uint"):
        return rng.integers(0, np.iinfo(dtype).max, shape, dtype=dtype, endpoint=True)
    return (100 + 30 * rng.standard_normal(shape)).astype(dtype)


# -- what comes in ---------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("dtype", DTYPES)
def test_units_come_back(dtype: str, shape: tuple[int, ...]) -> None:
    array = pixels(dtype, shape)
    channels = 1 if len(shape) == 2 else 2
    for image in (array, torch.from_numpy(array)):
        batch, layout = as_batch(image, channels)
        assert batch.dtype == (torch.float64 if dtype == "float64" else torch.float32)
        assert batch.shape == (1, 1, 1, 1)[: 4 - len(shape)] + shape
        back = layout.give_back(batch)
        assert type(back) is type(image)
        assert back.dtype == image.dtype
        assert back.shape == image.shape
        np.testing.assert_allclose(np.asarray(back), array, rtol=1e-7)
        stack = layout.give_back(torch.stack([batch, batch]))
        assert stack.shape == (2, *shape)
        spread = layout.give_back(batch, integer=False)
        assert spread.shape == image.shape
        assert "float" in str(spread.dtype)


def test_integers_are_rounded_and_clipped() -> None:
    _, layout = as_batch(np.zeros((1, 4), np.uint8), 1)
    found = layout.give_back(torch.tensor([[[[-3.0, 0.6, 254.4, 300.0]]]]))
    np.testing.assert_allclose(found, [[0, 1, 254, 255]])


def test_other_memory_is_understood() -> None:
    array = pixels("uint16", (6, 4))
    for image in (array[::-1, ::2], array.T, array.astype(">u2"), np.broadcast_to(array, (3, 1, 6, 4))):
        batch, _ = as_batch(image, 1)
        np.testing.assert_allclose(batch.numpy().reshape(image.shape), image.astype(np.float32))
    frozen = array.copy()
    frozen.setflags(write=False)
    batch, _ = as_batch(frozen, 1)
    np.testing.assert_allclose(batch[0, 0].numpy(), array)


def test_the_image_itself_stays_as_it_was() -> None:
    array = pixels("float32", (8, 8))
    kept = array.copy()
    batch, _ = as_batch(array, 1)
    (batch - 1).mul_(0)
    np.testing.assert_allclose(array, kept, rtol=0)


@pytest.mark.parametrize(
    ("image", "said"),
    [
        ([[1, 2]], "not list"),
        (None, "not NoneType"),
        (np.zeros((4, 4), np.int16), "image dtype is int16; give uint8, uint16, float32 or float64"),
        (np.zeros((4, 4), bool), "image dtype is bool"),
        (np.zeros((4, 4), complex), "image dtype is complex128"),
        (np.array([["a"]]), "image dtype is <U1"),
        (torch.zeros(4, 4, dtype=torch.float16), "image dtype is torch.float16"),
        (np.zeros(4, np.float32), r"image shape is \(4,\); give \(H, W\), \(C, H, W\) or \(B, C, H, W\)"),
        (np.zeros((1, 1, 1, 4, 4), np.float32), r"image shape is \(1, 1, 1, 4, 4\)"),
        (np.zeros((0, 4), np.float32), r"image shape is \(0, 4\).*without a size 0"),
        (np.zeros((0, 1, 4, 4), np.float32), "without a size 0"),
        (np.zeros((3, 4, 4), np.float32), r"image of shape \(3, 4, 4\) has 3 channel\(s\), the model takes 1"),
        (np.zeros((4, 4, 3), np.float32), "has 4 channel"),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_refusals(image: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        as_batch(image, 1)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_position_of_the_first_bad_value(bad: float) -> None:
    for shape in ((6, 5), (1, 6, 5), (1, 1, 6, 5)):
        image = np.ones(shape, np.float32)
        image[..., 3, 2] = image[..., 4, 0] = bad
        where = (*(0,) * (len(shape) - 2), 3, 2)
        with pytest.raises(InputError) as caught:
            as_batch(image, 1)
        assert f"2 values that are NaN or infinite, the first at {where}" in str(caught.value)


# -- intensities -----------------------------------------------------------------------------------


def test_percentiles_of_each_image() -> None:
    y = torch.from_numpy(pixels("float32", (3, 2, 20, 20))) * torch.tensor([1.0, 10.0, 1e-4]).view(3, 1, 1, 1)
    offset, scale = intensity_of(y, Intensity(low=1, high=99))
    assert offset.shape == scale.shape == (3, 1, 1, 1)
    low, high = np.percentile(y.numpy().reshape(3, -1), [1, 99], axis=1)
    np.testing.assert_allclose(offset.flatten(), low, rtol=1e-6)
    np.testing.assert_allclose(scale.flatten(), high - low, rtol=1e-5)


def test_fixed_intensities() -> None:
    offset, scale = intensity_of(torch.rand(2, 1, 3, 3), Intensity(mode="fixed", offset=100, scale=50))
    torch.testing.assert_close(offset, torch.full((2, 1, 1, 1), 100.0))
    torch.testing.assert_close(scale, torch.full((2, 1, 1, 1), 50.0))


@pytest.mark.parametrize("value", [0.0, 1e-9, -3.0, 1.0, 65535.0, 1e12])
def test_constant_images_have_a_finite_scale(value: float) -> None:
    y = torch.full((1, 1, 8, 8), value)
    offset, scale = intensity_of(y, Intensity())
    assert scale > 0
    assert torch.isfinite(scale)
    normalised = (y - offset) / scale
    torch.testing.assert_close(normalised, torch.zeros_like(y))
    torch.testing.assert_close(normalised * scale + offset, y)


@pytest.mark.parametrize("unit", [1e-12, 1e-6, 1.0, 1e6])
def test_the_unit_of_intensity_is_free(unit: float) -> None:
    """Reflectances of 1e-7 and photons of 1e5 fill the same range."""
    y = torch.from_numpy(pixels("float64", (1, 1, 16, 16)) * unit).float()
    offset, scale = intensity_of(y, Intensity())
    torch.testing.assert_close(
        scale.double() / unit, intensity_of(y / unit, Intensity())[1].double(), rtol=1e-4, atol=0
    )
    assert 0 < ((y - offset) / scale).std() < 1


# -- subbands --------------------------------------------------------------------------------------


@pytest.mark.parametrize("spec", TRANSFORMS, ids=lambda s: s["name"])
def test_fit_gives_unit_variance(spec: dict[str, Any]) -> None:
    transform: Transform = build("transform", spec)
    norm = SubbandNorm(transform, channels=2)
    generator = torch.Generator().manual_seed(0)
    scale = torch.tensor([0.5, 20.0]).view(1, 2, 1, 1)
    images = [3 + scale * torch.randn(1, 2, 32, 32, generator=generator) for _ in range(6)]
    norm.fit(transform, images)
    bands = [transform.forward(image) for image in images]
    for index in range(max(transform.levels, 1)):
        low = torch.cat([norm.low(low_bands(transform, b)[index], index) for b in bands])
        torch.testing.assert_close(low.mean((0, 2, 3)), torch.zeros(low.shape[1]), rtol=0, atol=1e-3)
        torch.testing.assert_close(low.square().mean((0, 2, 3)), torch.ones(low.shape[1]), rtol=1e-3, atol=0)
    for index in range(transform.levels):
        details = [norm.details(b.details[index], index) for b in bands]
        for band in zip(*details, strict=True):
            power = torch.cat(band).square().mean((0, 2, 3))
            torch.testing.assert_close(power, torch.ones(2), rtol=1e-3, atol=0)


@pytest.mark.parametrize("spec", TRANSFORMS, ids=lambda s: s["name"])
def test_inverses(spec: dict[str, Any]) -> None:
    transform: Transform = build("transform", spec)
    norm, x = SubbandNorm(transform, channels=1), torch.rand(2, 1, 13, 10)
    norm.fit(transform, [x[:1]])
    bands = transform.forward(x)
    for index, low in enumerate(low_bands(transform, bands)[:-1]):
        torch.testing.assert_close(norm.low_inverse(norm.low(low, index), index), low)
    for index, details in enumerate(bands.details):
        for got, want in zip(norm.details_inverse(norm.details(details, index), index), details, strict=True):
            torch.testing.assert_close(got, want)


def test_low_bands_end_with_the_image() -> None:
    for spec in TRANSFORMS:
        transform: Transform = build("transform", spec)
        x = torch.rand(1, 1, 13, 10)
        chain = low_bands(transform, transform.forward(x))
        assert len(chain) == max(transform.levels, 1) + 1
        torch.testing.assert_close(chain[-1], x, rtol=1e-4, atol=1e-5)


def test_statistics_need_images_and_survive_constants() -> None:
    transform: Transform = build("transform", "haar")
    norm = SubbandNorm(transform, channels=1)
    with pytest.raises(InputError, match="no images"):
        norm.fit(transform, [])
    norm.fit(transform, [torch.full((1, 1, 8, 8), 7.0)])
    assert torch.isfinite(norm.detail_scale).all()
    assert (norm.detail_scale > 0).all()
    assert (norm.low_scale > 0).all()


# -- the whole way ---------------------------------------------------------------------------------


def systems() -> list[Pipeline]:
    made = []
    for spec in TRANSFORMS:
        head = {"name": "gan", "network": {"name": "unet", "width": 4, "multipliers": [1]}}
        pipeline = Pipeline.from_config({"name": "bbdm", "transform": spec, "network": {"width": 4}, "head": head})
        pipeline.fit_normalisation([torch.rand(1, 32, 32)])
        made.append(pipeline)
    return made


def relative_error(got: Any, want: Any) -> float:
    difference = np.abs(np.asarray(got, np.float64) - np.asarray(want, np.float64))
    return float(difference.max() / max(np.abs(np.asarray(want, np.float64)).max(), 1e-300))


def test_roundtrip_loses_nothing() -> None:
    """Random sizes, types, magnitudes and offsets; integers come back to the last bit."""
    rng = np.random.default_rng(0)
    pipelines = systems()
    for trial in range(200):
        size = (int(rng.integers(1, 98)), int(rng.integers(1, 98)))
        dtype = DTYPES[trial % 4]
        image = pixels(dtype, size, seed=trial)
        if dtype.startswith("float"):
            offset = rng.choice([0.0, 0.0, 1e3, -1e6])
            image = (image * 10.0 ** rng.integers(-8, 9) * (1 if offset else rng.choice([-1, 1])) + offset).astype(
                dtype
            )
        elif trial % 3 == 0:
            image[image < np.iinfo(dtype).max // 1.01] = 0  # sparse: the percentiles miss the bright pixels
        given: Any = torch.from_numpy(image) if trial % 5 == 0 else image
        back = pipelines[trial % len(pipelines)].roundtrip(given)
        assert type(back) is type(given)
        assert back.dtype == given.dtype
        assert back.shape == given.shape
        error = relative_error(back, given)
        what = f"trial {trial}: {dtype} {size}, error {error:.2g}"
        assert error == 0 if dtype.startswith("uint") else error <= 1e-6, what


def test_roundtrip_of_channels_and_batches() -> None:
    pipeline = Pipeline.from_config(
        {"name": "mscgm", "channels": 3, "network": {"width": 4}, "head": {"network": {"width": 4}}}
    )
    for shape in ((3, 9, 7), (4, 3, 9, 7)):
        image = pixels("uint16", shape)
        np.testing.assert_allclose(pipeline.roundtrip(image), image, rtol=0)
    fixed = Pipeline.from_config({"name": "bbdm", "intensity": {"mode": "fixed", "offset": 100, "scale": 50}})
    np.testing.assert_allclose(fixed.roundtrip(pixels("uint8", (9, 7))), pixels("uint8", (9, 7)), rtol=0)


def test_tensor_type_is_checked_against_numpy() -> None:
    found, _ = as_batch(torch.zeros(2, 2, dtype=torch.float64), 1)
    assert isinstance(found, Tensor)


# -- on which scale the clean image is ---------------------------------------------------------------


def _two_scales(mode: str, target: str) -> tuple[Pipeline, Pair]:
    pipe = Pipeline.from_config(
        {"name": "unet", "network": {"width": 8}, "intensity": {"mode": mode, "target": target, "scale": 255.0}}
    )
    y = torch.rand(1, 16, 16, generator=torch.Generator().manual_seed(0))
    return pipe, Pair(200 * y + 30, 7 * y + 2)


def test_pairs_on_one_scale_keep_it() -> None:
    pipe, pair = _two_scales("percentile", "input")
    both = pipe.normalise(Pair(pair.y, pair.y))
    torch.testing.assert_close(both.x, both.y)
    assert float(pipe.normalise(pair).x.max()) > 10


def test_pairs_on_unrelated_scales_are_stretched_apart() -> None:
    pipe, pair = _two_scales("percentile", "own")
    both = pipe.normalise(pair)
    torch.testing.assert_close(both.x, both.y, rtol=1e-4, atol=1e-4)


def test_a_fixed_target_scale_is_that_of_the_results() -> None:
    pipe, pair = _two_scales("percentile", "fixed")
    both = pipe.normalise(pair)
    torch.testing.assert_close(both.x, pair.x / 255)
    # The units of results do not depend on the input's scale.
    once, again = (pipe.restore(k * pair.y).image for k in (1, 9))
    torch.testing.assert_close(once, again, rtol=1e-4, atol=1e-3)
