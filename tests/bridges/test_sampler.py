"""The sampling loop: calls, ends, seeds, tiles, refusals, and an exact network."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from wavegen.bridges import BBDP, Bridge, make_grid, sample
from wavegen.core.errors import InputError
from wavegen.core.registry import build, names

BRIDGES = names("bridge")
WALKING = [name for name in BRIDGES if build("bridge", name).max_steps is None]
SAME = {"rtol": 0.0, "atol": 0.0}
Y = torch.linspace(-1, 1, 2 * 3 * 6 * 5).view(2, 3, 6, 5)


def smooth(x: Tensor, t: Tensor, y: Tensor) -> Tensor:
    """A network that works pixel by pixel and depends on all that it is given."""
    return torch.tanh(x + 0.5 * y) * (1 + t.view(-1, 1, 1, 1))


class Recorder:
    """Counts calls and keeps what goes in and out."""

    def __init__(self) -> None:
        self.times: list[Tensor] = []
        self.states: list[Tensor] = []
        self.estimates: list[Tensor] = []

    def __call__(self, x: Tensor, t: Tensor, y: Tensor) -> Tensor:
        self.times.append(t)
        self.states.append(x.clone())
        self.estimates.append(smooth(x, t, y))
        return self.estimates[-1].clone()


@pytest.mark.parametrize("name", WALKING)
@pytest.mark.parametrize("steps", [1, 2, 3, 4, 8, 200])
@pytest.mark.parametrize("eta", [0.0, 1.0])
def test_calls_and_times(name: str, steps: int, eta: float) -> None:
    seen, grid = Recorder(), make_grid("uniform", steps)
    out = sample(build("bridge", name), seen, Y, grid=grid, eta=eta)
    assert out.nfe == len(seen.times) == steps
    times = torch.stack(seen.times)
    assert times.dtype == torch.float32
    assert times.shape == (steps, 2)
    torch.testing.assert_close(times[:, 0], torch.tensor(grid[:-1]), **SAME)
    assert bool((times.diff(dim=0) < 0).all())
    torch.testing.assert_close(out.x, seen.estimates[-1], **SAME)  # the last step is the estimate itself
    assert all(bool(x.isfinite().all()) for x in seen.states)


@pytest.mark.parametrize("name", BRIDGES)
def test_one_step_is_the_regressor(name: str) -> None:
    bridge = build("bridge", name)
    seen = Recorder()
    out = sample(bridge, seen, Y, grid=[1.0, 0.0])
    assert out.nfe == 1
    torch.testing.assert_close(out.x, smooth(seen.states[0], torch.ones(2), Y), **SAME)
    if bridge.pinned:
        torch.testing.assert_close(seen.states[0], Y, **SAME)


@pytest.mark.parametrize("name", BRIDGES)
def test_more_steps_than_a_process_has(name: str) -> None:
    bridge = build("bridge", name)
    if bridge.max_steps is not None:
        with pytest.raises(InputError, match=f"{bridge.max_steps} step"):
            sample(bridge, smooth, Y, grid=make_grid("uniform", bridge.max_steps + 1))


@pytest.mark.parametrize("name", BRIDGES)
@pytest.mark.parametrize("eta", [0.0, 1.0])
def test_first_step_is_finite(name: str, eta: float) -> None:
    for end in (0.999999, 0.5, 1e-6):
        assert bool(sample(build("bridge", name), smooth, Y, grid=[1.0, end], eta=eta).x.isfinite().all())


@pytest.mark.parametrize("name", WALKING)
def test_a_grid_may_end_above_0(name: str) -> None:
    """Then the result is the state there: the whole walk meets it on its way."""
    seen = Recorder()
    bridge = build("bridge", name)
    sample(bridge, seen, Y, grid=[1.0, 0.6, 0.2, 0.0], seeds=4)
    part = sample(bridge, smooth, Y, grid=[1.0, 0.6, 0.2], seeds=4)
    assert part.nfe == 2
    torch.testing.assert_close(part.x, seen.states[2], **SAME)


@pytest.mark.parametrize("name", WALKING)
def test_seeds(name: str) -> None:
    bridge, grid = build("bridge", name), make_grid("uniform", 5)

    def run(y: Tensor = Y, **options: Any) -> Tensor:
        return sample(bridge, smooth, y, grid=grid, **options).x

    both = run(seeds=[3, 8])
    torch.testing.assert_close(run(seeds=[3, 8]), both, **SAME)
    for i, seed in enumerate([3, 8]):
        torch.testing.assert_close(run(Y[i : i + 1], seeds=[seed]), both[i : i + 1], **SAME)
    for other in ({"seeds": [4, 9]}, {"seeds": [3, 8], "sample_index": 1}):
        assert torch.linalg.norm(run(**other) - both) > 0.05


@pytest.mark.parametrize("name", WALKING)
@pytest.mark.parametrize("eta", [0.0, 1.0])
def test_tile_is_the_crop_of_the_whole(name: str, eta: float) -> None:
    bridge, grid = build("bridge", name), make_grid("power", 4)
    whole = sample(bridge, smooth, Y, grid=grid, eta=eta, seeds=[1, 2]).x
    tile = sample(bridge, smooth, Y[:, :, 2:5, 1:4], grid=grid, eta=eta, seeds=[1, 2], origin=(2, 1)).x
    torch.testing.assert_close(tile, whole[:, :, 2:5, 1:4], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", WALKING)
@pytest.mark.parametrize("steps", [1, 3])
def test_y_and_estimates_are_not_written_to(name: str, steps: int) -> None:
    y, fixed = Y.clone(), torch.ones_like(Y)
    sample(build("bridge", name), lambda x, t, y: fixed, y, grid=make_grid("uniform", steps))
    torch.testing.assert_close(y, Y, **SAME)
    torch.testing.assert_close(fixed, torch.ones_like(Y), **SAME)


def test_callback_sees_every_step() -> None:
    calls: list[int] = []
    sample(BBDP(), smooth, Y, grid=make_grid("uniform", 6), callback=lambda i, *rest: calls.append(i))
    assert calls == list(range(6))


@pytest.mark.parametrize("name", WALKING)
@pytest.mark.parametrize("eta", [0.0, 0.5])
def test_bbdm_is_another_sampler(name: str, eta: float) -> None:
    bridge, grid = build("bridge", name), [1.0, 0.7, 0.4]
    out = sample(bridge, smooth, Y, grid=grid, solver="bbdm", eta=eta).x
    assert torch.linalg.norm(out - sample(bridge, smooth, Y, grid=grid, eta=eta).x) > 0.05
    torch.testing.assert_close(
        sample(bridge, smooth, Y, grid=grid, solver="bbdm", eta=1.0).x, sample(bridge, smooth, Y, grid=grid).x
    )


@pytest.mark.parametrize("name", WALKING)
@pytest.mark.parametrize("eta", [0.0, 1.0])
def test_temperature_scales_all_noise(name: str, eta: float) -> None:
    """With a constant estimate the state is linear in the noise: its deviation is in proportion to the temperature."""
    bridge, grid = build("bridge", name), [1.0, 0.7, 0.4]

    def walked(temperature: float, seeds: list[int]) -> Tensor:
        return sample(
            bridge,
            lambda x, t, y: y / 2,
            Y,
            grid=grid,
            eta=eta,
            temperature=temperature,
            seeds=seeds,
            solver="multistep",
        ).x

    centre = walked(0.0, [1, 2])
    torch.testing.assert_close(centre, walked(0.0, [3, 4]), rtol=0, atol=0)
    torch.testing.assert_close(walked(1.7, [1, 2]) - centre, 1.7 * (walked(1.0, [1, 2]) - centre))


def posterior_mean(bridge: Bridge, points: Tensor, prior_weight: Tensor) -> Any:
    """The exact network for a data set of a few images: E[x0 | x_t, y] by Bayes' rule."""

    def predict(x: Tensor, t: Tensor, y: Tensor) -> Tensor:
        a, b, c = (k[0] for k in bridge.coefficients(t.double()))
        distance = (x[:, None] - a * points - b * y[:, None]).square().sum(dim=(2, 3, 4))
        log_weight = prior_weight.log() - (distance / (2 * c**2) if c > 0 else 0 * distance)
        return torch.einsum("nk,kchw->nchw", log_weight.softmax(dim=1), points)

    return predict


