"""The one sampling loop: pairs of a grid, one reverse step for every process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor

from wavegen.bridges.base import Bridge
from wavegen.bridges.noise import noise
from wavegen.bridges.schedules import check_grid
from wavegen.errors import InputError

PredictX0 = Callable[[Tensor, Tensor, Tensor], Tensor]
Callback = Callable[[int, float, Tensor, Tensor], None]
Draw = Callable[[int], Tensor]
PRIOR_STREAM = 0


class Sampled(NamedTuple):
    """The end of the grid, and the number of network calls that it took."""

    x: Tensor
    nfe: int


class Step(NamedTuple):
    """x_s = x_t · state + x0^ · x0 + y · y + z · z: one reverse step as four numbers."""

    state: float
    x0: float
    y: float
    z: float


def step_coefficients(bridge: Bridge, t: float, s: float, eta: float = 1.0, eta_bbdm: float | None = None) -> Step:
    """The reverse step from t to s, in float64.

    With w = eta w_max, w_max² = c_s² (1 - (a_t c_s / (a_s c_t))²):
    x_s = a_s x0^ + b_s y + sqrt(c_s² - w²) eps^ + w z, where eps^ = (x_t - a_t x0^ - b_t y) / c_t. Where c_t = 0 (a
    start pinned at y) eps^ is undefined and all of c_s is drawn anew. ``eta_bbdm`` scales the noise of the
    step at eta = 1 and leaves its mean (BBDM's code); the marginals are then no longer the process's.
    """
    times = torch.tensor([t, s], dtype=torch.float64)
    (a_t, a_s), (b_t, b_s), (c_t, c_s) = (k.tolist() for k in bridge.coefficients(times))
    if c_t == 0:
        return Step(0.0, a_s, b_s, c_s * (1.0 if eta_bbdm is None else eta_bbdm))
    share = a_t * c_s / (a_s * c_t)
    w_max = c_s * max(0.0, 1 - share * share) ** 0.5
    w = w_max if eta_bbdm is not None else eta * w_max
    state = max(0.0, c_s * c_s - w * w) ** 0.5 / c_t
    return Step(state, a_s - state * a_t, b_s - state * b_t, w if eta_bbdm is None else eta_bbdm * w_max)


def sample(
    bridge: Bridge,
    predict_x0: PredictX0,
    y: Tensor,
    *,
    grid: Sequence[float],
    eta: float = 1.0,
    eta_bbdm: float | None = None,
    seeds: Sequence[int] | int = 0,
    sample_index: int = 0,
    origin: tuple[int, int] = (0, 0),
    callback: Callback | None = None,
    draw: Draw | None = None,
) -> Sampled:
    """Walk from the prior along ``grid``; at t = 0 the last estimate of x0 itself is returned.

    Args:
        bridge: the process.
        predict_x0: ``(x_t, t, y) -> x0`` with t (B,) float32; called once for each step.
        y: (B, C, H, W), the degraded band, normalised.
        grid: from 1 strictly down to 0, or to a time above 0: then the state there is returned.
        eta: share of the largest noise that keeps the marginals: 1 the process itself, 0 deterministic.
        eta_bbdm: BBDM's own eta, for reproduction; only with eta = 1.
        seeds: one for all items or one for each.
        sample_index: which of several samples of the same image.
        origin: absolute position of y's first pixel, so that a tile gets the noise of its place.
        callback: called with (step, t, x_t, x0 estimate).
        draw: the noise of a stream (0: the start's, k: the k-th step's), of y's shape; :func:`noise` without it.

    Raises:
        InputError: a grid that cannot be walked, an eta out of [0, 1], both etas, more steps than the process has.
    """
    check_grid(grid)
    for name, value in (("eta", eta), ("eta_bbdm", eta if eta_bbdm is None else eta_bbdm)):
        if not 0 <= value <= 1:
            raise InputError(f"{name} = {value:g}; give a number from 0 to 1")
    if eta_bbdm is not None and eta != 1:
        raise InputError(f"eta = {eta:g} and eta_bbdm = {eta_bbdm:g}: give one of them")
    if bridge.max_steps is not None and len(grid) - 1 > bridge.max_steps:
        raise InputError(f"{type(bridge).__name__} takes {bridge.max_steps} step(s), not {len(grid) - 1}")
    each = [seeds] * len(y) if isinstance(seeds, int) else list(seeds)
    if len(each) != len(y):
        raise InputError(f"{len(each)} seeds for {len(y)} items; give one, or one for each")

    def of_seeds(stream: int) -> Tensor:
        return noise(y.shape, seeds=each, sample=sample_index, stream=stream, origin=origin, device=y.device).to(y)

    draw = draw or of_seeds

    x = y if bridge.pinned else bridge.prior(y, draw(PRIOR_STREAM))
    for index, (t, s) in enumerate(pairwise(grid)):
        x0 = predict_x0(x, torch.full((len(y),), t, dtype=torch.float32, device=y.device), y)
        if x0.shape != x.shape:
            raise InputError(f"the estimate of x0 has shape {tuple(x0.shape)}, the state {tuple(x.shape)}")
        if callback is not None:
            callback(index, t, x, x0)
        if s == 0:
            return Sampled(x0, index + 1)
        step = step_coefficients(bridge, t, s, eta, eta_bbdm)
        state = x
        x = step.y * y  # the state keeps y's dtype, whatever the network computes in
        for weight, part in ((step.x0, x0), (step.state, state)):
            if weight:
                x = x.add_(part, alpha=weight)
        if step.z:
            x = x.add_(draw(index + 1), alpha=step.z)
    return Sampled(x, len(grid) - 1)
