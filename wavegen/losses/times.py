"""At which times of the process training asks the network."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor

from wavegen.bridges import stratified
from wavegen.pipeline.config import Times


def draw_times(
    count: int,
    start_fraction: float,
    generator: torch.Generator,
    times: Times = "uniform",
    grid: Sequence[float] = (),
) -> Tensor:
    """Times (B,) in (0, 1]: a fixed share exactly at the start t = 1, the rest stratified over a distribution.

    ``uniform``; ``logit-normal``: t = sigmoid(n), n ~ N(0, 1) (arXiv 2403.03206, eq. 19), which leans on the middle;
    ``grid``: one of the times of ``grid`` above 0, each as likely, moved at most half-way to its neighbours, so that
    the network learns most where a few-step sampler asks it.
    """
    starts = int(start_fraction * count)
    if start_fraction * count > starts:  # a share of an item: in that share of the batches
        starts += int(torch.rand((), generator=generator) < start_fraction * count - starts)
    rest = count - starts
    strata = stratified(rest, generator)
    if times == "grid":
        return torch.cat([torch.ones(starts).double(), _near_grid(strata.double(), grid)])
    if times == "logit-normal":
        strata = torch.special.ndtri(strata).sigmoid()
    return torch.cat([torch.ones(starts), strata.clamp_min(1e-3)]).double()


def _near_grid(u: Tensor, grid: Sequence[float]) -> Tensor:
    """Uniform values to times: equal shares for the cells that the middles between neighbours bound."""
    edges = torch.tensor([grid[0], *((t + s) / 2 for t, s in pairwise(grid))], dtype=torch.float64).flip(0)
    position = u * (len(edges) - 1)
    cell = position.floor().long().clamp_max(len(edges) - 2)
    return torch.lerp(edges[cell], edges[cell + 1], position - cell)
