"""Progress, and runs on a real scheduler with workers in processes of their own."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from grids import grid, trained

from wavegen.core.files import exclusive
from wavegen.experiments import ablate, prepare, read_grid, run_folder
from wavegen.experiments.engine import execution, runs
from wavegen.experiments.engine.dispatch import connected
from wavegen.experiments.engine.progress import Progress, time_left


def test_the_time_that_is_left(capsys: pytest.CaptureFixture[str]) -> None:
    assert time_left([10.0, 20.0], 6, 2) == 45
    assert time_left([10.0], 1, 4) == 10
    progress = Progress(6, 4)
    task = execution.Task("a", 0)
    progress.finished(task, 10.0, 2)
    progress.broke(task, ValueError(), 0)
    first, second = capsys.readouterr().err.splitlines()
    assert first == "[3 of 6 done, 2 running, 0 failed, about 15 s left] done a, seed 0 in 10 s"
    assert second == "[3 of 6 done, 0 running, 1 failed, waiting for workers] FAILED a, seed 0: ValueError"


def test_a_run_waits_for_whoever_is_at_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan, began = read_grid(grid(vary={})), threading.Event()
    monkeypatch.setattr(execution, "_trained", lambda *_: began.set())
    judge, task = prepare(plan, tmp_path).judge, execution.Task(*plan.runs()[0])
    folder = run_folder(tmp_path, *plan.runs()[0])
    with ThreadPoolExecutor(1) as pool:
        with exclusive(folder / ".lock", "the run"):
            doing = pool.submit(execution.execute, judge, tmp_path, task)
            assert not began.wait(0.5)
        doing.result()
    assert began.is_set()


def started(module: str, *arguments: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", f"distributed.cli.{module}", *arguments, "--no-dashboard"]
    return subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


def test_a_killed_worker_changes_nothing(tmp_path: Path) -> None:
    """A scheduler and two workers in processes of their own; one is killed in the middle of its run."""
    training = {"steps": 60, "batch": 2, "crop": 32, "warmup": 1, "checkpoint_every": 5}
    plan = read_grid(grid(vary={"bridge.s": [0.1, 0.2]}, rows=[{"steps": 2, "samples": 2}], training=training))
    address = tmp_path / "scheduler.json"
    processes = [started("dask_scheduler", "--port", "0", "--scheduler-file", str(address))]
    where = [
        "--scheduler-file",
        str(address),
        "--nthreads",
        "1",
        "--no-nanny",
        "--death-timeout",
        "300",
        "--local-directory",
        str(tmp_path),
    ]
    try:
        processes += [started("dask_worker", *where) for _ in range(2)]
        deadline = time.monotonic() + 180
        while not address.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        tcp = json.loads(address.read_text())["address"]
        with connected(tcp, 0) as client:
            client.wait_for_workers(2, timeout=180)
        killer = Killer(tmp_path / "disturbed", processes[1])
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(runs.Progress, "tick", killer.tick)
            disturbed = ablate(plan, tmp_path / "disturbed", scheduler=tcp)
        assert killer.done
        assert processes[1].wait(10) == -signal.SIGKILL
    finally:
        for process in processes:
            process.kill()
            process.wait()
    assert not disturbed.failed
    quiet = ablate(plan, tmp_path / "quiet", workers=1)
    assert [{**row, "minutes": 0} for row in disturbed.rows] == [{**row, "minutes": 0} for row in quiet.rows]
    assert len(quiet.rows) == 2


class Killer:
    """Kills a worker as soon as both runs have begun to train."""

    def __init__(self, out: Path, worker: subprocess.Popen[bytes]) -> None:
        self.out, self.worker, self.done = out, worker, False

    def tick(self, workers: int) -> None:
        if not self.done and len(trained(self.out)) == 2:
            assert not list(self.out.glob("runs/*/model"))
            self.worker.send_signal(signal.SIGKILL)
            self.done = True
