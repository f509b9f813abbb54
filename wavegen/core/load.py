"""What else keeps the processors of this machine busy, as far as it can be seen."""

from __future__ import annotations

import os
import time
from pathlib import Path

BUSY, LEAST = 0.2, 0.05  # of a processor, and seconds of it: what a process uses to be counted; many share few
PROCESSES = Path("/proc")


class Neighbours:
    """The other processes, watched from now on. Where there is no /proc, none are seen."""

    def __init__(self) -> None:
        self.began, self.used = time.monotonic(), _used()

    def busy(self) -> int:
        """How many of them have worked since."""
        seconds = time.monotonic() - self.began
        enough = max(BUSY * seconds, LEAST)
        return sum(used - self.used.get(name, used) >= enough for name, used in _used().items())


def processors() -> int:
    """The processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _used() -> dict[str, float]:
    """Processor seconds of every other process by its number."""
    found: dict[str, float] = {}
    for folder in PROCESSES.glob("[0-9]*"):
        try:  # one that ends meanwhile
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if folder.name != str(os.getpid()) and len(fields) > 12:  # utime and stime, proc(5)
            found[folder.name] = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return found
