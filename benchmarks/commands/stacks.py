"""``wavegen bench io``: memory and time of working through a large OME-Zarr plane by plane."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from wavegen.cli.output import Json, note, print_json

SIDE = 2048
ROOT = str(Path(__file__).resolve().parents[2])
CODE = (
    "import json, sys; sys.path.insert(0, sys.argv[2]); from benchmarks.commands import stacks; "
    "print(json.dumps(stacks.measured(*json.loads(sys.argv[1]))))"
)


def stacks(
    gigabytes: Annotated[float, typer.Option(metavar="GB", min=0.001, help="Size of the store, 2^30 bytes.")] = 2.0,
    side: Annotated[int, typer.Option(metavar="PIXELS", min=16, help="Side of the planes.")] = SIDE,
    folder: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where the store is made and deleted.", show_default="temporary")
    ] = None,
    model: Annotated[
        str | None, typer.Option(metavar="NAME|FOLDER", help="Also restore the store with it.", show_default=False)
    ] = None,
    as_json: Json = False,
) -> None:
    """Write a 2 GB OME-Zarr of 16-bit noise, read it, copy it (and restore it), each in a process of its own.

    The memory is the largest resident set (ru_maxrss) of that process.
    """
    planes = max(1, round(gigabytes * 2**30 / (2 * side * side)))
    steps: list[tuple[str, list[Any]]] = [("write", [side, planes]), ("read", []), ("copy", [])]
    if model is not None:
        steps.append(("restore", [model]))
    rows = []
    with tempfile.TemporaryDirectory(dir=folder, prefix="wavegen-bench-") as temporary:
        for name, extra in steps:
            note(f"{name}: {planes} planes of {side} x {side}")
            given = json.dumps([name, temporary, *extra])
            done = subprocess.run(
                [sys.executable, "-c", CODE, given, ROOT], stdout=subprocess.PIPE, text=True, check=True
            )
            rows.append(json.loads(done.stdout.splitlines()[-1]))
    if as_json:
        print_json({"bytes": planes * side * side * 2, "planes": planes, "side": side, "steps": rows})
        return
    print(f"{planes} planes of {side} x {side} uint16, {planes * side * side * 2 / 2**30:.2f} GiB")
    for row in rows:
        start, peak = row["start_mb"], row["peak_mb"]
        print(f"{row['step']:8} {row['seconds']:7.1f} s  peak {peak:6.0f} MB  (at the start {start:.0f})")


def measured(step: str, folder: str, *extra: Any) -> dict[str, Any]:
    """Do one step on the store in ``folder``; seconds, and resident memory in 10^6 bytes before and at its peak."""
    import time

    steps: dict[str, Callable[..., int]] = {"write": _write, "read": _read, "copy": _copy, "restore": _restore}
    start, began = peak_mb(), time.perf_counter()
    result = steps[step](Path(folder), *extra)
    seconds = time.perf_counter() - began
    return {"step": step, "seconds": seconds, "start_mb": start, "peak_mb": peak_mb(), "result": result}


def peak_mb() -> float:
    """Largest resident memory of this process so far, in 10^6 bytes."""
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6


def _write(folder: Path, side: int, planes: int) -> int:
    import numpy as np

    from wavegen.io import Place, Stack, stack_writer

    like = Stack(np.broadcast_to(np.uint16(0), (planes, side, side)), "ZYX", {"X": 0.1, "Y": 0.1, "Z": 0.3})
    rng = np.random.default_rng(0)
    with stack_writer(folder / "large.ome.zarr", like) as put:
        for z in range(planes):
            put(Place(0, z), rng.integers(100, 4096, (1, side, side), dtype=np.uint16))
    return planes


def _read(folder: Path) -> int:
    from wavegen.io import open_stack

    stack = open_stack(folder / "large.ome.zarr")
    return sum(int(stack.plane(place).sum(dtype="uint64")) for place in stack.places())


def _copy(folder: Path) -> int:
    from wavegen.io import open_stack, write_stack

    stack = open_stack(folder / "large.ome.zarr")
    write_stack(folder / "copy.ome.zarr", stack)
    return stack.size("Z")


def _restore(folder: Path, model: str) -> int:
    from wavegen.inference.files import plan
    from wavegen.inference.restore import Done, restore_files
    from wavegen.pipeline.pipeline import Pipeline

    jobs = plan(folder / "large.ome.zarr", folder / "restored.ome.zarr")
    results = list(restore_files(Pipeline.from_pretrained(model), jobs, model=model))
    return sum(result.planes for result in results if isinstance(result, Done))
