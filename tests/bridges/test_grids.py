"""Time grids: ends, order, closed forms, refusals."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from wavegen.bridges import BBDP, IRSDE, Flow, Regression, make_grid, native_grid, sample, spread_kept
from wavegen.core.errors import InputError
from wavegen.core.registry import build, names

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


def test_karras_is_even_in_a_root_of_the_noise_level() -> None:
    """Of c/a where that is finite at the start (eq. 5), of t for processes that are pinned or begin with pure noise."""
    bridge = IRSDE()
    grid = make_grid("karras", 9, bridge=bridge, rho=5, smallest=1e-3)
    a, _, c = (k.numpy() for k in bridge.coefficients(torch.tensor(grid[:-1], dtype=torch.float64)))
    root = (c / a) ** (1 / 5)
    np.testing.assert_allclose(np.diff(root), np.full(8, (root[-1] - root[0]) / 8), rtol=1e-9)
    np.testing.assert_allclose(c[-1] / a[-1], 1e-3 * c[0] / a[0], rtol=1e-9)
    for other in (None, BBDP(), Flow(), Regression()):
        times = np.array(make_grid("karras", 9, bridge=other, rho=5, smallest=1e-3)[:-1])
        np.testing.assert_allclose(np.diff(times ** (1 / 5)), np.full(8, (1e-3 ** (1 / 5) - 1) / 8), rtol=1e-9)
        np.testing.assert_allclose(times[-1], 1e-3)


@pytest.mark.parametrize("name", [name for name in names("bridge") if name != "regression"])
def test_snr_is_even_in_the_logarithm(name: str) -> None:
    bridge = build("bridge", name)
    grid = make_grid("snr", 9, bridge=bridge, low=-2.5, high=3)
    a, _, c = (k.numpy() for k in bridge.coefficients(torch.tensor(grid[1:-1], dtype=torch.float64)))
    L = np.log(a / c)
    np.testing.assert_allclose(np.diff(L), np.full(7, L[1] - L[0]), rtol=1e-6)
    np.testing.assert_allclose(L[-1], 3, rtol=1e-9)
    a, _, c = (float(k) for k in bridge.coefficients(torch.ones(1, dtype=torch.float64)))
    start = max(-2.5, math.log(a / c)) if a > 0 and c > 0 else -2.5
    np.testing.assert_allclose(L[0] - start, L[1] - L[0], rtol=1e-6)


@pytest.mark.parametrize("name", [name for name in names("bridge") if name != "regression"])
@pytest.mark.parametrize("kind", ["karras", "snr"])
@pytest.mark.parametrize("steps", [1, 2, 3, 50])
def test_grids_of_a_process_go_from_1_to_0(name: str, kind: str, steps: int) -> None:
    grid = make_grid(kind, steps, bridge=build("bridge", name))
    assert len(grid) == steps + 1
    assert (grid[0], grid[-1]) == (1.0, 0.0)
    assert all(t > s for t, s in pairwise(grid))


def test_times_are_taken_as_they_are() -> None:
    for steps in (None, 3):
        assert make_grid("times", steps, values=[1, 0.3, 0.25, 0]) == [1.0, 0.3, 0.25, 0.0]


@pytest.mark.parametrize("name", names("bridge"))
def test_native_grid(name: str) -> None:
    bridge = build("bridge", name)
    assert len(native_grid(bridge)) == bridge.native.steps + 1
    if name.startswith("ddbm"):  # .002 of 80 in the source's time
        np.testing.assert_allclose(native_grid(bridge)[-2] * 80, 0.002)


@pytest.mark.parametrize(
    ("name", "steps", "options", "message"),
    [
        ("unifrom", 4, {}, "did you mean 'uniform'"),
        ("uniform", 0, {}, "from 1 to 10,000"),
        ("uniform", 4, {"exponent": 2}, "unknown option 'exponent'"),
        ("power", 4, {"exponnent": 2}, "did you mean 'exponent'"),
        ("power", 4, {"exponent": 0}, "exponent"),
        ("power", 4, {"exponent": 1000}, "exponent"),
        ("karras", 4, {"rho": 0}, "rho"),
        ("karras", 4, {"smallest": 2}, "smallest"),
        ("snr", 4, {}, "needs a process with noise"),
        ("snr", 4, {"bridge": Regression()}, "needs a process with noise"),
        ("snr", 4, {"bridge": IRSDE(), "high": -9}, "high"),
        ("times", None, {}, "option 'values' is missing"),
        ("times", 3, {"values": [1, 0.5, 0]}, "has 2 steps, not 3"),
        ("times", None, {"values": [1, 0.5, 0.1]}, "ends at t = 0"),
        ("times", None, {"values": [0.9, 0.5, 0]}, "starts at t = 1"),
        ("times", None, {"values": [1, 0.5, 0.5, 0]}, "decreases strictly"),
        ("times", None, {"values": [1]}, "at least two"),
        ("times", None, {"values": "1, 0"}, "valid list"),
        ("times", None, {"value": [1, 0]}, "unknown option 'value'; did you mean 'values'"),
        ("uniform", None, {}, "steps = None"),
    ],
)
def test_refused(name: str, steps: int | None, options: dict[str, Any], message: str) -> None:
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
