"""Distillation: a student learns in one step where its frozen teacher arrives in several, from the same noise.

Regression on the ends of the teacher's deterministic trajectories (Luhman and Luhman, arXiv 2101.02388; with times
between the ends as in arXiv 2303.01469). The map from the noise to the end is a function, so that the least squares
estimate is that function and not a mean over samples: the spread is kept as far as the student can learn it.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor

from wavegen.bridges import sample
from wavegen.core.draws import own, whole
from wavegen.pipeline.denoiser import Denoiser
from wavegen.pipeline.pipeline import Pipeline

STARTS = 8  # of this many items, one lies at a start pinned at y, where the student only has to stay what it is


def teacher_grid(pipe: Pipeline, substeps: int) -> list[float]:
    """The student's grid, each step cut into ``substeps`` equal ones, but for the first where it starts at y.

    The first step from a start pinned at y only draws the noise, and the student draws it at the same time.
    """
    grid = [1.0]
    for index, (t, s) in enumerate(pairwise(pipe.times)):
        cuts = 1 if index == 0 and pipe.bridge.pinned else substeps
        grid += [t + (s - t) * i / cuts for i in range(1, cuts)] + [s]
    return grid


@torch.no_grad()
def teacher_states(
    pipe: Pipeline, teacher: Denoiser, y_low: Tensor, substeps: int, generator: torch.Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """States on the teacher's trajectories at the times of the student's sampler, and where they end.

    Args:
        pipe: the student.
        teacher: a frozen network of the same configuration, under the same conditioning.
        y_low: (B, C, H, W), normalised degraded band.
        substeps: steps of the teacher for one of the student.
        generator: seeds the noise and deals the times.

    Returns:
        t float64, of the whole batch over processes, each of the student's times as often as the others; x_t and x0
        (B, C, H, W).
    """
    seed, turn = (int(n) for n in torch.randint(1 << 31, (2,), generator=generator))
    states: dict[float, Tensor] = {}
    times = pipe.times[:-1]

    def keep(index: int, t: float, x_t: Tensor, x0: Tensor) -> None:
        if t in times:
            states[t] = x_t

    places = torch.arange(whole(len(y_low), generator))
    grid, seeds = teacher_grid(pipe, substeps), [seed + place for place in own(places, generator).tolist()]
    end = sample(pipe.bridge, teacher, y_low, grid=grid, solver="multistep", eta=0.0, seeds=seeds, callback=keep).x
    order, first = places + turn, int(pipe.bridge.pinned)
    which = first + order % (len(times) - first)
    if first:
        which[order % STARTS == 0] = 0
    x_t = torch.stack([states[times[k]][i] for i, k in enumerate(own(which, generator).tolist())])
    return torch.tensor(times, dtype=torch.float64)[which], x_t, end
