"""The one sampling loop: pairs of a grid, the linear steps of any solver, every process."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor

from wavegen.bridges.base import Bridge, Step
from wavegen.bridges.noise import draws
from wavegen.bridges.solvers import Given, grid_steps
from wavegen.core.errors import InputError

PredictX0 = Callable[[Tensor, Tensor, Tensor], Tensor]
Callback = Callable[[int, float, Tensor, Tensor], None]
Draw = Callable[[int], Tensor]
PRIOR_STREAM = 0
AT_ONCE = 1 << 20  # values of noise made at a time, where a step needs fewer


class Sampled(NamedTuple):
    """The end of the grid, and the number of network calls that it took."""

    x: Tensor
    nfe: int


def sample(
    bridge: Bridge,
    predict_x0: PredictX0,
    y: Tensor,
    *,
    grid: Sequence[float],
    solver: Given = "generic",
    eta: float | None = None,
    temperature: float = 1.0,
    seeds: Sequence[int] | int = 0,
    sample_index: int = 0,
    origin: tuple[int, int] = (0, 0),
    callback: Callback | None = None,
    draw: Draw | None = None,
) -> Sampled:
    """Walk from the prior along ``grid``; at t = 0 the last estimate of x0 itself is returned.

    Args:
        bridge: the process.
        predict_x0: ``(x_t, t, y) -> x0`` with t (B,) float32; called once for each step, by ``heun`` twice for all
            but the last.
        y: (B, C, H, W), the degraded band, normalised.
        grid: from 1 strictly down to 0, or to a time above 0: then the state there is returned.
        solver: a registered name, ``{"name": ..., **options}``, or a :class:`~wavegen.bridges.Solver`.
        eta: shorthand for the solver's option ``eta``: 0 = deterministic (DDIM), 1 = fully stochastic steps.
        temperature: factor of all noise: above 1 spreads samples further, 0 draws none.
        seeds: one for all items or one for each.
        sample_index: which of several samples of the same image.
        origin: absolute position of y's first pixel, so that a tile gets the noise of its place.
        callback: called with (step, t, x_t, x0 estimate) once for each step, before it is taken.
        draw: the noise of a stream (0: the start's, k: the k-th step's), of y's shape; :func:`noise` without it.

    Raises:
        InputError: as :func:`grid_steps`; a wrong number of seeds, a temperature that is negative or not finite, an
            estimate of another shape than y.
    """
    steps = grid_steps(bridge, grid, solver=solver, eta=eta)
    each = _seed_for_each(seeds, len(y))
    if not 0 <= temperature < math.inf:
        raise InputError(f"temperature = {temperature:g}: give 0 or more")
    streams = [index + 1 for index, parts in enumerate(steps) if parts[0].z]
    streams = streams if bridge.pinned else [PRIOR_STREAM, *streams]
    fresh = _noise_of(streams, y, each, sample_index, origin) if draw is None else map(draw, streams)
    if temperature != 1:
        fresh = (temperature * z for z in fresh)
    nfe = sum(len(parts) for parts in steps)  # each step and each corrector asks the network once
    x = y if bridge.pinned else bridge.prior(y, next(fresh))
    before: Tensor | None = None
    for index, ((t, s), parts) in enumerate(zip(pairwise(grid), steps, strict=True)):
        x0 = _estimate(predict_x0, x, t, y)
        if callback is not None:
            callback(index, t, x, x0)
        if s == 0:
            return Sampled(x0, nfe)
        z = next(fresh) if parts[0].z else None
        state, x = x, advance(parts[0], x, x0, before, y, z)
        for corrector in parts[1:]:
            x = advance(corrector, state, _estimate(predict_x0, x, s, y), x0, y, z)
        before = x0
    return Sampled(x, nfe)


def _seed_for_each(seeds: Sequence[int] | int, count: int) -> list[int]:
    each = [seeds] * count if isinstance(seeds, int) else list(seeds)
    if len(each) != count:
        raise InputError(f"{len(each)} seeds for {count} items; give one, or one for each")
    return each


def _estimate(predict_x0: PredictX0, x: Tensor, t: float, y: Tensor) -> Tensor:
    """The estimate of x0 from the state x at time t."""
    x0 = predict_x0(x, torch.full((len(y),), t, dtype=torch.float32, device=y.device), y)
    if x0.shape != x.shape:
        raise InputError(f"the estimate of x0 has shape {tuple(x0.shape)}, the state {tuple(x.shape)}")
    return x0


def _noise_of(
    streams: Sequence[int], y: Tensor, seeds: Sequence[int], sample_index: int, origin: tuple[int, int]
) -> Iterator[Tensor]:
    """The noise of the streams in their order, of y's shape, dtype and device; a few draws are made at a time."""
    count = max(1, AT_ONCE // max(1, y.numel()))
    for first in range(0, len(streams), count):
        some = streams[first : first + count]
        yield from draws(y.shape, seeds=seeds, sample=sample_index, streams=some, origin=origin, device=y.device).to(y)


def advance(step: Step, x: Tensor, x0: Tensor, previous: Tensor | None, y: Tensor, z: Tensor | None) -> Tensor:
    """The state after one step, in y's dtype, whatever the network computes in."""
    result = step.y * y
    for weight, part in ((step.x0, x0), (step.previous, previous), (step.state, x), (step.z, z)):
        if weight and part is not None:
            result = result.add_(part, alpha=weight)
    return result
