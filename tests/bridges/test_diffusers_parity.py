"""DDIM and DDPM against diffusers' schedulers, on one grid and from the same noise; where its own lists go wrong."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

import pytest
import torch
from torch import Tensor

from wavegen.bridges import DDPM, noise, sample, to_x0

diffusers = pytest.importorskip("diffusers", reason="diffusers is not installed; it comes with the dev extra")

SHAPE = (2, 1, 5, 4)
BETAS = {"beta_start": 1e-4, "beta_end": 2e-2, "beta_schedule": "linear", "clip_sample": False}
EVEN = [999 - 100 * i for i in range(10)]
UNEVEN = [999, 850, 500, 499, 120, 3]


def network(x: Tensor, index: int) -> Tensor:
    """Depends on the state and the step."""
    return torch.tanh(0.7 * x + 0.1 * index)


def stream(index: int) -> Tensor:
    """The noise of the sampler's draws: 0 the start, then one for each step."""
    return noise(SHAPE, seeds=[3, 4], stream=index).double()


def theirs(scheduler: Any, timesteps: list[int], **options: Any) -> list[Tensor]:
    """States along a walk of diffusers' scheduler."""
    states = [stream(0)]
    for index, t in enumerate(timesteps):
        if "eta" in options:
            options["variance_noise"] = stream(index + 1)
        with patch("diffusers.schedulers.scheduling_ddpm.randn_tensor", lambda *a, k=index, **b: stream(k + 1)):
            states.append(scheduler.step(network(states[-1], index), t, states[-1], **options).prev_sample)
    return states


def ours(timesteps: list[int], eta: float, target: str) -> list[Tensor]:
    """States of the sampler: diffusers' index i is after i + 1 of 1000 steps."""
    states: list[Tensor] = []
    bridge, grid = DDPM(), [*((t + 1) / 1000 for t in timesteps), 0.0]

    def predict(x: Tensor, t: Tensor, y: Tensor) -> Tensor:
        k = bridge.coefficients(torch.full((len(x),), grid[len(states)], dtype=torch.float64))
        states.append(x)
        return to_x0(target, network(x, len(states) - 1), x, y, k)

    out = sample(bridge, predict, torch.zeros(SHAPE, dtype=torch.float64), grid=grid, eta=eta, seeds=[3, 4])
    return [*states, out.x]


@pytest.mark.parametrize("kind", ["sample", "epsilon"])
@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
def test_ddim(kind: str, eta: float) -> None:
    scheduler = diffusers.DDIMScheduler(**BETAS, prediction_type=kind, timestep_spacing="trailing")
    scheduler.set_timesteps(len(EVEN))
    assert scheduler.timesteps.tolist() == EVEN
    compare(theirs(scheduler, EVEN, eta=eta), ours(EVEN, eta, {"sample": "x0", "epsilon": "eps"}[kind]))


@pytest.mark.parametrize("kind", ["sample", "epsilon"])
@pytest.mark.parametrize("timesteps", [EVEN, UNEVEN])
def test_ddpm(kind: str, timesteps: list[int]) -> None:
    scheduler = diffusers.DDPMScheduler(**BETAS, prediction_type=kind)
    scheduler.set_timesteps(timesteps=timesteps)
    compare(theirs(scheduler, timesteps), ours(timesteps, 1.0, {"sample": "x0", "epsilon": "eps"}[kind]))


def compare(expected: list[Tensor], found: list[Tensor]) -> None:
    """Every state along the walk, within 1e-5 of its size (eps divides by sqrt(abar) = .006 at the start)."""
    for one, other in zip(expected, found, strict=True):
        norm = torch.linalg.norm(one - other) / torch.linalg.norm(one)
        assert norm <= 1e-5, f"{norm:.1e}"


def test_linspace_list_steps_to_other_times_than_the_next() -> None:
    """diffusers' DDIM recomputes the previous time as t - T // N, which is not the next entry of its linspace list."""
    scheduler = diffusers.DDIMScheduler(**BETAS, prediction_type="sample", timestep_spacing="linspace")
    scheduler.set_timesteps(4)
    assert scheduler.timesteps.tolist() == [999, 666, 333, 0]
    # The true x0 is 0, so that a state is its noise. From 333 it steps to 83, and its next call believes to be at 0.
    before, reached, believed = DDPM().coefficients(torch.tensor([334, 84, 1], dtype=torch.float64) / 1000).c
    state = scheduler.step(torch.zeros(SHAPE), 333, before * stream(0)).prev_sample
    torch.testing.assert_close(state, reached * stream(0), rtol=1e-5, atol=1e-5)
    assert reached > 20 * believed


def test_leading_list_does_not_start_at_the_noise() -> None:
    scheduler = diffusers.DDIMScheduler(**BETAS, timestep_spacing="leading")
    scheduler.set_timesteps(4)
    assert scheduler.timesteps.tolist() == [750, 500, 250, 0]  # and noise is given to a network that expects 750's
