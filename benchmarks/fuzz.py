"""Fuzzing: mutants of valid files are read in a process with limits, and what is not a clean refusal is kept."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from wavegen.core.files import write_text

SILENT = 30.0  # seconds without a line after which a worker is taken for hanging
BATCH = 20_000  # mutants of one worker
GOOD = ("read", "refused")
BAD = ("traceback", "hang", "memory", "outside", "crash")
Tally = dict[str, int]


def fuzz(name: str, mutants: int, out: Path, seed: int = 0) -> Tally:
    """Read mutants of a format until so many are done; what ``out`` says is done is not done again.

    Every mutant that is neither read nor refused with one line is kept in ``out / name``, with its traceback.
    """
    file = out / f"{name}.json"
    tally: Tally = json.loads(file.read_text()) if file.exists() else {"done": 0, **dict.fromkeys((*GOOD, *BAD), 0)}
    out.mkdir(parents=True, exist_ok=True)
    while tally["done"] < mutants:
        before = tally["done"]
        _work(name, min(BATCH, mutants - before), seed, out.resolve(), tally)
        write_text(file, json.dumps(tally) + "\n")
        if tally["done"] == before:
            raise RuntimeError(f"the worker of {name} did not start; see its message above")
    return tally


def _work(name: str, count: int, seed: int, out: Path, tally: Tally) -> None:
    """One worker process; where it dies or is silent, its last mutant is a crash or a hang."""
    command = [
        sys.executable,
        "-m",
        "benchmarks.fuzzing.worker",
        name,
        str(tally["done"]),
        str(count),
        str(seed),
        str(out),
    ]
    threads = {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    root = Path(__file__).parents[1]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=root, env=os.environ | threads) as worker:
        assert worker.stdout is not None
        begun, rest = "", b""
        while True:
            ready, _, _ = select.select([worker.stdout], [], [], SILENT if begun else 300)
            chunk = os.read(worker.stdout.fileno(), 1 << 16) if ready else b""
            if not ready:
                worker.kill()
            if not chunk:
                break
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                index, outcome = line.decode().split()
                begun = index if outcome == "begun" else ""
                if not begun:
                    tally[outcome] += 1
                    tally["done"] += 1
        if begun:
            outcome = "hang" if not ready else "crash"
            tally[outcome] += 1
            tally["done"] += 1
            (out / name).mkdir(exist_ok=True)
            (out / name / f"{begun}-{outcome}.txt").write_text(f"exit code {worker.wait()}\n")


def table(tallies: dict[str, Tally]) -> str:
    """What came of the mutants, in Markdown."""
    titles = ("format", "mutants", "refused", "read", "tracebacks", "hangs", "memory", "files outside", "crashes")
    keys = ("done", "refused", "read", "traceback", "hang", "memory", "outside", "crash")
    lines = ["| " + " | ".join(titles) + " |", "|" + "---|" * len(titles)]
    lines += [f"| {name} | " + " | ".join(f"{tally[key]:,}" for key in keys) + " |" for name, tally in tallies.items()]
    return "\n".join(lines) + "\n"


def faults(tallies: Sequence[Tally]) -> int:
    """How many mutants were neither read nor refused."""
    return sum(tally[key] for tally in tallies for key in BAD)
