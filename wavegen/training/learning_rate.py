"""The learning rate over a training of several stages."""

from __future__ import annotations

import math
from collections.abc import Sequence

from wavegen.pipeline.config import Stage


def cycle_of(stages: Sequence[Stage], index: int) -> range:
    """The stages that share one learning-rate cycle with stage ``index``: a restart begins a new one."""
    starts = [i for i, stage in enumerate(stages) if i == 0 or stage.restart]
    first = max(i for i in starts if i <= index)
    return range(first, min((i for i in starts if i > index), default=len(stages)))


def cycle_done(stages: Sequence[Stage], index: int, within: float) -> float:
    """How much of its cycle is done, 0 to 1, when stage ``index`` is done to ``within``."""
    cycle = cycle_of(stages, index)
    before = sum(stages[i].share for i in cycle if i < index)
    return (before + stages[index].share * within) / sum(stages[i].share for i in cycle)


def warmup_steps(warmup: float, planned: int) -> float:
    """The steps of a warm-up that is given as a number of steps, or below 1 as a share of a cycle."""
    return warmup if warmup >= 1 else warmup * planned


def rate(done: float, steps: int, warmup: float, final: float) -> float:
    """Linear warm-up over the first ``warmup`` steps of a cycle, then half a cosine from 1 down to ``final``."""
    cosine = final + (1 - final) * 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))
    return cosine * min(1.0, (steps + 1) / max(warmup, 1))
