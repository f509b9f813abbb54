"""Restoring: units, randomness, steps, and the options of one call, for every registered system."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from systems import PIPELINES, SEVERAL, picture, tiny

from wavegen.core.errors import InputError


def equal(got: Any, want: Any) -> None:
    """The same bits."""
    np.testing.assert_allclose(got, want, rtol=0, atol=0)


def steps_of(name: str, wanted: int = 2) -> int:
    return wanted if name in SEVERAL else 1


# -- units and shapes ------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", "float64"])
@pytest.mark.parametrize("name", PIPELINES)
def test_what_came_in_goes_out(name: str, dtype: str) -> None:
    pipeline = tiny(name)
    for shape in ((13, 10), (1, 13, 10), (2, 1, 13, 10)):
        array = (picture(*shape) / 4).astype(dtype)
        for image in (array, torch.from_numpy(array)):
            found = pipeline.restore(image, steps=1, samples=2)
            assert type(found.image) is type(found.samples) is type(found.std) is type(image)
            assert found.image.dtype == found.samples.dtype == image.dtype
            assert found.image.shape == found.std.shape == image.shape
            assert found.samples.shape == (2, *image.shape)
            assert "float" in str(found.std.dtype)
            assert found.seconds > 0


@pytest.mark.parametrize("name", PIPELINES)
def test_any_size(name: str) -> None:
    pipeline = tiny(name)
    for size in ((1, 3), (1, 9), (5, 2)):
        found = pipeline.restore(picture(*size), steps=steps_of(name))
        assert found.image.shape == size
        assert np.isfinite(found.image).all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.uint8])
def test_returned_tensors_are_the_users_own(dtype: torch.dtype) -> None:
    found = tiny("bbdm").restore(torch.zeros(8, 8, dtype=dtype), steps=1)
    found.image.add_(1)
    found.std.requires_grad_()


def test_constant_image() -> None:
    for value in (0.0, 5.0, 60000.0):
        image = np.full((16, 16), value, np.float32)
        assert np.isfinite(tiny("mscgm-joint").restore(image, steps=2).image).all()


@pytest.mark.parametrize("name", PIPELINES)
def test_intensities_are_equivariant(name: str) -> None:
    """restore(a y + b) = a restore(y) + b, since the percentiles move with the image."""
    pipeline, y = tiny(name), picture(16, 12)
    base = pipeline.restore(y, steps=steps_of(name), seed=3).image
    for a, b in ((2.0, 0.0), (0.125, 300.0), (1e-9, 0.0), (64.0, -5e3)):
        moved = pipeline.restore((a * y + b).astype(np.float32), steps=steps_of(name), seed=3).image
        np.testing.assert_allclose((moved - b) / a, base, rtol=0, atol=2e-2 if b else 2e-3)


def test_fixed_intensities_are_taken_as_given() -> None:
    pipeline = tiny("bbdm", intensity={"mode": "fixed", "offset": 100, "scale": 50})
    y = torch.rand(1, 1, 8, 8)
    found = pipeline.restore(100 + 50 * y, steps=2).image
    plain = tiny("bbdm", intensity={"mode": "fixed"}).restore(y, steps=2).image
    torch.testing.assert_close((found - 100) / 50, plain, rtol=1e-4, atol=1e-5)


# -- randomness ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PIPELINES)
def test_the_seed_decides(name: str) -> None:
    pipeline, y = tiny(name), picture(16, 12)
    steps = steps_of(name, 3)
    a = pipeline.restore(y, steps=steps, seed=5).image
    torch.manual_seed(99)
    equal(a, pipeline.restore(y, steps=steps, seed=5).image)
    other = pipeline.restore(y, steps=steps, seed=6).image
    random = name in SEVERAL or bool(pipeline.head_noise)
    assert (np.linalg.norm(a - other) > 1e-3 * np.linalg.norm(a)) == random
    equal(a, pipeline.restore(y, steps=steps, seed=np.int64(5)).image)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", PIPELINES)
def test_a_batch_is_its_items(name: str) -> None:
    pipeline, y = tiny(name), picture(3, 1, 15, 11)
    y[1] *= 100  # each image has its own intensities
    steps = steps_of(name)
    together = pipeline.restore(y, steps=steps, seed=[4, 5, 4], samples=2)
    for i, seed in enumerate((4, 5, 4)):
        alone = pipeline.restore(y[i], steps=steps, seed=seed, samples=2)
        for field in ("image", "std"):
            a, b = getattr(together, field)[i], getattr(alone, field)
            np.testing.assert_allclose(a, b, rtol=0, atol=1e-5 * np.abs(alone.image).max())
        np.testing.assert_allclose(together.samples[:, i], alone.samples, rtol=0, atol=1e-5 * np.abs(alone.image).max())


def test_wrong_seeds() -> None:
    pipeline = tiny("bbdm")
    with pytest.raises(InputError, match="2 seeds for 3 images; give one, or one for each"):
        pipeline.restore(picture(3, 1, 8, 8), seed=[1, 2])


@pytest.mark.parametrize("name", SEVERAL)
def test_samples_their_mean_and_their_spread(name: str) -> None:
    pipeline, y = tiny(name), picture(12, 9)
    found = pipeline.restore(y, steps=3, samples=4, seed=1)
    assert found.samples.shape == (4, 12, 9)
    assert found.nfe == 3
    np.testing.assert_allclose(found.image, found.samples.mean(axis=0), rtol=1e-4, atol=1e-2)
    np.testing.assert_allclose(found.std, found.samples.std(axis=0, ddof=1), rtol=1e-3, atol=1e-2)
    gaps = [np.linalg.norm(found.samples[i] - found.samples[j]) for i in range(4) for j in range(i)]
    assert min(gaps) > 1e-3 * np.linalg.norm(found.image)
    # A sample does not depend on how many there are.
    equal(found.samples[:2], pipeline.restore(y, steps=3, samples=2, seed=1).samples)
    single = pipeline.restore(y, steps=3, seed=1)
    equal(single.image, found.samples[0])
    equal(single.std, np.zeros_like(y))


def test_heads_draw_their_own_noise() -> None:
    """One step of a pinned bridge is deterministic: all spread comes from the heads, at every level."""
    pipeline, drawn = tiny("mscgm"), []
    hooks = [head.register_forward_hook(lambda module, given, out: drawn.append(given[1])) for head in pipeline.heads]
    found = pipeline.restore(picture(32, 32), steps=1, samples=2)
    for hook in hooks:
        hook.remove()
    assert found.std.min() > 0
    coarse, fine, other_coarse, other_fine = (z[0, 0] for z in drawn)
    assert coarse.shape == (8, 8)
    assert fine.shape == (16, 16)
    for a, b in ((coarse, other_coarse), (fine, other_fine), (coarse, fine[:8, :8])):
        assert (a - b).norm() > 1


# -- what the networks see -------------------------------------------------------------------------


@pytest.mark.parametrize("conditioning", ["ll", "full"])
def test_conditioning(conditioning: str) -> None:
    """``full`` shows the coarse network what the wavelet's coarsest band has lost; ``ll`` does not."""
    pipeline = tiny("mscgm", conditioning=conditioning)
    y = torch.rand(1, 1, 16, 16)
    checkers = torch.ones(16, 16)
    checkers[1::2, ::2] = checkers[::2, 1::2] = -1
    seen = [pipeline.condition(image, pipeline.transform.forward(image)) for image in (y, y + checkers)]
    assert seen[0].shape == (1, 16 if conditioning == "full" else 1, 4, 4)
    if conditioning == "ll":
        torch.testing.assert_close(seen[0], seen[1])
        torch.testing.assert_close(seen[0], pipeline.norm.low(pipeline.transform.forward(y).ll, 0))
    else:
        # All of y in the units of the coarsest band, whose mean over a cell is that band.
        assert (seen[0] - seen[1]).norm() > 1
        band = pipeline.norm.low(pipeline.transform.forward(y).ll, 0)
        torch.testing.assert_close(seen[0].mean(dim=1, keepdim=True), band, rtol=1e-4, atol=1e-4)


