"""Peers on the benchmark's pairs: export, one process for each in the environment that it needs, and our scores."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from wavegen.core.errors import InputError, near_matches
from wavegen.core.files import atomic, make_folder
from wavegen.core.types import PairSource, Restoration
from wavegen.experiments.spec.comparison import Comparison
from wavegen.experiments.spec.folders import read_json, write_json
from wavegen.experiments.spec.images import images_of, training_pool
from wavegen.experiments.spec.recipe_file import read_recipe
from wavegen.experiments.spec.record import about
from wavegen.inference.evaluate import Scorer, evaluate
from wavegen.pipeline.pipeline import Pipeline
from wavegen.pipeline.units import intensity_of, result_intensity

Result = dict[str, Any]
WORKER = Path(__file__).with_name("worker.py")
RECIPE = Path(__file__).resolve().parents[2] / "recipes" / "benchmark.yaml"
LONG, LONG_IMAGES = 50, 8  # as of the benchmark: so many calls and more are judged on some images of 256 x 256
DAMAGED = "delete it: the peers' models beside it are kept"
DAMAGED_RUN = "delete its folder: the peer is trained again"
DAMAGED_PAIRS = "delete its folder: the pairs are made again"


@dataclass(frozen=True)
class Peer:
    """A library's method: the name of its rows, what to import and install, and the calls that it is sampled with."""

    label: str
    install: str
    calls: tuple[int, ...] = (1,)


PEERS = {
    "careamics": Peer("CARE of CAREamics", "careamics==0.3.5 torch==2.11.0 torchvision==0.26.0"),
    "deepinv": Peer("DRUNet of deepinv", "deepinv>=0.4"),
    "diffusers": Peer("DDIM of diffusers", "diffusers>=0.30", (4, 50)),
}


def run_peers(
    data: str,
    out: Path,
    *,
    profile: str = "cpu",
    root: Path = Path(),
    minutes: float = 4.0,
    only: Collection[str] | None = None,
    pythons: Mapping[str, Path] | None = None,
) -> list[Result]:
    """Train and score each peer; rows as of the benchmark, kept in ``out/peers.json``. Nothing is done twice.

    A peer that is not installed, or fails, gives a row with ``skipped``, the reason, and the others go on.

    Args:
        data: one of the benchmark's.
        out: a folder; that of a benchmark shares its training images.
        profile: ``smoke`` or ``cpu``.
        root: folder of real images.
        minutes: processor minutes of each training, on one thread.
        only: some of :data:`PEERS`; None is all.
        pythons: the interpreter of a peer that lives in another environment.

    Raises:
        InputError: unknown data or peers; a folder that holds a run with other options.
    """
    names = list(PEERS if only is None else only)
    for name in [*names, *(pythons or {})]:
        if name not in PEERS:
            raise InputError(f"there is no peer {name!r}; {near_matches(name, PEERS)}")
    plan = comparison(data, profile, root=root, minutes=minutes)
    test, scorer = images_of(plan), Scorer(scale=plan.scale)
    file = out / "peers.json"
    rows: list[Result] = read_json(file, DAMAGED).get("rows", [])
    for name in names:
        interpreter = (pythons or {}).get(name, Path(sys.executable))
        before = [row for row in rows if row["peer"] == name]
        rows = [row for row in rows if row["peer"] != name]
        try:
            record = _trained(name, plan, out, interpreter, test)
            models = [_hash(out, name, sampling) for sampling in record["walks"]]
            known = [row.get("model") for row in before] == models
            rows += before if known else _rows(name, record, out, test, plan, scorer)
        except _SkippedError as reason:
            print(f"{name}: skipped: {reason}", file=sys.stderr)
            rows.append({"system": PEERS[name].label, "peer": name, "skipped": str(reason)})
        write_json(file, {"about": about(plan), "rows": rows})
    return rows


def comparison(data: str, profile: str = "cpu", *, root: Path = Path(), minutes: float | None = None) -> Comparison:
    """The benchmark's comparison, whose data, budget and test images the peers share."""
    return read_recipe(RECIPE).comparison(profile, data, root=root, minutes=minutes)


class _SkippedError(Exception):
    """Why a peer has no figures."""


def _trained(name: str, plan: Comparison, out: Path, interpreter: Path, test: PairSource) -> Result:
    """The record of a peer's run, made if it is not there."""
    folder, training = out / "peers" / name, plan.training
    job = {
        "data": [plan.data, plan.pool, plan.size],
        "seed": 0,
        "minutes": training.minutes,
        "steps": training.steps,
        "batch": training.batch,
        "crop": training.crop,
        "parameters": Pipeline.from_config(plan.systems["unet"]).parameters_count,
        "walks": [_sampling(calls, len(test), plan) for calls in PEERS[name].calls],
    }
    record, said = folder / "record.json", folder / "job.json"
    if record.exists():
        if read_json(said, DAMAGED_RUN) != json.loads(json.dumps(job)):
            raise InputError(f"{folder} holds a run with other options; repeat them or give another --out")
        return read_json(record, DAMAGED_RUN)
    _check_installed(name, interpreter)
    _export(plan, out, test)
    write_json(said, job)
    print(f"training {name}", file=sys.stderr)
    threads = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    with (folder / "log.txt").open("wb") as log:
        command = [str(interpreter), str(WORKER), name, str(folder.resolve())]
        done = subprocess.run(command, stdout=log, stderr=log, env={**os.environ, **threads}, check=False)
    if done.returncode or not record.exists():
        last = (folder / "log.txt").read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
        raise _SkippedError(f"it failed ({' '.join(last)}); see {folder / 'log.txt'}")
    return read_json(record, DAMAGED_RUN)


