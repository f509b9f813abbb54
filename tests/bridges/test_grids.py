"""Time grids: ends, order, closed forms, refusals."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from wavegen.bridges import BBDP, make_grid, sample, spread_kept
from wavegen.errors import InputError

NAMES = ["uniform", "power", "cosine"]


@settings(deadline=None, max_examples=60)
@given(name=st.sampled_from(NAMES), steps=st.integers(1, 1200))
def test_walks_from_1_to_0(name: str, steps: int) -> None:
    grid = make_grid(name, steps)
    assert len(grid) == steps + 1
    assert (grid[0], grid[-1]) == (1.0, 0.0)
    assert all(t > s for t, s in pairwise(grid))


def test_closed_forms() -> None:
    u = np.array([1, 0.75, 0.5, 0.25, 0])
    np.testing.assert_allclose(make_grid("uniform", 4), u)
    np.testing.assert_allclose(make_grid("power", 4), u**3)
    np.testing.assert_allclose(make_grid("power", 4, exponent=0.5), u**0.5)
    np.testing.assert_allclose(make_grid("power", 4, exponent=1), u)
    np.testing.assert_allclose(make_grid("cosine", 4), (1 - np.cos(math.pi * u)) / 2, atol=1e-15)


@pytest.mark.parametrize(
    ("name", "steps", "options", "message"),
    [
        ("unifrom", 4, {}, "did you mean 'uniform'"),
        ("uniform", 0, {}, "1 or more"),
        ("uniform", 4, {"exponent": 2}, "no option"),
        ("power", 4, {"exponnent": 2}, "no option"),
        ("power", 4, {"exponent": 0}, "exponent"),
        ("power", 4, {"exponent": 1000}, "exponent"),
    ],
)
def test_refused(name: str, steps: int, options: dict[str, float], message: str) -> None:
    with pytest.raises(InputError, match=message):
        make_grid(name, steps, **options)


@pytest.mark.parametrize(
    ("grid", "message"),
    [
        ([], "at least two"),
        ([1.0], "at least two"),
        ([0.9, 0.0], "starts at"),
        ([1.0, 0.5, 0.5, 0.0], "decreas"),
        ([1.0, 0.2, 0.6], "decreas"),
        ([1.0, 0.5, -0.1], "0 or above"),
        ([1.0, float("nan"), 0.0], "decreas"),
    ],
)
def test_grids_that_cannot_be_walked(grid: list[float], message: str) -> None:
    with pytest.raises(InputError, match=message):
        sample(BBDP(), lambda x, t, y: y, torch.zeros(1, 1, 2, 2), grid=grid)
    with pytest.raises(InputError, match=message):
        spread_kept(BBDP(), 1.0, grid)
