"""Guards when a training is given up: for what does not come back, and for nothing else."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import pytest
import torch

from wavegen.training.divergence import LONG, Guard

FALL = list(0.2 + 0.8 * np.exp(-np.arange(300) / 60))


def stopped(losses: Iterable[float], **others: float) -> int | None:
    """The step at which a training with these losses is given up."""
    guard = Guard()
    for step, loss in enumerate(losses):
        figures = {name: torch.tensor(value) for name, value in {"total": loss, **others}.items()}
        if guard.reason(figures) is not None:
            return step
    return None


def noisy(losses: Iterable[float], share: float = 0.5) -> list[float]:
    rng = np.random.default_rng(0)
    return [loss * float(np.exp(share * rng.standard_normal())) for loss in losses]


def test_a_loss_that_leaves_for_good_ends_a_training() -> None:
    step = stopped(noisy([*FALL, *[4.0] * 400]))
    assert step is not None
    assert 300 + LONG <= step < 300 + LONG + 40


@pytest.mark.parametrize(
    "losses",
    [
        FALL * 2,  # learns, jumps back to its start, learns again
        [*FALL, *[4.0] * (LONG - 60), *FALL],  # comes back in time
        [1.0] * 900,  # learns nothing
        [*[5.0] * 30, *FALL, *[0.9] * 400],  # not above its start
        [*FALL, *[0.5] * 400],  # above its least, not above its start
        [-value for value in FALL] + [-4.0] * 400,  # negative by definition
    ],
    ids=["anew", "back", "level", "start", "least", "negative"],
)
def test_other_courses_go_on(losses: list[float]) -> None:
    assert stopped(losses) is None
    assert stopped(noisy(losses, 0.3)) is None


def test_critics_make_the_loss_say_nothing() -> None:
    assert stopped([*FALL, *[40.0] * 400], critic=0.5) is None


def test_figures_that_are_not_finite_end_it_at_once() -> None:
    assert stopped([1.0, math.nan]) == 1
    assert stopped([1.0], gradient=math.inf) == 0


def test_a_critic_that_explodes_ends_it() -> None:
    guard = Guard()
    for size in [1.0] * 60:
        assert guard.reason({"total": torch.tensor(1.0), "critic": torch.tensor(size)}) is None
    reason = guard.reason({"total": torch.tensor(1.0), "critic": torch.tensor(-500.0)})
    assert reason is not None
    assert "the critic's loss exploded to 500" in reason