def test_unconditioned_networks_see_the_state_only() -> None:
    pipeline = tiny("bbdm", conditioning="none")
    y = torch.rand(2, 1, 8, 8)
    assert pipeline.condition(y, pipeline.transform.forward(y)).shape == (2, 0, 8, 8)
    assert pipeline.coarse.enter.in_channels == 1
    assert pipeline.restore(picture(9, 7), steps=2).image.shape == (9, 7)


def test_full_conditioning_of_odd_sizes_repeats_the_border() -> None:
    pipeline = tiny("mscgm-joint")
    y = torch.rand(1, 1, 5, 3)
    padded = torch.nn.functional.pad(y, (0, 1, 0, 1), mode="replicate")
    a = pipeline.condition(y, pipeline.transform.forward(y))
    torch.testing.assert_close(a, pipeline.condition(padded, pipeline.transform.forward(padded)))


def test_normalise_uses_the_degraded_image() -> None:
    from wavegen import Pair

    pipeline = tiny("bbdm")
    x, y = torch.rand(1, 32, 32) * 900 + 50, torch.rand(1, 32, 32) * 300 + 100
    normalised = pipeline.normalise(Pair(x, y))
    low, high = np.percentile(y.numpy(), [0.1, 99.9])
    for got, want in zip(normalised, (x, y), strict=True):
        torch.testing.assert_close(got, (want - float(low)) / float(high - low), rtol=1e-4, atol=1e-5)
