"""How idle threads of the mathematical libraries wait; to be said before those are loaded."""

from __future__ import annotations

import os

# GNU's OpenMP (torch's wheels for Linux) reads the first, LLVM's and Intel's (macOS, Windows, conda) the second.
SLEEPING = {"OMP_WAIT_POLICY": "PASSIVE", "KMP_BLOCKTIME": "0"}


def let_idle_threads_sleep() -> None:
    """Keep threads that wait for others from spinning, which costs processor time and, beside other work, speed.

    Does nothing to variables that are set, nor to libraries that are loaded.
    """
    for name, value in SLEEPING.items():
        os.environ.setdefault(name, value)
