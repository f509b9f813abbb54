"""Guards budgets: minutes are kept whatever steps cost, the rate's position only grows, stages get their shares."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from statistics import fmean
from typing import Any

import pytest

from wavegen.core.errors import InputError
from wavegen.pipeline.config import Stage
from wavegen.training.budget import MODEL, Budget
from wavegen.training.checkpoints import LEAST, MOST, SHARE, Checkpoints
from wavegen.training.state import Progress

Cost = Callable[[int, int], float]  # stage, step of the run -> seconds


def stages(*shares: float) -> list[Stage]:
    return [Stage(name=f"stage {i}", share=share, weights={"coarse": 1.0}) for i, share in enumerate(shares)]


@dataclass
class Run:
    """A training without a network: what the budget said, by step."""

    parts: Sequence[Stage]
    minutes: float | None = None
    steps: int | None = None
    progress: Progress = field(default_factory=Progress)
    within: list[float] = field(default_factory=list)
    planned: list[int] = field(default_factory=list)

    def go(self, cost: Cost, besides: Cost = lambda stage, step: 0.0, end: float = 0.0, until: int = 10**6) -> Run:
        """From where it is; ``end`` are the seconds of the last state and model, which come after the last callback."""
        budget = Budget(self.progress, self.parts, self.steps, self.minutes)
        budget.saving = end / MODEL
        if not self.progress.costs:
            budget.start([fmean(cost(i, step) for step in range(4)) for i in range(len(self.parts))])
        while (stage := self.progress.stage) < len(self.parts):
            while not budget.over and self.progress.step < until:
                self.within.append(budget.within)
                budget.made(cost(stage, self.progress.step))
                self.planned.append(budget.planned)
                budget.besides(besides(stage, 0 if budget.over else self.progress.step))
            if self.progress.step >= until:
                return self
            budget.next_stage()
        self.progress.core_seconds += end
        return self

    def again(self) -> Run:
        """What another process reads from the file of this one."""
        progress = Progress(**json.loads(json.dumps(asdict(self.progress))))
        return Run(self.parts, self.minutes, self.steps, progress)


def drifting(stage: int, step: int) -> float:
    return 0.2 * (1.5 if step > 400 else 1.0) * (1 + stage)  # stage 1, with critics, is twice as dear


def learning_seldom(stage: int, step: int) -> float:
    return 0.1 if step % 4 else 0.4


def hiccups(stage: int, step: int) -> float:
    return 20.0 if step == 300 else 0.1 + 0.05 * (step * 7 % 10) / 10


def slow_callbacks(stage: int, step: int) -> float:
    return 6.0 if step % 150 == 0 else 0.01  # step 0 stands for the last of a stage


@pytest.mark.parametrize("cost", [drifting, learning_seldom, hiccups])
@pytest.mark.parametrize("besides", [lambda stage, step: 0.0, slow_callbacks])
@pytest.mark.parametrize("shares", [(1.0,), (0.75, 0.25), (0.2, 0.5, 0.3)], ids=str)
def test_minutes_are_kept(cost: Cost, besides: Cost, shares: tuple[float, ...]) -> None:
    run = Run(stages(*shares), minutes=4.0).go(cost, besides, end=1.0)
    assert run.progress.core_seconds == pytest.approx(240, rel=0.05)
    assert all(a <= b for a, b in itertools.pairwise(run.within) if b), "the rate would jump up"
    assert run.planned[-1] == run.progress.step


def test_what_happens_at_the_end_is_kept_back() -> None:
    """All callbacks after the last step, then the state and the model: a seventh of the minute."""
    run = Run(stages(1.0), minutes=1.0).go(
        lambda stage, step: 0.1, lambda stage, step: 3.0 * (step % 100 == 0), end=6.0
    )
    assert run.progress.core_seconds == pytest.approx(60, abs=1.5)


def test_the_plan_counts_what_happens_seldom() -> None:
    """Critics that learn at every fourth step: a median would promise too many steps."""
    run = Run(stages(1.0), minutes=4.0).go(learning_seldom)
    assert min(run.planned) > 0.9 * run.progress.step
    assert max(run.planned) < 1.1 * run.progress.step


def test_later_stages_are_as_slow_as_the_first_one_was() -> None:
    """Twice as slow as what was timed: the plan knows it when the next stage begins, not sixteen steps later."""
    run = Run(stages(0.5, 0.5), minutes=4.0).go(lambda stage, step: 0.1 if step < 4 else 0.2)
    first = run.progress.plan[0]
    assert run.planned[first] == pytest.approx(run.progress.step, rel=0.02)


def test_the_position_grows_evenly_and_ends_at_one() -> None:
    """A step that costs more moves it less; nothing makes it jump."""
    run = Run(stages(1.0), minutes=4.0).go(drifting, slow_callbacks)
    moves = [b - a for a, b in itertools.pairwise(run.within)]
    assert run.within[0] == 0
    assert run.within[-1] > 0.98
    assert min(moves) > 0
    assert max(moves) < 3 / run.progress.step


def test_stages_have_their_shares_of_the_steps() -> None:
    run = Run(stages(0.5, 0.3, 0.2), minutes=10.0).go(lambda stage, step: 0.1 * (1 + stage))
    counts = [steps / run.progress.step for steps in run.progress.plan]
    assert counts == pytest.approx([0.5, 0.3, 0.2], abs=0.01)
    assert run.progress.step == pytest.approx(600 / (0.5 * 0.1 + 0.3 * 0.2 + 0.2 * 0.3), rel=0.01)


def test_the_plan_is_right_from_the_start() -> None:
    run = Run(stages(0.75, 0.25), minutes=2.0).go(lambda stage, step: 0.1 * (1 + stage))
    assert max(run.planned) - min(run.planned) <= 2


def test_minutes_go_on_where_they_were() -> None:
    whole = Run(stages(0.6, 0.4), minutes=2.0).go(learning_seldom, slow_callbacks)
    first = Run(stages(0.6, 0.4), minutes=2.0).go(learning_seldom, slow_callbacks, until=333)
    second = first.again().go(learning_seldom, slow_callbacks)
    assert first.within + second.within == whole.within
    assert asdict(second.progress) == asdict(whole.progress)


def test_a_state_of_0_1_goes_on() -> None:
    """It says neither what steps cost nor how far the rate was."""
    run = Run(stages(0.5, 0.5), minutes=2.0, progress=Progress(0, 30, 30, [60], 30.0))
    run.go(lambda stage, step: 1.0)
    assert run.within[0] == 0.5
    assert run.progress.core_seconds == pytest.approx(120, abs=1)


def test_steps_are_made_to_the_letter() -> None:
    run = Run(stages(0.75, 0.25), steps=13).go(drifting, slow_callbacks)
    assert run.progress.plan == [10, 3]
    assert set(run.planned) == {13}
    assert run.within == [n / 10 for n in range(10)] + [n / 3 for n in range(3)]


def test_the_time_left_of_steps() -> None:
    budget = Budget(Progress(), stages(0.5, 0.5), 20, None)
    budget.start([1.0, 3.0])
    assert budget.seconds_left == pytest.approx(40)
    for _ in range(4):
        budget.made(1.0)
    assert budget.seconds_left == pytest.approx(36)


def test_too_few_minutes_are_refused_with_what_is_needed() -> None:
    said = r"minutes = 0.1 is too short: stage 'stage 1', which has 10% of the steps.*only with 0.17 processor minutes"
    with pytest.raises(InputError, match=said):
        Run(stages(0.9, 0.1), minutes=0.1).go(lambda stage, step: 1.0)
    run = Run(stages(0.9, 0.1), minutes=0.17).go(lambda stage, step: 1.0)
    assert run.progress.plan == [9, 1]


def test_the_first_process_plans_for_all() -> None:
    told: list[Any] = []
    first = Budget(Progress(), stages(1.0), None, 1.0, lambda value: told.append(value) or value)
    second = Budget(Progress(), stages(1.0), None, 1.0, lambda value: told.pop(0))
    first.start([1.0])
    second.start([7.0])
    for _ in range(60):
        assert not second.over
        first.made(1.0)
        second.made(7.0)
        assert (first.within, first.planned, first.over) == (second.within, second.planned, second.over)
    assert first.over


def test_states_are_kept_by_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])

    def wait(took: float) -> float:
        kept = Checkpoints(None)
        kept.wrote(took)
        start = now[0]
        while not kept.due(0):
            now[0] += 0.5
        return now[0] - start

    assert wait(0.0) == LEAST
    assert wait(0.1) == pytest.approx(0.1 / SHARE, abs=0.5)
    assert wait(60.0) == MOST
    assert [step for step in range(1, 10) if Checkpoints(4).due(step)] == [4, 8]
