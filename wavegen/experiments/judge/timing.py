"""How long systems take for an image."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from wavegen.core.errors import InputError
from wavegen.core.types import PairSource
from wavegen.experiments.spec.comparison import Comparison, restored_by
from wavegen.experiments.spec.folders import Result, read_json, run_folder, write_json
from wavegen.experiments.spec.images import images_of
from wavegen.experiments.spec.record import about
from wavegen.pipeline.pipeline import Pipeline

TIMED_RUNS = 5
LONG = 50
DAMAGED = "delete it to have the times taken again"


def time_rows(plan: Comparison, out: Path) -> list[Result]:
    """Milliseconds per image at batch 1 and 8: rows in turn in one process, medians; written to ``times.json``.

    Rows of ``LONG`` calls and more take minutes and are timed once. Times are wall times on one thread: let nothing
    else run. What the file holds is kept; delete it to have all taken again.
    """
    torch.set_num_threads(1)
    # eta, grid and temperature change less than 2 % of the work: each (system, steps, solver) is timed once.
    rows = {
        (row.system, row.steps, row.solver_words): row
        for row in plan.rows
        if (run_folder(out, row.system, plan.seeds_of(row.system)[0]) / "model").exists()
    }
    file = out / "times.json"
    kept = read_times(file)
    for time in kept:
        rows.pop((time["system"], time["steps"], time.get("solver")), None)
    if not rows:
        return kept
    batches = {count: _timing_batch(images_of(plan), count, plan.size) for count in (1, 8)}
    systems = {row.system for row in rows.values()}
    pipes = {s: Pipeline.from_pretrained(run_folder(out, s, plan.seeds_of(s)[0]) / "model") for s in systems}
    times: dict[tuple[Any, ...], list[float]] = {}
    for turn in range(TIMED_RUNS + 1):
        for key, row in rows.items():
            if row.steps >= LONG and turn != 1:
                continue
            for batch, y in batches.items():
                seconds = restored_by(pipes[row.system], row, y, range(batch)).seconds
                if turn:  # the first turn warms up
                    times.setdefault((*key, batch), []).append(1000 * seconds / batch)
    times_taken = kept + [
        {
            "system": row.system,
            "steps": row.steps,
            "solver": row.solver_words,
            "ms_batch_1": statistics.median(times[*key, 1]),
            "ms_batch_8": statistics.median(times[*key, 8]),
        }
        for key, row in rows.items()
    ]
    write_json(file, {"about": about(plan), "rows": times_taken})
    return times_taken


def read_times(file: Path) -> list[Result]:
    """What :func:`time_rows` has written.

    Raises:
        InputError: a damaged file.
    """
    rows = read_json(file, DAMAGED).get("rows", [])
    if not isinstance(rows, list) or not all(
        isinstance(row, dict) and {"system", "steps"} <= row.keys() for row in rows
    ):
        raise InputError(f"{file} is damaged (its rows are no times); {DAMAGED}")
    return rows


def _timing_batch(data: PairSource, count: int, size: int) -> Tensor:
    """``count`` inputs of one size, at most ``size`` pixels wide: what times are stated for."""
    ys = [data[i % len(data)].y for i in range(count)]
    height, width = (min(size, *(y.shape[axis] for y in ys)) for axis in (-2, -1))
    return torch.stack([y[..., :height, :width] for y in ys])
