"""Signals while a command runs, also those that come at a moment when nothing can be raised."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from wavegen.core import interrupt

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

AGAIN = 0.02  # seconds


@contextmanager
def heeded() -> Iterator[None]:
    """Let signals end the block as errors do; one that is ignored (nohup, a job in the background) stays so."""
    interrupt.forget()
    before = {number: signal.getsignal(number) for number in interrupt.NUMBERS}
    previous = {number: handler for number, handler in before.items() if handler != signal.SIG_IGN}
    hook, sys.unraisablehook = sys.unraisablehook, insist
    try:
        for number in previous:
            signal.signal(number, interrupt.end)
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
        sys.unraisablehook = hook


def insist(event: UnraisableHookArgs) -> None:
    """Let a signal come again a moment later, if what it raised was lost: in a callback of compiled code, a finaliser.

    A ``sys.unraisablehook``. Without it Python prints a traceback and goes on as if nobody had asked it to end.
    """
    number = 0
    if isinstance(event.exc_value, KeyboardInterrupt):
        number = int(signal.SIGINT)
    elif isinstance(event.exc_value, SystemExit) and isinstance(event.exc_value.code, int):
        number = event.exc_value.code - 128
    if number <= 0:
        sys.__unraisablehook__(event)
        return
    timer = threading.Timer(AGAIN, _send, [number])
    timer.daemon = True
    timer.start()


def _send(number: int) -> None:
    """To the main thread where that is possible, so that it does not sleep on."""
    if sys.platform == "win32":
        signal.raise_signal(number)
    elif (main := threading.main_thread().ident) is not None:
        signal.pthread_kill(main, number)
