"""Interruptions wait for the end of a step, so that a saved state is always a whole one."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType


class Deferred:
    """While active, Ctrl-C and termination only set a flag; :meth:`check` raises what was asked for."""

    def __enter__(self) -> Deferred:
        self.received = 0
        self.main = threading.current_thread() is threading.main_thread()
        if self.main:
            self.previous = {s: signal.signal(s, self._note) for s in (signal.SIGINT, signal.SIGTERM)}
        return self

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.received:  # a second signal does not wait
            raise KeyboardInterrupt
        self.received = number

    def check(self) -> None:
        """Raise KeyboardInterrupt, or SystemExit(143), if a signal came in."""
        if self.received == signal.SIGINT:
            raise KeyboardInterrupt
        if self.received == signal.SIGTERM:
            raise SystemExit(143)

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.main:
            for number, handler in self.previous.items():
                signal.signal(number, handler)
