"""States and samples that the model reaches by itself, for losses that judge it there."""

from __future__ import annotations

import torch
from torch import Tensor

from wavegen.bridges import sample
from wavegen.core.draws import seeds
from wavegen.pipeline.denoiser import Denoiser
from wavegen.pipeline.pipeline import Pipeline


@torch.no_grad()
def own_sample(pipe: Pipeline, denoiser: Denoiser, y_low: Tensor, seeds: list[int]) -> Tensor:
    """The normalised coarsest band as the pipeline draws it by default; ``denoiser`` keeps the last features."""
    sampler = pipe.config.sampler
    return sample(
        pipe.bridge,
        denoiser,
        y_low,
        grid=pipe.times,
        solver=sampler.solver,
        temperature=sampler.temperature,
        seeds=seeds,
    ).x


@torch.no_grad()
def roll_out(
    pipe: Pipeline, denoiser: Denoiser, y_low: Tensor, max_t: float, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """States that the model reaches from y at one common time of at most ``max_t``, and that time (B,)."""
    u = torch.rand(2, generator=generator)
    least = min(0.05, max_t / 2)
    end = float(least + 0.95 * (max_t - least) * u[0])
    middle = end + (1 - end) * (0.05 + 0.9 * float(u[1]))
    reached = sample(pipe.bridge, denoiser, y_low, grid=[1.0, middle, end], seeds=seeds(len(y_low), generator)).x
    return reached, torch.full((len(y_low),), end, dtype=torch.float64)
