"""What keeping freed memory saves in time and costs in memory, for restorations of several shapes."""

from __future__ import annotations

import resource
import statistics
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import torch

from wavegen.core.memory import keep_freed_memory
from wavegen.pipeline.pipeline import Pipeline

SYSTEMS = ("mscgm-joint", "unet")
SHAPES = ((1, 256), (8, 256), (1, 1024), (1, 2048))  # images at once, pixels of a side


def bench_memory(*, turns: int = 5, shapes: tuple[tuple[int, int], ...] = SHAPES) -> list[dict[str, Any]]:
    """Restore in one call with memory given back and kept, each cell in a process of its own, the two in turn.

    The weights are untrained: times do not depend on them.

    Args:
        turns: processes of each cell; medians are taken over them.
        shapes: (images at once, pixels of a side).

    Returns:
        For each system and shape: ms_given_back, ms_kept (per image), mb_given_back, mb_kept (largest resident
        memory of the process).
    """
    rows = []
    for system in SYSTEMS:
        for batch, side in shapes:
            measured: dict[bool, list[tuple[float, float]]] = {False: [], True: []}
            for _ in range(turns):
                for keep, seen in measured.items():
                    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
                        seen.append(process.submit(_restore, system, batch, side, keep).result())
            row: dict[str, Any] = {"system": system, "batch": batch, "side": side}
            for keep, name in ((False, "given_back"), (True, "kept")):
                row |= {
                    f"{unit}_{name}": statistics.median(seen[i] for seen in measured[keep])
                    for i, unit in enumerate(("ms", "mb"))
                }
            rows.append(row)
    return rows


def _restore(system: str, batch: int, side: int, keep: bool, runs: int = 3) -> tuple[float, float]:
    """Median milliseconds per image after a run that warms up, and the peak in MB; in a process of its own."""
    torch.set_num_threads(1)
    if keep:
        keep_freed_memory()
    pipe = Pipeline.from_config(system)
    y = torch.rand(batch, 1, side, side, generator=torch.Generator().manual_seed(0))
    seconds = []
    for _ in range(runs + 1):
        began = time.perf_counter()
        pipe.restore(y, steps=1, seed=0)
        seconds.append(time.perf_counter() - began)
    return 1000 * statistics.median(seconds[1:]) / batch, peak_mb()


def peak_mb() -> float:
    """Largest resident memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform == "linux" else 1024**2)
