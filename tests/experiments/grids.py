"""A grid that runs in a second, and ways of running it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

UNET = {"name": "unet", "network": {"width": 8, "multipliers": [1, 2]}}
BRIDGE = {**UNET, "name": "bbdm"}


def grid(**differences: Any) -> dict[str, Any]:
    """Two bridges, each at one and two calls: two trainings, four rows."""
    return {
        "base": BRIDGE,
        "vary": {"bridge.s": [0.1, 0.2], "sampler.steps": [1, 2]},
        "data": "nanobeads",
        "training": {"steps": 3, "batch": 2, "crop": 32, "warmup": 1},
        "pool": 2,
        "test_images": 2,
        "size": 64,
        "timed": False,
        **differences,
    }


def trained(out: Path) -> dict[str, int]:
    """The runs that have a checkpoint, and when it was written."""
    return {p.parent.name: p.stat().st_mtime_ns for p in out.glob("runs/*/checkpoint.safetensors")}


@contextmanager
def in_this_process(scheduler: str, workers: int) -> Iterator[Any]:
    """In place of ``connected``: a real scheduler and worker as threads of this process."""
    from distributed import Client, LocalCluster

    quiet: dict[str, Any] = {"dashboard_address": "127.0.0.1:0", "silence_logs": logging.CRITICAL}
    with (
        LocalCluster(n_workers=1, threads_per_worker=1, processes=False, **quiet) as cluster,
        Client(cluster) as client,
    ):
        yield client
