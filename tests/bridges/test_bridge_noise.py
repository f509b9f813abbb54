"""Noise as a function of seed, sample, stream, channel and absolute pixel."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kstest
from torch import Tensor

from wavegen.bridges import noise

SIDE = 700
COUNT = SIDE * SIDE
SAME = {"rtol": 0.0, "atol": 0.0}


def field(seed: int = 0, sample: int = 0, stream: int = 0, channels: int = 1) -> Tensor:
    return noise((1, channels, SIDE, SIDE), seeds=[seed], sample=sample, stream=stream)[0].double()


@pytest.mark.parametrize(("seed", "sample", "stream"), [(0, 0, 0), (1, 0, 0), (2**40 + 7, 3, 1 << 16)])
def test_standard_normal(seed: int, sample: int, stream: int) -> None:
    """Moments within five standard errors, and the whole distribution."""
    z = field(seed, sample, stream).flatten()
    moments = torch.stack([z.mean(), z.square().mean(), z.pow(3).mean(), z.pow(4).mean()])
    errors = torch.tensor([1, 2, 15, 96], dtype=torch.float64).sqrt() / math.sqrt(COUNT)
    norm = ((moments - torch.tensor([0.0, 1, 0, 3])) / errors).abs().max()
    assert norm < 5
    assert kstest(z.numpy(), "norm").pvalue > 1e-4
    assert 4 < z.abs().max() < 7


def test_rows_and_columns_are_alike() -> None:
    """No line of pixels stands out: row and column means have the variance of independent values."""
    z = field(4)[0]
    for axis in (0, 1):
        variance = z.mean(dim=axis).var() * SIDE
        np.testing.assert_allclose(variance, 1, atol=5 * math.sqrt(2 / SIDE))


def test_independent() -> None:
    """Correlation with neighbours, other channels, streams, samples and seeds is within five standard errors."""
    z = field(channels=2)
    one = z[0]
    above = torch.ones(SIDE, SIDE, dtype=torch.bool).triu(1)
    pairs = {
        "right": (one[:, :-1], one[:, 1:]),
        "below": (one[:-1], one[1:]),
        "diagonal": (one[:-1, :-1], one[1:, 1:]),
        "two to the right": (one[:, :-2], one[:, 2:]),
        "transposed": (one[above], one.T[above]),
        "channel": (one, z[1]),
        "stream": (one, field(stream=1)[0]),
        "sample": (one, field(sample=1)[0]),
        "seed": (one, field(seed=1)[0]),
        "sample for stream": (field(sample=1)[0], field(stream=1)[0]),
        "seed for sample": (field(seed=1)[0], field(sample=1)[0]),
    }
    for what, (p, q) in pairs.items():
        for power in (1, 2):  # squares see dependence of the magnitudes
            r = np.corrcoef(p.flatten() ** power, q.flatten() ** power)[0, 1]
            assert abs(r) < 5 / math.sqrt(p.numel()), f"{what}, power {power}: {r}"


@settings(deadline=None, max_examples=25)
@given(
    row=st.integers(-5, 90),
    column=st.integers(-5, 90),
    height=st.integers(1, 33),
    width=st.integers(1, 33),
)
def test_tile_is_the_crop_of_the_whole(row: int, column: int, height: int, width: int) -> None:
    whole = noise((2, 3, 130, 130), seeds=[7, 8], stream=2, origin=(-5, -5))
    tile = noise((2, 3, height, width), seeds=[7, 8], stream=2, origin=(row, column))
    crop = whole[:, :, row + 5 : row + 5 + height, column + 5 : column + 5 + width]
    torch.testing.assert_close(tile, crop, **SAME)


def test_batch_is_its_items() -> None:
    whole = noise((3, 2, 9, 11), seeds=[5, 5, 6], sample=1, stream=4)
    for i, seed in enumerate([5, 5, 6]):
        torch.testing.assert_close(noise((1, 2, 9, 11), seeds=[seed], sample=1, stream=4), whole[i : i + 1], **SAME)
    assert torch.linalg.norm(whole[0] - whole[2]) > 1


def test_channels_do_not_depend_on_their_number() -> None:
    torch.testing.assert_close(noise((1, 5, 6, 7), seeds=[1])[:, :2], noise((1, 2, 6, 7), seeds=[1]), **SAME)


def test_same_seed_same_bits_whatever_the_global_generator() -> None:
    first = noise((1, 1, 20, 20), seeds=[11])
    torch.manual_seed(99)
    torch.testing.assert_close(noise((1, 1, 20, 20), seeds=[11]), first, **SAME)


def test_distant_places_do_not_repeat() -> None:
    """Rows and columns beyond 16 bits (slide scanners) are places of their own."""
    near = noise((1, 1, 8, 8), seeds=[0])[0, 0]
    for origin in ((1 << 16, 0), (0, 1 << 16), (1, 1 << 16), (0, 1 << 20), (1 << 20, 1 << 20)):
        far = noise((1, 1, 8, 8), seeds=[0], origin=origin)[0, 0]
        for row in range(8):
            assert torch.linalg.norm(near - far[row], dim=1).min() > 0.1  # no row is one of the others


def test_shapes() -> None:
    assert noise((2, 0, 3, 4), seeds=[0, 1]).shape == (2, 0, 3, 4)
    assert noise((1, 1, 1, 1), seeds=[0]).dtype == torch.float32
