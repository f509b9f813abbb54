"""How far a comparison is: one line on standard error for every run that ends, and a clock on a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence

from wavegen.experiments.engine.execution import Task

EVERY = 1.0  # seconds between two looks at the clock


class Progress:
    """Counts of runs done, running and failed, and the time that is left.

    Args:
        total: runs of the comparison.
        todo: those of them that are not done.
    """

    def __init__(self, total: int, todo: int) -> None:
        self.total, self.done, self.failed = total, total - todo, 0
        self.seconds: list[float] = []
        self.shown = 0.0
        self.clock = sys.stderr.isatty()
        self.waiting = False

    def finished(self, task: Task, seconds: float, workers: int) -> None:
        """A run is done."""
        self.done += 1
        self.seconds.append(seconds)
        self._line(f"done {task} in {_span(seconds)}", workers)

    def broke(self, task: Task, error: BaseException, workers: int) -> None:
        """A run has failed."""
        self.failed += 1
        reason = " ".join(str(error).split()) or type(error).__name__
        self._line(f"FAILED {task}: {reason}", workers)

    def tick(self, workers: int) -> None:
        """Show the counts on a terminal, in place; anywhere, say once that there are no workers."""
        if self.waiting != (not workers):
            self.waiting = not workers
            if self.waiting and not self.clock:
                self._line("no workers: runs go on when one comes", workers)
        if self.clock and time.monotonic() - self.shown >= EVERY:
            self.shown = time.monotonic()
            print(f"\r\033[K{self._counts(workers)}", end="", file=sys.stderr, flush=True)

    def close(self) -> None:
        """Leave the last line of the clock."""
        if self.clock:
            print("\r\033[K", end="", file=sys.stderr, flush=True)

    def _line(self, what: str, workers: int) -> None:
        start = "\r\033[K" if self.clock else ""
        print(f"{start}[{self._counts(workers)}] {what}", file=sys.stderr, flush=True)

    def _counts(self, workers: int) -> str:
        left = self.total - self.done - self.failed
        running = min(workers, left)
        text = f"{self.done} of {self.total} done, {running} running, {self.failed} failed"
        if not left:
            return text
        if not workers:
            return f"{text}, waiting for workers"
        return f"{text}, about {_span(time_left(self.seconds, left, workers))} left" if self.seconds else text


def time_left(seconds: Sequence[float], left: int, workers: int) -> float:
    """The time for ``left`` runs on ``workers``, as long as those that took ``seconds`` on average."""
    return sum(seconds) / len(seconds) * left / min(workers, left)


def _span(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