def _sampling(calls: int, images: int, plan: Comparison) -> Result:
    """How many images and draws a sampling of so many calls is scored on, as in the benchmark's rows."""
    share = 1 if plan.test is None else 4
    most = images if calls < LONG else max(2, LONG_IMAGES // share)
    return {"steps": calls, "images": min(images, plan.test_images, most), "samples": 1 if calls == 1 else 2}


def _check_installed(name: str, interpreter: Path) -> None:
    check = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({name!r}) is None)"
    try:
        done = subprocess.run([str(interpreter), "-c", check], capture_output=True, check=False)
    except OSError as error:
        raise _SkippedError(f"{interpreter} does not run: {error.strerror}") from None
    if done.returncode:
        raise _SkippedError(
            f"{interpreter} has no {name}; in an environment of its own: pip install {PEERS[name].install}, and give "
            f"--python {name}=ENVIRONMENT/bin/python"
        )


def _export(plan: Comparison, out: Path, test: PairSource) -> None:
    """Training pairs and test inputs in network units, as every system sees them.

    Raises:
        InputError: the folder holds pairs of other data; images of several sizes.
    """
    folder = out / "peers" / "pairs"
    said = folder / "pairs.json"
    source = {"data": plan.data, "test": plan.test, "pool": plan.pool, "size": plan.size, "images": plan.test_images}
    if said.exists() and read_json(said, DAMAGED_PAIRS) != json.loads(json.dumps(source)):
        raise InputError(f"{folder} holds pairs of other data; repeat its options or give another --out")
    if said.exists() and all((folder / f"{name}.npy").exists() for name in ("x", "y", "test")):
        return
    make_folder(folder)
    pipe, pool = Pipeline.from_config(plan.systems["unet"]), training_pool(plan, out)
    pairs = [pipe.normalise(pool[i]) for i in range(len(pool))]
    if len({tuple(pair.x.shape) for pair in pairs}) > 1:
        raise InputError("the training images differ in size; the peers take images of one size")
    tests = [pipe.normalise(test[i]).y for i in range(min(len(test), plan.test_images))]
    arrays = {"x": [pair.x for pair in pairs], "y": [pair.y for pair in pairs], "test": tests}
    for name, images in arrays.items():
        with atomic(folder / f"{name}.npy") as file:
            np.save(file, torch.stack(images).numpy())
    write_json(said, source)  # last: what it stands beside is whole


def _hash(out: Path, name: str, sampling: Result) -> str:
    """The first digits of the SHA-256 of a sampling's restorations."""
    return hashlib.sha256(_file(out, name, sampling).read_bytes()).hexdigest()[:12]


def _file(out: Path, name: str, sampling: Result) -> Path:
    return out / "peers" / name / f"restored-{sampling['steps']}.npy"


def _rows(name: str, record: Result, out: Path, test: PairSource, plan: Comparison, scorer: Scorer) -> list[Result]:
    """The benchmark's row for each sampling of a finished peer."""
    config = Pipeline.from_config(plan.systems["unet"]).config
    rows = []
    for sampling in record["walks"]:
        samples = torch.from_numpy(np.load(_file(out, name, sampling)))

        def restore(y: Tensor, first: int, samples: Tensor = samples, sampling: Result = sampling) -> Restoration:
            offset, scale = result_intensity(intensity_of(y, config.intensity), config.intensity)
            drawn = samples[:, first : first + len(y)] * scale + offset
            return Restoration(drawn.mean(0), torch.zeros_like(drawn[0]), drawn, sampling["steps"], 0.0)

        scores = evaluate(restore, test, images=sampling["images"], scorer=scorer)
        scores.pop("ms_per_image")
        rows.append(
            {
                "system": f"{PEERS[name].label} ({record['library']})",
                "peer": name,
                "steps": sampling["steps"],
                "eta": 0.0,
                "key": "eta 0",
                "solver": None,
                "seed": 0,
                "model": _hash(out, name, sampling),
                "parameters": record["parameters"],
                "minutes": record["core_seconds"] / 60,
                "training_steps": record["training_steps"],
                "s": None,
                "s_over_v": None,
                **scores,
                **{key: sampling[key] for key in ("ms_batch_1", "ms_batch_8")},
            }
        )
    return rows
