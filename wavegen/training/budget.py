"""How many steps a training makes: those it was given, or those its minutes allow, planned anew as it goes."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from typing import Any

from wavegen.core.errors import InputError
from wavegen.pipeline.config import PipelineConfig, Stage
from wavegen.training.config import Training
from wavegen.training.state import Progress

WINDOW = 48  # latest steps of a stage, whose mean is what a step costs
ENOUGH = 16  # of them, before they replace what was timed before the first step
OUTLIER = 4.0  # times their median: a step that took longer than that is counted as that long
MODEL = 1.5  # the last state and the model, in times of writing one state


def check_length(training: Training, config: PipelineConfig) -> None:
    """Refuse a training without one length, or with fewer steps than stages.

    Raises:
        InputError: as it says.
    """
    if (training.steps is None) == (training.minutes is None):
        raise InputError("give a training either steps or minutes")
    if training.steps is not None and training.steps < len(config.stages):
        raise InputError(f"steps = {training.steps}: {config.name} has {len(config.stages)} stages; give each a step")


class Budget:
    """Plans the steps of every stage and keeps account of the time, both in the ``progress`` of a run.

    All times are processor seconds. A step costs the mean of the latest ones, not their median: critics may learn at
    every fourth step only. What else takes time (callbacks, checkpoints) is spread over the steps so far, and the
    longest of it is kept back for the end, when everything happens once more. Stages have their shares of the steps.

    Args:
        progress: of the run; changed in place.
        stages: of the pipeline.
        steps: of the training; None where minutes are given.
        minutes: of the training, on the processor; None where steps are given.
        agree: gives all processes of a training what the first one has.
    """

    def __init__(
        self,
        progress: Progress,
        stages: Sequence[Stage],
        steps: int | None,
        minutes: float | None,
        agree: Callable[[Any], Any] = lambda value: value,
    ) -> None:
        self.progress, self.stages, self.steps, self.minutes, self.agree = progress, stages, steps, minutes, agree
        total = sum(stage.share for stage in stages)
        self.shares = [stage.share / total for stage in stages]
        self.saving = 0.0  # seconds to write a state
        if steps is not None:
            progress.plan = self._shared_out(steps)
        elif not progress.costs and progress.stage < len(progress.plan):  # a state of version 0.1.0
            progress.within = min(1.0, progress.step_in_stage / max(progress.plan[progress.stage], 1))

    def _shared_out(self, steps: int) -> list[int]:
        """The steps of each stage, at least one; the last has what is left."""
        plan: list[int] = []
        for share in self.shares[:-1]:
            plan.append(max(1, round(share * steps)))
        return [*plan, max(1, steps - sum(plan))]

    @property
    def planned(self) -> int:
        """The steps of the whole training, as far as is known."""
        return sum(self.progress.plan)

    @property
    def within(self) -> float:
        """How much of the present stage is done, 0 to 1; it never falls."""
        if self.steps is not None:
            return self.progress.step_in_stage / self.progress.plan[self.progress.stage]
        return self.progress.within

    @property
    def over(self) -> bool:
        """Whether the present stage has had its steps."""
        if self.steps is not None:
            return self.progress.step_in_stage >= self.progress.plan[self.progress.stage]
        return self.progress.step_in_stage > 0 and self.progress.left < 0.5

    @property
    def seconds_left(self) -> float:
        """Processor seconds to the end, by the plan."""
        if self.minutes is not None:
            return max(0.0, 60 * self.minutes - self.progress.core_seconds)
        stage, costs = self.progress.stage, self._costs()
        counts = [n - (self.progress.step_in_stage if i == stage else 0) for i, n in enumerate(self.progress.plan)]
        return sum(n * cost for n, cost in zip(counts[stage:], costs[stage:], strict=True))

    def start(self, costs: Sequence[float]) -> None:
        """Plan, before the first step, or before a run goes on whose state has no costs.

        Args:
            costs: seconds of a step of every stage; of those that are over they do not matter.

        Raises:
            InputError: minutes that are too few for a step of every stage.
        """
        self.progress.costs = [max(cost, 1e-9) for cost in costs]
        if self.minutes is None:
            return
        self._plan()
        if self.progress.step:
            return
        worst = min(range(len(self.stages)), key=self.shares.__getitem__)
        whole = sum(share * cost for share, cost in zip(self.shares, self._costs(), strict=True))
        needed = self.agree((self.progress.core_seconds + self._kept_back() + whole / self.shares[worst]) / 60)
        if needed > self.minutes:
            raise InputError(
                f"minutes = {self.minutes:g} is too short: stage {self.stages[worst].name!r}, which has "
                f"{self.shares[worst]:.0%} of the steps, gets its first one only with {1.05 * needed:.2g} processor "
                "minutes; give more, or steps"
            )

    def made(self, seconds: float) -> None:
        """A step of the present stage was made."""
        progress = self.progress
        progress.step += 1
        progress.step_in_stage += 1
        progress.core_seconds += seconds
        progress.recent = [*progress.recent[1 - WINDOW :], seconds]
        if self.minutes is not None:
            progress.within += (1 - progress.within) / max(progress.left, 1.0)
            self._plan()

    def besides(self, seconds: float) -> None:
        """Something else than a step took time."""
        self.progress.core_seconds += seconds
        self.progress.besides += seconds
        self.progress.longest = max(self.progress.longest, seconds)

    def stop(self) -> None:
        """The present stage ends now."""
        self.progress.plan[self.progress.stage], self.progress.left = self.progress.step_in_stage, 0.0

    def next_stage(self) -> None:
        """The present stage is over; the later ones cost as much more than was foreseen as this one did."""
        progress = self.progress
        progress.costs = self._foreseen()
        if progress.plan:
            progress.plan[progress.stage] = progress.step_in_stage
        progress.stage += 1
        progress.step_in_stage, progress.within, progress.recent = 0, 0.0, []
        if self.minutes is not None and progress.stage < len(self.stages):
            self._plan()

    def _foreseen(self) -> list[float]:
        """Seconds of a step of each stage, the present and later ones corrected by the latest steps."""
        costs, stage, recent = self.progress.costs, self.progress.stage, self.progress.recent
        if not costs:  # nothing was timed before the first step: all cost what the present one does
            return [statistics.fmean(recent) if recent else 0.0] * len(self.stages)
        if len(recent) < ENOUGH:
            return costs
        most = OUTLIER * statistics.median(recent)
        factor = statistics.fmean(min(seconds, most) for seconds in recent) / costs[stage]
        return [cost * factor if i >= stage else cost for i, cost in enumerate(costs)]

    def _costs(self) -> list[float]:
        """Seconds of a step of each stage, with its part of everything else."""
        else_ = self.progress.besides / max(self.progress.step, 1)
        return [cost + else_ for cost in self._foreseen()]

    def _kept_back(self) -> float:
        """Seconds for what happens at the end: the callbacks, the state and the model."""
        return self.progress.longest + MODEL * self.saving

    def _plan(self) -> None:
        """Steps n of the whole run such that what is left of them takes the time that is left.

        With costs c, shares s and m steps made of stage i, (s_i n - m) c_i + n (sum over later j of s_j c_j) = time.
        """
        stage, made, costs = self.progress.stage, self.progress.step_in_stage, self._costs()
        weights = [share * cost for share, cost in zip(self.shares, costs, strict=True)]
        time = 60 * (self.minutes or 0.0) - self.progress.core_seconds - self._kept_back()
        total = max(0.0, (time + made * costs[stage]) / sum(weights[stage:]))
        left = max(0.0, total * self.shares[stage] - made)
        plan = [*self.progress.plan[:stage], made + round(left)]
        plan += [max(1, round(total * share)) for share in self.shares[stage + 1 :]]
        plan[stage] = max(1, plan[stage])
        self.progress.plan, self.progress.left = self.agree((plan, left))
