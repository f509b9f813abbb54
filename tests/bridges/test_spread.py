"""The Gaussian toy problem: closed form, published values, and the sampler itself."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from wavegen.bridges import BBDP, make_grid, sample, spread_kept
from wavegen.core.registry import build, names

BRIDGES = names("bridge")
WALKING = [name for name in BRIDGES if build("bridge", name).max_steps is None]


@pytest.mark.parametrize(
    ("ratio", "grid", "steps", "eta", "kept"),
    [
        (10, "uniform", 8, 1.0, 0.355),
        (10, "uniform", 32, 1.0, 0.645),
        (10, "power", 8, 1.0, 0.590),
        (10, "power", 32, 1.0, 0.854),
        (10, "power", 8, 0.0, 0.720),
        (10, "power", 32, 0.0, 0.919),
        (200, "uniform", 8, 1.0, 0.033),
    ],
)
@pytest.mark.parametrize("v", [1.0, 0.01])
def test_checked_values(ratio: float, grid: str, steps: int, eta: float, kept: float, v: float) -> None:
    """BBDP's total variance is S = 2 s; only S/v matters."""
    found = spread_kept(BBDP(s=ratio * v / 2), v, make_grid(grid, steps), eta)
    np.testing.assert_allclose(found, kept, rtol=0, atol=5e-4)


@pytest.mark.parametrize("name", BRIDGES)
@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("steps", [1, 3, 8])
def test_sampler_keeps_what_is_predicted(name: str, eta: float, steps: int) -> None:
    """The ideal linear network; the measured variance is the predicted one within its sampling error."""
    bridge = build("bridge", name)
    if bridge.max_steps is not None and steps > bridge.max_steps:
        return
    v, ratio, n = 0.3, 0.4, 300 * 300
    y = torch.full((1, 1, 300, 300), 0.5, dtype=torch.float64)
    grid = make_grid("power", steps, exponent=1.5)

    def ideal(x: Tensor, t: Tensor, y: Tensor) -> Tensor:
        a, b, c = (float(k) for k in bridge.coefficients(t.double()[0]))
        gain = a * v / (a * a * v + c * c) if a > 0 else 0.0
        return ratio * y + gain * (x - a * ratio * y - b * y)

    x = sample(bridge, ideal, y, grid=grid, eta=eta, seeds=6).x
    kept = spread_kept(bridge, v, grid, eta)
    # One part in a thousand: the start lacks the trace of x0 that is left at t = 1.
    np.testing.assert_allclose(x.var() / v, kept, rtol=5 * math.sqrt(2 / n) + 1e-3, atol=1e-12)


@pytest.mark.parametrize("name", WALKING)
@pytest.mark.parametrize("eta", [0.0, 1.0])
def test_many_steps_keep_all(name: str, eta: float) -> None:
    bridge, v = build("bridge", name), 0.2
    kept = [spread_kept(bridge, v, make_grid("power", n, exponent=2), eta) for n in (4, 16, 64, 4096)]
    assert kept == sorted(kept)
    np.testing.assert_allclose(kept[-1], 1, atol=0.01)


@pytest.mark.parametrize("name", [name for name in BRIDGES if build("bridge", name).pinned])
def test_one_step_from_y_has_no_spread(name: str) -> None:
    np.testing.assert_allclose(spread_kept(build("bridge", name), 0.5, [1.0, 0.0]), 0, atol=0)


def test_grid_must_end_at_0() -> None:
    with pytest.raises(ValueError, match="ends at 0"):
        spread_kept(BBDP(), 1.0, [1.0, 0.5])