@pytest.mark.parametrize("name", WALKING)
@pytest.mark.parametrize("eta", [0.0, 1.0])
def test_exact_network_lands_on_the_data(name: str, eta: float) -> None:
    """All samples are images of the data set, in their proportions."""
    bridge = build("bridge", name)
    generator = torch.Generator().manual_seed(1)
    points = 1.5 * torch.randn(4, 1, 2, 2, dtype=torch.float64, generator=generator)
    weight = torch.tensor([0.4, 0.3, 0.2, 0.1], dtype=torch.float64)
    n = 200
    y = torch.full((n, 1, 2, 2), 0.1, dtype=torch.float64)
    grid = make_grid("power", 200, exponent=2)
    x = sample(bridge, posterior_mean(bridge, points, weight), y, grid=grid, eta=eta, seeds=list(range(n))).x
    distance, index = (x[:, None] - points).square().sum(dim=(2, 3, 4)).sqrt().min(dim=1)
    landed = distance < 1e-3
    # With eta = 0 and a finite grid, a walk on the border of two images may end between them.
    assert landed.double().mean() >= 0.99
    share = torch.bincount(index, minlength=4) / n
    # Five standard errors, and 0.05 for 200 steps instead of infinitely many.
    torch.testing.assert_close(share, weight.float(), rtol=0, atol=5 * 0.5 / n**0.5 + 0.05)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"eta": 1.1}, "eta = 1.1"),
        ({"eta": -0.1}, "eta = -0.1"),
        ({"eta": float("nan")}, "eta = nan"),
        ({"solver": {"name": "bbdm", "eta": 2.0}}, "eta = 2"),
        ({"eta": 0.5, "solver": {"name": "bbdm", "eta": 0.4}}, "one of them"),
        ({"temperature": -1.0}, "temperature = -1: give 0 or more"),
        ({"temperature": float("nan")}, "temperature = nan"),
        ({"seeds": [1]}, "1 seeds for 2 items"),
        ({"grid": [0.5, 0.0]}, "starts at t = 1"),
    ],
)
def test_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        sample(BBDP(), smooth, Y, **{"grid": [1.0, 0.5, 0.0], **options})
