"""What a step of each stage costs, from steps of a training that is thrown away."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path

from wavegen.core.types import PairSource
from wavegen.pipeline.config import Stage
from wavegen.pipeline.pipeline import Pipeline
from wavegen.training.config import Training
from wavegen.training.fit import Run
from wavegen.training.processes import Processes
from wavegen.training.scales import scaled


class StepTimer:
    """A training that stands ready for :meth:`turn`, with its optimisers and critics; nothing of it is kept.

    Args:
        pipeline: to be trained; its weights change.
        data: as for :func:`~wavegen.training.fit`.
        training: its batch, crop and all else that a step depends on; its length does not matter.
        folder: in which no training is; what is written there is of no use afterwards.
    """

    def __init__(self, pipeline: Pipeline, data: PairSource, training: Training, folder: Path) -> None:
        self.stages = len(pipeline.config.stages)
        training = training.model_copy(update={"steps": self.stages, "minutes": None})
        data, _ = scaled(pipeline, data)
        self.run = Run(pipeline, data, training, folder, False, (), {}, Processes(), None)
        self.batches = self.run.stream.batches(0, self.run.processes.device)

    def turn(self, number: int) -> list[float]:
        """Processor seconds of a step of each stage; every ``number`` times other steps."""
        return [self.run.time_step(index, self.batches, number) for index in range(self.stages)]


def medians_in_turn(timers: Mapping[str, StepTimer], rounds: int) -> dict[str, list[float]]:
    """Median seconds of a step of each stage, by name: in every round all take their turn."""
    turns: dict[str, list[list[float]]] = {name: [] for name in timers}
    for number in range(1, 1 + rounds):
        for name, timer in timers.items():
            turns[name].append(timer.turn(number))
    return {name: [statistics.median(stage) for stage in zip(*found, strict=True)] for name, found in turns.items()}


def by_shares(stages: Sequence[Stage], seconds: Sequence[float]) -> float:
    """The mean seconds of a step of a whole training, whose stages have their shares of the steps."""
    shares = [stage.share for stage in stages]
    return sum(share * value for share, value in zip(shares, seconds, strict=True)) / sum(shares)
