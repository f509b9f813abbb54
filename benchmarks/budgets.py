"""Are budgets kept? Minutes planned and taken, on a quiet machine and beside other trainings; steps of a calibration.

``python -m benchmarks budgets`` prints it; ``python -m benchmarks.budgets FOLDER TASK`` is one training of it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from wavegen.core.errors import InputError
from wavegen.core.registry import build
from wavegen.data import InMemory
from wavegen.experiments import read_grid
from wavegen.experiments.engine.calibration import calibrate, with_steps
from wavegen.pipeline.pipeline import Pipeline
from wavegen.training import JsonLog, Preview, Training, Watch, fit

SYSTEMS = {"unet": "without critics", "mscgm-joint": "with critics"}
SETTLING = 8.0  # seconds that the neighbours have to begin


@dataclass(frozen=True)
class Task:
    """One training: a preset on images of ``data``, for so many minutes, or for ever as a neighbour."""

    system: str = "unet"
    data: str = "hela"
    minutes: float = 1.0
    batch: int = 8
    crop: int = 64
    pool: int = 16
    preview_every: int = 100


def bench_budgets(task: Task, neighbours: int) -> list[dict[str, Any]]:
    """Every system quiet and beside ``neighbours`` other trainings: minutes planned and taken, and steps.

    ``taken`` is what the process itself needed from the first step to the saved model, by its own clock of processor
    time; ``calibrated`` are the steps that a calibration of a study makes of the minutes, in both cases.

    Raises:
        InputError: a training that fails, with what it said last.
    """
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for load in (0, neighbours):
            with _busy(task, load, Path(folder) / f"neighbours-{load}"):
                for system in SYSTEMS:
                    place = Path(folder) / f"{system}-{load}"
                    found = _train_in_process(Task(**{**asdict(task), "system": system}), place)
                    rows.append({"system": system, "what": SYSTEMS[system], "beside": load, **found})
                    print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
    return rows


def bench_steps(task: Task, neighbours: int, out: Path) -> list[dict[str, Any]]:
    """Steps of each system of one study on a quiet machine, and of its continuation beside other trainings.

    The continuation has one more system, which is timed under that load, beside a known one; ``quiet`` is what it
    would have had if it had been timed at once.
    """
    torch.set_num_threads(1)
    study, grown = (_study(task, names) for names in (["unet", "mscgm-joint"], ["unet", "mscgm-joint", "bbdm"]))
    calibrate(grown, out / "at once", list(grown.systems))
    calibrate(study, out / "grown", list(study.systems))
    with _busy(task, neighbours, out / "neighbours"):
        calibrate(grown, out / "grown", list(grown.systems))
    quiet, later = (with_steps(grown, out / name).steps for name in ("at once", "grown"))
    first = with_steps(study, out / "grown").steps
    return [
        {"system": name, "at_once": quiet[name], "first": first.get(name), "beside_load": later[name]}
        for name in grown.systems
    ]


def _study(task: Task, systems: list[str]) -> Any:
    training = {"minutes": task.minutes, "batch": task.batch, "crop": task.crop}
    named = {name: {"name": name} for name in systems}
    values = {"base": "unet", "systems": named, "data": task.data, "training": training, "pool": task.pool}
    return read_grid({**values, "rows": [{"steps": 1}], "size": 2 * task.crop, "test_images": 2, "timed": False})


@contextmanager
def _busy(task: Task, count: int, folder: Path) -> Iterator[None]:
    """Other trainings, which last until the end of the block."""
    endless = Task(**{**asdict(task), "minutes": 600.0})
    started = [_start(endless, folder / str(number)) for number in range(count)]
    try:
        time.sleep(SETTLING if started else 0.0)
        if any(process.poll() is not None for process in started):
            raise InputError("a neighbour ended before its time")
        yield
    finally:
        for process in started:
            process.kill()
            process.communicate()


def _start(task: Task, folder: Path) -> subprocess.Popen[str]:
    line = [sys.executable, "-m", "benchmarks.budgets", str(folder), json.dumps(asdict(task))]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(line, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def _train_in_process(task: Task, folder: Path) -> dict[str, Any]:
    process = _start(task, folder)
    said = process.communicate()[1]
    if process.returncode:
        raise InputError(f"a training of {task.system} failed: {said.strip().splitlines()[-1]}")
    found: dict[str, Any] = json.loads((folder / "taken.json").read_text())
    return {"planned": task.minutes, **found, "off": found["taken"] / task.minutes - 1}


def _train(folder: Path, task: Task) -> None:
    """One training with what ``wavegen train`` watches it with."""
    torch.set_num_threads(1)
    data = InMemory(build("dataset", {"name": task.data, "split": "train", "size": 2 * task.crop, "length": task.pool}))
    torch.manual_seed(0)
    pipeline = Pipeline.from_config({"name": task.system})
    training = Training(
        minutes=task.minutes, batch=task.batch, crop=task.crop, log_every=20, preview_every=task.preview_every
    )
    shown = [data[i] for i in range(4)]
    clock = Began()
    watching = [Watch(shown, task.preview_every), Preview(folder / "previews", shown, task.preview_every)]
    fit(pipeline, data, training, folder, callbacks=[*watching, JsonLog(folder / "log.jsonl"), clock])
    taken = (time.process_time() - clock.began) / 60
    steps = json.loads((folder / "log.jsonl").read_text().splitlines()[-1])["step"]
    (folder / "taken.json").write_text(json.dumps({"taken": taken, "steps": steps, "first_plan": clock.planned}))


class Began:
    """Notes when the training began, and what was planned then."""

    def __init__(self) -> None:
        self.began, self.planned = time.process_time(), 0

    def begin(self, step: int) -> None:
        """Before the first step."""
        self.began = time.process_time()

    def tick(self, pace: Any) -> None:
        """After each step."""
        self.planned = self.planned or pace.planned

    def __call__(self, record: dict[str, Any], pipeline: Any) -> None:
        """Nothing to do."""


if __name__ == "__main__":
    _train(Path(sys.argv[1]), Task(**json.loads(sys.argv[2])))
