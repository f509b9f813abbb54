"""Guards what a person who waits for a training is told."""

from __future__ import annotations

import pytest

from wavegen.training import Forecast, Pace, ProgressBar, ProgressLines
from wavegen.training.progress import EVERY, crowded


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    clock = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    return clock


def test_a_line_every_half_minute(now: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    """Two seconds a step on the clock, one of the processor: of 10 processor minutes 20 are left on the clock."""
    lines = ProgressLines()
    lines.neighbours.used = {}
    lines.expect(Forecast(1200, 20.0, 1_500_000_000))
    assert capsys.readouterr().err == "1,200 steps, about 20 processor minutes, 1.5 GB of memory\n"
    for step in range(1, 601):
        now[0] += 2.0
        lines.tick(Pace(step, 1200, "fit", 0.5, step / 60, (1200 - step) / 60))
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 600 * 2 / EVERY
    assert said[-1] == "step 600 of 1,200 (fit), loss 0.5000, 10.0 processor minutes spent, about 20 min left"


def test_the_last_seconds(now: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    lines = ProgressLines()
    now[0] += EVERY
    lines.tick(Pace(9, 10, "gan", 0.25, 0.15, 1 / 60))
    assert "about 1 s left" in capsys.readouterr().err


def test_a_bar_moves_with_every_step(capsys: pytest.CaptureFixture[str]) -> None:
    bar = ProgressBar()
    bar.expect(Forecast(10, 0.1, 0))
    for step in range(1, 11):
        bar.tick(Pace(step, 10, "fit", 1 / step, step / 100, (10 - step) / 100))
    bar.close()
    said = capsys.readouterr().err
    assert "10 steps, about 0.1 processor minutes" in said
    assert "fit · loss 0.1000" in said
    assert "10/10" in said


@pytest.mark.parametrize(
    ("others", "threads", "said"), [(0, 2, ""), (1, 1, ""), (1, 2, "1 other busy process on 2"), (3, 1, "3 other busy")]
)
def test_a_crowded_machine_is_remarked_on(others: int, threads: int, said: str) -> None:
    remark = crowded(others, threads, cores=2)
    assert remark.startswith(said)
    assert bool(remark) == bool(said)
