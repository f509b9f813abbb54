"""Boundary modes, given taps, depth and half precision of the filter banks."""

from __future__ import annotations

import math

import pytest
import pywt
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from wavegen import Pipeline
from wavegen.core.errors import InputError
from wavegen.core.registry import build
from wavegen.core.types import Details, Subbands
from wavegen.transforms import Transform, max_levels

MODES = ["periodization", "symmetric", "reflect", "zero"]
CDF53 = dict(zip(("dec_lo", "dec_hi", "rec_lo", "rec_hi"), pywt.Wavelet("bior2.2").filter_bank, strict=True))


def image(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def all_bands(bands: Subbands) -> list[Tensor]:
    return [bands.ll, *(band for details in bands.details for band in details)]


@settings(deadline=None, max_examples=60)
@given(
    name=st.sampled_from(["haar", "db2", "db7", "coif2", "bior2.6", "rbio3.1"]),
    mode=st.sampled_from(MODES),
    levels=st.integers(1, 4),
    height=st.integers(1, 70),
    width=st.integers(1, 70),
)
def test_any_size_is_reconstructed_in_every_mode(name: str, mode: str, levels: int, height: int, width: int) -> None:
    levels = min(levels, max_levels((height, width)))
    transform: Transform = build("transform", {"name": name, "levels": levels, "mode": mode})
    assert transform.reconstruction_error(image(1, 2, height, width)) <= 1e-10


@settings(deadline=None, max_examples=40)
@given(
    name=st.sampled_from(["haar", "db3", "coif3", "sym4"]),
    levels=st.integers(1, 3),
    height=st.integers(1, 6),
    width=st.integers(1, 6),
)
def test_parseval_at_sizes_that_halve(name: str, levels: int, height: int, width: int) -> None:
    x = image(1, 1, height << levels, width << levels)
    bands = build("transform", {"name": name, "levels": levels}).forward(x)
    assert math.isclose(sum(float(b.square().sum()) for b in all_bands(bands)), float(x.square().sum()), rel_tol=1e-8)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("size", [(5, 6), (9, 3), (70, 40), (130, 2)])
def test_gradients_are_the_exact_transpose(mode: str, size: tuple[int, int]) -> None:
    transform: Transform = build("transform", {"name": "bior2.4", "levels": 1, "mode": mode})
    x = image(1, 1, *size).requires_grad_()
    bands = all_bands(transform.forward(x))
    duals = [image(*band.shape, seed=i) for i, band in enumerate(bands)]
    (gradient,) = torch.autograd.grad(bands, x, duals)
    probe = image(1, 1, *size, seed=9)
    inner = sum((b * d).sum() for b, d in zip(all_bands(transform.forward(probe)), duals, strict=True))
    torch.testing.assert_close((gradient * probe).sum(), inner)
    free = [d.requires_grad_() for d in duals]
    back = transform.inverse(Subbands(free[0], (Details(*free[1:]),), size))
    gradients = torch.autograd.grad(back, free, probe)
    with torch.no_grad():
        inner = sum((g * d).sum() for g, d in zip(gradients, free, strict=True))
        torch.testing.assert_close((back * probe).sum(), inner)


def test_many_images_and_one_large_image_are_cut_alike() -> None:
    # More samples than are worked on at a time.
    transform: Transform = build("transform", {"name": "db5", "levels": 2})
    for x in (image(40, 2, 90, 128).float(), image(2, 1, 1100, 700).float()):
        want = build("transform", {"name": "db5", "levels": 2}).forward(x[1:2, :1])
        for got, one in zip(all_bands(transform.forward(x)), all_bands(want), strict=True):
            torch.testing.assert_close(got[1:2, :1], one)
        assert transform.reconstruction_error(x) < 1e-6


def test_sizes_of_bands_in_other_modes() -> None:
    transform: Transform = build("transform", {"name": "db4", "levels": 2, "mode": "reflect"})
    assert transform.sizes((101, 64)) == [(101, 64), (54, 35), (30, 21)]
    assert not transform.orthonormal


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_rounded_once(mode: str, dtype: torch.dtype) -> None:
    transform: Transform = build("transform", {"name": "sym4", "levels": 3, "mode": mode})
    x = image(1, 1, 40, 33).to(dtype)
    bands, exact = transform.forward(x), transform.forward(x.float())
    for got, want in zip(all_bands(bands), all_bands(exact), strict=True):
        torch.testing.assert_close(got, want.to(dtype), rtol=0, atol=0)
    wide = Subbands(bands.ll.float(), tuple(Details(*(b.float() for b in d)) for d in bands.details), bands.size)
    torch.testing.assert_close(transform.inverse(bands), transform.inverse(wide).to(dtype), rtol=0, atol=0)


def test_autocast_changes_nothing() -> None:
    x = image(1, 1, 64, 64).float()
    transform = build("transform", "db4")
    want = transform.forward(x)
    with torch.autocast("cpu", torch.bfloat16):
        got = transform.forward(x)
    for a, b in zip(all_bands(got), all_bands(want), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=0)


@pytest.mark.parametrize(("size", "possible"), [((1, 1), 1), ((2, 1), 1), ((3, 3), 2), ((1, 33), 6), ((64, 40), 6)])
def test_levels_too_deep(size: tuple[int, int], possible: int) -> None:
    assert max_levels(size) == possible
    build("transform", {"name": "db2", "levels": possible}).forward(image(1, 1, *size))
    deep: Transform = build("transform", {"name": "db2", "levels": possible + 1})
    with pytest.raises(InputError, match=f"{possible + 1} levels are too deep .* at most {possible}"):
        deep.forward(image(1, 1, *size))


def test_given_taps_are_the_named_wavelet() -> None:
    x = image(2, 1, 21, 34)
    for mode in MODES:
        given: Transform = build("transform", {"name": "custom", **CDF53, "mode": mode})
        named: Transform = build("transform", {"name": "bior2.2", "mode": mode})
        for a, b in zip(all_bands(given.forward(x)), all_bands(named.forward(x)), strict=True):
            torch.testing.assert_close(a, b, rtol=0, atol=0)
        assert given.reconstruction_error(x) < 1e-12


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rec_lo": CDF53["rec_hi"]}, "does not reconstruct"),
        ({"dec_lo": [2 * tap for tap in CDF53["dec_lo"]]}, "filters differ by 1"),
        ({"dec_hi": [-tap for tap in CDF53["dec_hi"]]}, "does not reconstruct"),
        ({"dec_lo": CDF53["dec_lo"][:-1]}, "'dec_lo': 5"),
        ({"dec_lo": [math.nan] * 6}, "dec_lo has taps that are NaN"),
        ({"mode": "mirror"}, "mode"),
    ],
)
def test_wrong_taps(change: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        build("transform", {"name": "custom", **CDF53, **change})


def test_full_conditioning_needs_the_grids_to_match() -> None:
    network = {"width": 8, "multipliers": [1, 2]}
    spec = {"name": "mscgm", "network": network, "transform": {"name": "db4", "levels": 1, "mode": "symmetric"}}
    with pytest.raises(InputError, match="periodization"):
        Pipeline.from_config({**spec, "conditioning": "full"})
    pipeline = Pipeline.from_config({**spec, "conditioning": "ll"})
    assert pipeline.restore(image(1, 1, 32, 32).float(), steps=1).image.shape == (1, 1, 32, 32)
