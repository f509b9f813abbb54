"""What a signal does while a command runs: it ends as any error does, so that nothing half-made stays."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

# What ends a command; a terminal that is closed sends SIGHUP, where there is such a signal.
NUMBERS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
_received: list[int] = []  # numbers, in their order
_whole = 0  # blocks that must not be interrupted, one in the other


def end(number: int, frame: FrameType | None = None) -> None:
    """The handler of a signal: raises KeyboardInterrupt for Ctrl-C, else SystemExit(128 + number)."""
    _received.append(number)
    if not _whole:
        check()


def check() -> None:
    """Raise what the last signal asks for, if there was one: compiled code may have made another error of it."""
    if not _received:
        return
    if _received[-1] == signal.SIGINT:
        raise KeyboardInterrupt
    raise SystemExit(128 + _received[-1])


def received() -> int:
    """The number of the last signal; 0: none."""
    return _received[-1] if _received else 0


def forget() -> None:
    """As if no signal had come: a command begins."""
    _received.clear()


@contextmanager
def whole() -> Iterator[None]:
    """Let a signal wait for the end of the block: a compiler that is left in its middle may end the process."""
    global _whole
    before = len(_received)
    _whole += 1
    try:
        yield
    finally:
        _whole -= 1
    if not _whole and len(_received) > before:
        check()
