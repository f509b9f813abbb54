"""Distillation: the student is asked at its own times, on its teacher's trajectories, for their ends."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from systems import answer_with, tiny
from torch import Tensor

import wavegen.losses.objective as objective
from wavegen import Pipeline
from wavegen.bridges import grid_steps
from wavegen.core.errors import InputError
from wavegen.losses import Objective
from wavegen.losses.distillation import teacher_grid, teacher_states

FIT = {"name": "fit", "weights": {"coarse": 1.0}}
DISTILL: dict[str, Any] = {"name": "distill", "weights": {"distill": 1.0}, "teacher_steps": 4}


def student(name: str, steps: int, **differences: Any) -> Pipeline:
    return tiny(name, sampler={"steps": steps}, stages=[FIT, DISTILL], **differences)


def states_of(pipeline: Pipeline, seed: int = 0, count: int = 8) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    y = torch.rand(count, 1, 16, 16, generator=torch.Generator().manual_seed(5))
    low = pipeline.norm.low(y, 0)
    return low, *teacher_states(pipeline, pipeline.denoiser(low), low, 4, torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(("name", "steps"), [("bbdm", 2), ("bbdm", 3), ("ddpm", 1), ("ddpm", 2), ("irsde", 1)])
def test_states_are_dealt_over_the_student_times(name: str, steps: int) -> None:
    pipeline = student(name, steps)
    low, t, x_t, end = states_of(pipeline)
    assert sorted(set(t.tolist()), reverse=True) == pipeline.times[:-1]
    late = [t.tolist().count(time) for time in pipeline.times[1 if pipeline.bridge.pinned else 0 : -1]]
    assert max(late) - min(late) <= 1
    assert x_t.shape == end.shape == low.shape
    assert not x_t.requires_grad
    starts = x_t[t == 1] - low[t == 1]
    assert (float(starts.norm()) == 0) == pipeline.bridge.pinned
    again, other = states_of(pipeline), states_of(pipeline, seed=1)
    torch.testing.assert_close(again[3], end, rtol=0, atol=0)
    assert (other[3] - end).norm() > 1e-3


def test_the_grid_of_the_teacher() -> None:
    """Every step of the student is cut, but for the one that only draws the noise."""
    assert teacher_grid(student("bbdm", 2), 2) == [1.0, 0.5, 0.25, 0.0]
    assert teacher_grid(student("irsde", 2), 2) == [1.0, 0.75, 0.5, 0.25, 0.0]


@pytest.mark.parametrize(("name", "steps"), [("bbdm", 3), ("irsde", 2)])
def test_states_lie_on_the_way_to_their_end(name: str, steps: int) -> None:
    """Walking by hand from the state with the first noise, by second-order steps without new noise, meets the rest."""
    pipeline = student(name, steps)
    low, t, x_t, end = states_of(pipeline)
    grid = teacher_grid(pipeline, 4)
    walk = grid_steps(pipeline.bridge, grid, solver="multistep", eta=0.0)
    start = pipeline.times[1] if pipeline.bridge.pinned else 1.0
    for item in (t == start).nonzero().flatten().tolist():
        x, y, before = x_t[item : item + 1], low[item : item + 1], torch.zeros(1, 1, 16, 16)
        for now, (step,) in list(zip(grid, walk, strict=False))[grid.index(start) :]:
            with torch.no_grad():
                x0 = pipeline.denoiser(y)(x, torch.tensor([now]), y)
            x = step.state * x + step.x0 * x0 + step.previous * before + step.y * y
            before = x0
        torch.testing.assert_close(x, end[item : item + 1], rtol=1e-4, atol=1e-4)


def test_the_loss_is_the_distance_to_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not to the truth: a student that is off by 2 everywhere has the loss 4, whatever x is."""
    pipeline = student("bbdm", 2)
    x, y, x_t, end = torch.rand(4, 3, 1, 16, 16)
    times = torch.tensor([1.0, 0.5, 0.5], dtype=torch.float64)
    monkeypatch.setattr(objective, "teacher_states", lambda *_: (times, x_t, end))

    def off_by_two(state: Tensor, t: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        torch.testing.assert_close(state, x_t, rtol=0, atol=0)
        torch.testing.assert_close(t.double(), times, rtol=0, atol=0)
        return end + 2, condition

    answer_with(pipeline, off_by_two)
    torch.testing.assert_close(Objective(pipeline)(x, y, 1).losses["distill"], torch.tensor(4.0))


@pytest.mark.parametrize("name", ["bbdm", "irsde", "ddpm"])
def test_only_the_student_is_trained(name: str) -> None:
    pipeline = student(name, 2)
    teacher = tiny(name).coarse
    x, y = torch.rand(2, 4, 1, 16, 16)
    terms = Objective(pipeline)(x, y, 1, torch.Generator().manual_seed(0), None, teacher)
    assert terms.losses.keys() == {"distill"}
    terms.losses["distill"].backward()
    assert all(p.grad is None for p in teacher.parameters())
    assert any(p.grad is not None and p.grad.norm() > 0 for p in pipeline.coarse.parameters())


@pytest.mark.parametrize(
    ("name", "differences", "said"),
    [
        ("bbdm", {"sampler": {"steps": 1}}, "to one call leaves its mean"),
        ("unet", {}, "to one call leaves its mean"),
        ("bbdm", {"stages": [DISTILL]}, "no stage before it trains the teacher"),
        ("bbdm", {"stages": [FIT, {**DISTILL, "weights": {"distill": 1, "coarse": 1}}]}, "in|takes the place"),
        ("ddpm", {"target": "eps"}, "another prediction than eps"),
    ],
    ids=str,
)
def test_what_cannot_be_distilled_is_refused(name: str, differences: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        tiny(name, **{"sampler": {"steps": 2 if name != "unet" else 1}, "stages": [FIT, DISTILL], **differences})
