"""What a run is: the hash of its configuration, training, data, version and seed, kept in its folder."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wavegen.core.errors import InputError
from wavegen.core.types import PairSource
from wavegen.data import Degraded, FilePairs, Simulated
from wavegen.experiments.spec.comparison import Comparison, describe_run
from wavegen.experiments.spec.folders import digest, read_json, run_folder, write_json
from wavegen.pipeline.pipeline import Pipeline
from wavegen.training import state
from wavegen.training.fit import describe
from wavegen.version import __version__

Identity = dict[str, Any]
PART = 1 << 16  # bytes read at the start, the middle and the end of a data file


def fingerprint(source: PairSource) -> dict[str, Any]:
    """The number of files of a data set and a hash of their names, sizes and parts; empty where it has none.

    64 KiB at the start, the middle and the end of each file are read: enough to tell other images, little to read.
    """
    files = _files(source)
    if not files:
        return {}
    content = hashlib.sha256()
    for path in files:
        size = path.stat().st_size
        content.update(f"{path.name} {size}\n".encode())
        with path.open("rb") as file:
            for start in sorted({0, max(0, size // 2 - PART // 2), max(0, size - PART)}):
                file.seek(start)
                content.update(file.read(PART))
    return {"files": len(files), "content": content.hexdigest()[:16]}


def _files(source: Any) -> list[Path]:
    if isinstance(source, Degraded):
        return _files(source.source)
    if isinstance(source, FilePairs):
        return [path for pair in source.files for path in pair]
    return [path for path, _ in source.sources] if isinstance(source, Simulated) else []


def identity(plan: Comparison, system: str, seed: int, files: Mapping[str, Any]) -> Identity:
    """What one run of a comparison is made from; ``files`` is its training data's :func:`fingerprint`.

    Raises:
        InputError: a configuration that is wrong.
    """
    config = Pipeline.configure(plan.systems[system])
    described = describe(config, plan.training_of(system, seed), {**describe_run(plan, seed), **files})
    as_stored: Identity = json.loads(json.dumps({**described, "version": __version__}))
    return as_stored


def claim(out: Path, system: str, seed: int, run: Identity) -> None:
    """Write the identity into the run's folder, before its training."""
    write_json(run_folder(out, system, seed) / "run.json", {"key": digest(run), **run})


def check_folder(out: Path, system: str, seed: int, run: Identity) -> None:
    """Refuse a folder that holds another run.

    Raises:
        InputError: naming what differs; a ``run.json`` that cannot be read.
    """
    folder = run_folder(out, system, seed)
    file, checkpoint = folder / "run.json", folder / "checkpoint.safetensors"
    if not file.exists():
        if checkpoint.exists():  # of an earlier version of the library
            state.check_run(checkpoint, {key: run[key] for key in ("pipeline", "training", "data")})
        return
    was = read_json(file, "delete it: the training beside it is kept")
    if was.pop("key", None) != digest(run) and (was := state.present_form(was)) != run:
        other = ", ".join(sorted(k for k in {*was, *run} if was.get(k) != run.get(k))) or "key"
        raise InputError(f"{file} belongs to a run with another {other}; repeat its options or give another --out")
