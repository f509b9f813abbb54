"""Guards what is said of a busy machine, and that idle threads sleep."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from wavegen.core import load
from wavegen.core.load import Neighbours, processors
from wavegen.core.memory import peak_memory
from wavegen.core.threads import let_idle_threads_sleep


@pytest.mark.skipif(not load.PROCESSES.exists(), reason="no /proc")
def test_a_busy_process_is_seen() -> None:
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as busy:
        watched = Neighbours()
        number = str(busy.pid)
        assert number in watched.used
        began = time.monotonic()
        while time.monotonic() - began < 5 and load._used()[number] - watched.used[number] < 0.1:
            time.sleep(0.02)
        used = load._used()[number] - watched.used[number]
        busy.kill()
    assert used >= 0.1


def test_who_is_busy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Of 10 seconds one process used 9, one 1, one began later; this one is not counted."""
    now = [0.0]
    monkeypatch.setattr(load.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(load, "PROCESSES", tmp_path)
    ticks = os.sysconf("SC_CLK_TCK")

    def use(number: int, seconds: float) -> None:
        (tmp_path / str(number)).mkdir(exist_ok=True)
        fields = ["R", *"0" * 10, str(int(seconds * ticks / 2)), str(int(seconds * ticks / 2)), "0"]
        (tmp_path / str(number) / "stat").write_text(f"{number} (a name) ) {' '.join(fields)}")

    for number in (1, 2, os.getpid()):
        use(number, 100)
    (tmp_path / "4").mkdir()  # has ended
    watched = Neighbours()
    now[0] = 10.0
    for number, seconds in ((1, 109), (2, 101), (3, 9), (os.getpid(), 110)):
        use(number, seconds)
    assert watched.busy() == 1


def test_idle_threads_sleep_unless_told_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environ", {"KMP_BLOCKTIME": "200"})
    let_idle_threads_sleep()
    assert os.environ == {"KMP_BLOCKTIME": "200", "OMP_WAIT_POLICY": "PASSIVE"}


def test_memory_and_processors() -> None:
    assert processors() >= 1
    held = bytearray(2**27)
    held[::4096] = b"x" * len(held[::4096])  # a page is there once it was written
    assert peak_memory() > len(held)
