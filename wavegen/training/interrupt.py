"""Interruptions wait for the end of a step, so that a saved state is always a whole one."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType

from wavegen.core.interrupt import NUMBERS


class Deferred:
    """While active, Ctrl-C, termination and hanging up only set a flag; :meth:`check` raises what was asked for.

    A second signal does not wait, a third with ``patience``: launchers pass on what the terminal has sent already.
    A signal that is ignored (nohup) stays so.
    """

    def __init__(self, patience: bool = False) -> None:
        self.spare = int(patience)

    def __enter__(self) -> Deferred:
        self.received = 0
        self.main = threading.current_thread() is threading.main_thread()
        self.previous = {}
        if self.main:
            wanted = [number for number in NUMBERS if signal.getsignal(number) != signal.SIG_IGN]
            self.previous = {number: signal.signal(number, self._note) for number in wanted}
        return self

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.received and not self.spare:
            raise KeyboardInterrupt
        if self.received:
            self.spare -= 1
        self.received = number

    def check(self, number: int | None = None) -> None:
        """Raise KeyboardInterrupt, or SystemExit(128 + number), if a signal, or ``number``, came in."""
        number = self.received if number is None else number
        if number == signal.SIGINT:
            raise KeyboardInterrupt
        if number:
            raise SystemExit(128 + number)

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self.previous.items():
            signal.signal(number, handler)
