"""What one of several processes does: the trainings of test_processes.py, one after the other.

python many.py FOLDER, with what a launcher sets (RANK, WORLD_SIZE, MASTER_ADDR, MASTER_PORT) in the environment.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from runs import Blobs, Interrupting, system, training

from wavegen import InputError, Pair
from wavegen.cli import main as wavegen
from wavegen.training import Callback, JsonLog, fit
from wavegen.training.processes import Processes, join
from wavegen.training.stream import Stream

ADVERSARIAL = {"coarse": 1.0, "l1": 2.0, "adversarial": 0.1}
CRITIC = {
    "network": {"name": "patch", "width": 8, "layers": 2},
    "adaptive": True,
    "augment": ["flip", "translate", "cutout"],
    "gradient_penalty": 1.0,
    "coarse": True,
    "on": "image",  # bands are whitened by the deviation of each process's part
}
# name -> (preset, differences from the small one). With 4 items and max_t = 0.3 often a process has none to judge.
SYSTEMS: dict[str, tuple[str, dict[str, Any]]] = {
    "regression": ("unet", {}),
    "critics": (
        "mscgm-joint",
        {"critic": CRITIC, "stages": [{"name": "gan", "weights": ADVERSARIAL, "max_t": 0.3, "low_band": "predicted"}]},
    ),
    "rollout": (
        "mscgm-joint",
        {
            "critic": CRITIC,
            "stages": [{"name": "gan", "weights": ADVERSARIAL, "max_t": 0.6, "rollout": True, "low_band": "predicted"}],
        },
    ),
    "noisy": (
        "mscgm-joint",
        {
            "head": {"name": "bridge", "network": {"name": "unet", "width": 8}},
            "stages": [
                {"name": "fit", "share": 0.5, "weights": {"coarse": 1.0, "bands": 1.0}, "low_band": "noisy"},
                {"name": "own", "share": 0.5, "weights": {"bands": 1.0}, "low_band": "sampled"},
            ],
        },
    ),
    "distilled": (
        "ddpm",
        {
            "sampler": {"steps": 2},
            "stages": [
                {"name": "fit", "share": 0.5, "weights": {"coarse": 1.0}},
                {"name": "distill", "share": 0.5, "weights": {"distill": 1.0}, "teacher_steps": 2},
            ],
        },
    ),
}
BATCH, STEPS = 4, 6


def run(name: str, out: Path, callbacks: tuple[Callback, ...] = (), data: Any = None, **options: Any) -> str:
    """Train a system; what its end was: "done", an exit code, or the message of a refusal."""
    preset, differences = SYSTEMS[name]
    options = {"batch": BATCH, **({} if "minutes" in options else {"steps": STEPS}), **options}
    # Each process begins with other weights: the first one's count.
    pipeline = system(preset, seed=int(os.environ.get("RANK", "0")), **differences)
    log = JsonLog(out / "log.jsonl")
    try:
        fit(pipeline, data or Blobs(), training(**options), out, resume=True, callbacks=(log, *callbacks))
    except SystemExit as end:
        return str(end.code)
    except InputError as error:
        return str(error)
    return "done"


def program(*arguments: Any) -> str:
    """What ``wavegen train`` prints, and its exit code."""
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            given = ["train", "unet", "--data", "nanobeads,size=16,length=2", "--crop", "16", "--validate", "off"]
            wavegen([*given, *map(str, arguments)])
    except SystemExit as end:
        return f"{said.getvalue()}{end.code}"


def dying(batches: Callable[..., Iterator[Pair]]) -> Callable[..., Iterator[Pair]]:
    """The batches of a process that dies before its third."""

    def some(self: Stream, step: int, device: torch.device) -> Iterator[Pair]:
        for place, pair in enumerate(batches(self, step, device)):
            if place == 2:
                os._exit(7)
            yield pair

    return some


class Brighter(Blobs):
    """Other data, for one process."""

    def __getitem__(self, index: int) -> Pair:
        pair = super().__getitem__(index)
        return Pair(pair.x + pair.y.flip(-1), pair.y)


def slow_clock(processes: Processes) -> None:
    """Let process r need 1 + r seconds for everything between two looks at the clock."""
    ticks = [0.0]

    def look() -> float:
        ticks[0] += 1.0 + processes.rank
        return ticks[0]

    time.process_time = look


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    processes = join()
    ends = {name: run(name, folder / name) for name in SYSTEMS}
    ends["odd batch"] = run("regression", folder / "odd", batch=3)
    other = Brighter() if processes.rank else Blobs()
    ends["other data"] = run("regression", folder / "other", data=other)
    # One process alone is told to end; a single one goes on with that run, as these do with one that it began.
    ends["signalled"] = run("critics", folder / "signalled", (Interrupting(3, signal.SIGTERM),))
    ends["resumed"] = run("critics", folder / "begun")
    ends["refused"] = program("--steps", 1, "--batch", 0, "--out", folder / "refused")
    ends["printed"] = program("--steps", 1, "--batch", 2, "--set", "network.width=8", "--out", folder / "printed")
    clock = time.process_time
    slow_clock(processes)
    ends["minutes"] = run("regression", folder / "minutes", minutes=0.5)
    time.process_time = clock
    (folder / f"ends-{processes.rank}.json").write_text(json.dumps(ends))
    began = time.monotonic()
    if processes.rank:
        Stream.batches = dying(Stream.batches)
    ends = {"dead": run("regression", folder / "dead")}
    ends["waited"] = f"{time.monotonic() - began:.1f}"
    (folder / "dead.json").write_text(json.dumps(ends))
    os._exit(0)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
