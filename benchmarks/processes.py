"""How much faster several processes train than one: images a second of the same training, shared out differently.

``python -m benchmarks processes`` prints it; ``python -m benchmarks.processes FOLDER TASK`` is one process of it.
"""

from __future__ import annotations

import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch

from benchmarks.train import WARM, Task, _pipeline
from wavegen.core.errors import InputError
from wavegen.core.registry import build
from wavegen.data import InMemory
from wavegen.training import Pace, Training, fit
from wavegen.training.processes import join


@dataclass(frozen=True)
class Way:
    """How one training is done: so many processes of so many threads."""

    processes: int
    threads: int


WAYS = (Way(1, 1), Way(1, 2), Way(2, 1))


def bench_processes(
    task: Task, turns: int, ways: tuple[Way, ...] = WAYS, precision: str = "auto"
) -> list[dict[str, Any]]:
    """For each way ``images_per_second``, the median over turns, in which all ways follow each other, and all of them.

    ``losses`` are those of all steps of the first turn, and ``off`` is their largest difference from the first way's,
    relative to the largest of those: all ways do one training, to rounding.

    Raises:
        InputError: too few steps, or a process that fails, with what it said last.
    """
    if task.steps < 3 * WARM:
        raise InputError(f"steps = {task.steps}: give at least {3 * WARM}")
    speeds: dict[Way, list[float]] = {way: [] for way in ways}
    losses: dict[Way, list[float]] = {}
    for turn in range(turns):
        for way in ways:
            with tempfile.TemporaryDirectory() as folder:
                speed, curve = _measured(task, way, precision, Path(folder))
            speeds[way].append(speed)
            losses.setdefault(way, curve)
            print(f"turn {turn + 1}, {way}: {speeds[way][-1]:.1f} images/s", file=sys.stderr)
    return [
        {
            **asdict(way),
            "images_per_second": statistics.median(all_),
            "turns": all_,
            "losses": losses[way],
            "off": _difference(losses[way], losses[ways[0]]),
        }
        for way, all_ in speeds.items()
    ]


def _difference(curve: list[float], other: list[float]) -> float:
    """The largest difference of two curves of losses, relative to the largest loss of the other."""
    return max(abs(a - b) for a, b in zip(curve, other, strict=True)) / max(map(abs, other))


def _measured(task: Task, way: Way, precision: str, folder: Path) -> tuple[float, list[float]]:
    """Images per second and the losses of one training by processes of its own, without a launcher."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    options = {**asdict(task), **asdict(way), "precision": precision}
    line = [sys.executable, "-m", "benchmarks.processes", str(folder), json.dumps(options)]
    started = []
    for rank in range(way.processes):
        said = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": way.processes, "MASTER_PORT": port}
        environment = os.environ | {name: str(value) for name, value in said.items()} | {"MASTER_ADDR": "127.0.0.1"}
        environment["OMP_NUM_THREADS"] = str(way.threads)
        started.append(subprocess.Popen(line, env=environment, stderr=subprocess.PIPE, text=True))
    errors = [process.communicate()[1] for process in started]
    if any(process.returncode for process in started):
        raise InputError(
            f"a training by {way.processes} process(es) failed: {''.join(errors).strip().splitlines()[-1]}"
        )
    seen = json.loads((folder / "seen.json").read_text())
    return WARM * task.batch / statistics.median(b - a for a, b in pairwise(seen["clock"])), seen["losses"]


def _train(folder: Path, options: dict[str, Any]) -> None:
    """What each process does; the first writes when every WARM-th step was done, and the loss of every step."""
    torch.set_num_threads(options.pop("threads"))
    del options["processes"]
    precision = options.pop("precision")
    task = Task(**{**options, "multipliers": tuple(options["multipliers"])})
    data = InMemory(build("dataset", {"name": task.data, "split": "train", "size": task.size, "length": task.pool}))
    torch.manual_seed(task.seed)
    seen = Seen()

    training = Training(
        steps=task.steps,
        batch=task.batch,
        crop=task.crop,
        seed=task.seed,
        precision=precision,
        log_every=WARM,
        checkpoint_every=10 * task.steps,
    )
    fit(_pipeline(task), data, training, folder / "run", callbacks=[seen])
    if join().first:
        (folder / "seen.json").write_text(json.dumps(vars(seen)))


class Seen:
    """The clock at every logged step, and the losses of all steps."""

    def __init__(self) -> None:
        self.clock: list[float] = []
        self.losses: list[float] = []

    def tick(self, pace: Pace) -> None:
        """After each step."""
        self.losses.append(pace.loss)

    def __call__(self, record: dict[str, Any], pipeline: Any) -> None:
        """After every WARM-th."""
        self.clock.append(time.perf_counter())


if __name__ == "__main__":
    _train(Path(sys.argv[1]), json.loads(sys.argv[2]))
