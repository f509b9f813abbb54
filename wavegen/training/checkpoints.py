"""When a training keeps its state: often enough that little is lost, seldom enough that it costs next to nothing."""

from __future__ import annotations

import time

SHARE = 0.003  # of the time may go into writing states
LEAST, MOST = 15.0, 120.0  # seconds between two of them


class Checkpoints:
    """Says when a state is due: every so many steps, or by the clock where ``every`` is None.

    By the clock it is due when writing it, as long as it took last, is ``SHARE`` of the time since, but after at most
    ``MOST`` seconds, so that no killed run loses more than that.
    """

    def __init__(self, every: int | None) -> None:
        self.every, self.took, self.kept = every, 0.0, time.monotonic()

    def due(self, step: int) -> bool:
        """Whether the state after ``step`` steps is to be kept."""
        if self.every is not None:
            return step % self.every == 0
        return time.monotonic() - self.kept >= min(max(self.took / SHARE, LEAST), MOST)

    def wrote(self, seconds: float) -> None:
        """A state was kept, which took so long."""
        self.took, self.kept = seconds, time.monotonic()
