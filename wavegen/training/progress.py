"""How far a training is, for the person who waits for it: a bar on a terminal, a line every half minute elsewhere."""

from __future__ import annotations

import sys
import time
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn

from wavegen.core.load import Neighbours, processors
from wavegen.pipeline.pipeline import Pipeline
from wavegen.training.pace import Forecast, Pace

EVERY = 30.0  # seconds between two lines


class ProgressLines:
    """Says before the first step what a training will take, and every half minute how far it is, on standard error.

    Args:
        threads: of this process; more than the machine has left are remarked on.
    """

    def __init__(self, threads: int = 1) -> None:
        self.threads, self.neighbours = threads, Neighbours()
        self.said = time.monotonic()
        self.since: tuple[float, float] | None = None  # clock and processor minutes at the first step

    def expect(self, forecast: Forecast) -> None:
        """Say what it will take, and whether the machine is busy."""
        self.said = time.monotonic()
        memory = f", {forecast.memory / 1e9:.2g} GB of memory" if forecast.memory else ""
        self.say(f"{forecast.steps:,} steps, about {forecast.minutes:.2g} processor minutes{memory}")
        if remark := crowded(self.neighbours.busy(), self.threads, processors()):
            self.say(remark)

    def tick(self, pace: Pace) -> None:
        """A step was made."""
        left = self.time_left(pace)
        if time.monotonic() - self.said >= EVERY:
            self.said = time.monotonic()
            self.say(
                f"step {pace.step:,} of {pace.planned:,} ({pace.stage}), loss {pace.loss:.4f}, "
                f"{pace.spent:.1f} processor minutes spent, about {left} left"
            )

    def __call__(self, record: dict[str, Any], pipeline: Pipeline) -> None:
        """Nothing: steps are told by :meth:`tick`."""

    def time_left(self, pace: Pace) -> str:
        """The time on the clock that is left: the processor time, at the ratio of the two so far."""
        began, spent = self.since = self.since or (time.monotonic(), pace.spent)
        seconds, used = time.monotonic() - began, 60 * (pace.spent - spent)
        minutes = pace.left * seconds / used if used > 0 else pace.left
        return f"{minutes:.0f} min" if minutes >= 2 else f"{60 * minutes:.0f} s"

    def say(self, text: str) -> None:
        """One line."""
        print(text, file=sys.stderr, flush=True)


class ProgressBar(ProgressLines):
    """The same as a bar that moves with every step."""

    def __init__(self, threads: int = 1) -> None:
        super().__init__(threads)
        self.bar = Progress(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TaskProgressColumn(),
            TextColumn("{task.fields[left]}"), console=Console(stderr=True), transient=False,
        )  # fmt: skip
        self.task = self.bar.add_task("training", total=None, left="")
        self.bar.start()

    def tick(self, pace: Pace) -> None:
        """Move the bar."""
        self.bar.update(
            self.task,
            completed=pace.step,
            total=pace.planned,
            description=f"{pace.stage} · loss {pace.loss:.4f}",
            left=f"{self.time_left(pace)} left",
        )

    def say(self, text: str) -> None:
        """A line above the bar."""
        self.bar.console.print(text, highlight=False)

    def close(self) -> None:
        """Leave the terminal as it was."""
        self.bar.stop()


def crowded(others: int, threads: int, cores: int) -> str:
    """A remark where ``others`` busy processes and these threads are more than the cores; empty where they are not."""
    if not others or others + threads <= cores:
        return ""
    what = "1 other busy process" if others == 1 else f"{others} other busy processes"
    return f"{what} on {cores} processors: a step may cost 1.5 times as much processor time"
