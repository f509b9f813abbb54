"""What workers are worth: one grid on one worker, on two, and on two of which one is killed half-way.

    python recipes/ablate_workers.py --preset cpu --out out/workers

Prints the seconds of each, two workers over one, and whether all rows are the same (but for ``minutes``, which are
measured). ``cpu`` has 24 runs of tiny systems, a few seconds each; ``smoke`` has two. Let nothing else run.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

from wavegen.experiments import ablate, read_grid, recipe_options, run_command

STEPS = {"smoke": 3, "cpu": 200}
BASE = {"name": "bbdm", "network": {"width": 16, "multipliers": [1, 2]}}


def grid(profile: str) -> dict[str, Any]:
    """A number of steps, not minutes: so the weights are the same on any machine and in any order."""
    small = profile == "smoke"
    return {
        "base": BASE,
        "vary": {"bridge.s": [0.1, 0.2] if small else [0.02, 0.05, 0.1, 0.2, 0.5, 1.0], "sampler.steps": [1, 4]},
        "seeds": 1 if small else 4,
        "data": "nanobeads",
        "training": {"steps": STEPS[profile], "batch": 4, "crop": 32, "warmup": 1, "checkpoint_every": 20},
        "pool": 16,
        "size": 64,
        "test_images": 4,
        "timed": False,
    }


def kill_one(out: Path, half: int) -> None:
    """Wait for half of the runs, then kill a worker in the middle of its own."""
    while len(list(out.glob("runs/*/scores.json"))) < half:
        time.sleep(0.05)
    workers = multiprocessing.active_children()
    if workers and workers[0].pid is not None:
        os.kill(workers[0].pid, signal.SIGKILL)
        print(f"killed worker {workers[0].pid}")


def main() -> None:
    """Run the grid three times and compare."""
    given = recipe_options(__doc__, list(STEPS), budget="").parse_args()
    plan = read_grid(grid(given.profile))
    results: dict[str, tuple[float, list[dict[str, Any]]]] = {}
    for name, workers in (("one worker", 1), ("two workers", 2), ("one of two killed", 2)):
        out = given.out / name.replace(" ", "-")
        if name.endswith("killed"):
            threading.Thread(target=kill_one, args=(out, len(plan.runs()) // 2), daemon=True).start()
        began = time.perf_counter()
        outcome = ablate(plan, out, workers=workers)
        seconds = time.perf_counter() - began
        results[name] = seconds, [{**row, "minutes": None} for row in outcome.rows]
        print(f"{name}: {seconds:.1f} s, {len(plan.runs()) - len(outcome.failed)} of {len(plan.runs())} runs done")
    one, two, killed = results.values()
    print(f"two workers over one: {two[0] / one[0]:.2f}")
    print(f"rows are the same: {one[1] == two[1] == killed[1]}")


if __name__ == "__main__":
    run_command(main)
