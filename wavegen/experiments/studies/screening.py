"""Screens of training settings: equal processor time on one core, judged on validation images by the best guess."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch

from wavegen.core.config import Spec
from wavegen.core.files import make_folder
from wavegen.core.registry import build
from wavegen.core.types import PairSource
from wavegen.data import Crops, InMemory
from wavegen.experiments.spec.folders import AGAIN, Result, read_json, write_json
from wavegen.losses import Objective
from wavegen.metrics import psnr
from wavegen.metrics.scales import scaled
from wavegen.optimizers import roles_of
from wavegen.pipeline.pipeline import Pipeline
from wavegen.training import Training, fit

POOL, SIZE = 256, 256  # training images, and their side in pixels
WARM, ROUNDS = 2, 9


def screen(
    systems: Sequence[str],
    settings: Mapping[str, Spec],
    out: Path,
    *,
    data: str = "hela",
    minutes: float = 1.0,
    seeds: int = 1,
    images: int = 24,
    jobs: int = 2,
) -> list[Result]:
    """Train every system with every setting for the same time, and judge it; what is done in ``out`` is not done again.

    Minutes become steps by timing all settings of a system in turn before anything is trained, so that what runs
    beside changes no result. Each line is printed as it comes.

    Args:
        systems: presets.
        settings: differences from the defaults of a :class:`~wavegen.training.Training`, by name.
        out: folder of runs, of the calibration and of ``screen-*.json``.
        data: a simulated data set.
        minutes: of one quiet core, for each run.
        seeds: runs of each setting.
        images: validation images.
        jobs: processes, one thread each.

    Returns:
        A row for each run: ``system``, ``setting``, ``seed``, ``steps``, ``ms`` of a step, and ``psnr`` in dB.
    """
    torch.set_num_threads(1)
    make_folder(out)
    pool = _images(data, "train", POOL, out)
    _images(data, "validation", images, out)
    todo = []
    for system in systems:
        timed = _calibrated(system, settings, pool, out / f"calibration-{system}-{data}.json")
        for seed in range(seeds):
            for name, seconds in timed.items():
                steps = max(len(Pipeline.configure({"name": system}).stages), round(60 * minutes / seconds))
                todo.append({
                    "system": system, "data": data, "minutes": minutes, "setting": name, "seed": seed, "steps": steps,
                    "ms": round(1000 * seconds, 1), "training": settings[name], "images": images,
                })  # fmt: skip
    rows = []
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as workers:
        for row in workers.map(_run, [out] * len(todo), todo):
            rows.append(row)
            print(
                f"{row['system']:16} {row['data']:10} {row['setting']:36} seed {row['seed']} {row['steps']:6} steps of "
                f"{row['ms']:6.1f} ms {row['psnr']:6.2f} dB",
                flush=True,
            )
    write_json(out / f"screen-{data}-{minutes:g}min.json", {"rows": rows})
    return rows


def _calibrated(system: str, settings: Mapping[str, Spec], data: PairSource, file: Path) -> dict[str, float]:
    """Seconds of a step of every setting; those that a file knows are not timed again."""
    known: dict[str, float] = read_json(file, AGAIN) if file.exists() else {}
    if new := {name: setting for name, setting in settings.items() if name not in known}:
        known |= _seconds_per_step(system, new, data)
        write_json(file, known)
    return {name: known[name] for name in settings}


def _seconds_per_step(system: str, settings: Mapping[str, Spec], data: PairSource) -> dict[str, float]:
    """Processor time of one step of each setting: medians over rounds in which all take their turn."""
    runs = []
    for setting in settings.values():
        training = Training(steps=1, **setting)
        torch.manual_seed(0)
        pipe = Pipeline.from_config({"name": system}).train()
        pipe.to(memory_format=torch.channels_last)
        optimizer = build("optimizer", training.optimizer, roles=roles_of(pipe, pipe.transform))
        crops = Crops(data, training.crop, 0, 1 << 20, pipe.normalise, training.augment)
        runs.append((training, pipe, Objective(pipe), optimizer, crops))
    taken: list[list[float]] = [[] for _ in runs]
    for turn in range(WARM + ROUNDS):
        for seconds, (training, pipe, objective, optimizer, crops) in zip(taken, runs, strict=True):
            began = time.process_time()
            pairs = [crops[turn * training.batch + i] for i in range(training.batch)]
            x, y = (torch.stack(images) for images in zip(*pairs, strict=True))
            losses = objective(x, y).losses
            optimizer.zero_grad()
            torch.stack(list(losses.values())).sum().backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(pipe.parameters(), training.clip)
            optimizer.step()
            if turn >= WARM:
                seconds.append(time.process_time() - began)
    return {name: statistics.median(seconds) for name, seconds in zip(settings, taken, strict=True)}


def _images(data: str, split: str, count: int, out: Path) -> InMemory:
    """The first images of a split; they are made once and kept in a file."""
    source = build("dataset", {"name": data, "split": split, "size": SIZE, "length": count})
    return InMemory(source, path=out / f"{split}-{data}-{count}.npz")


def _run(out: Path, job: Result) -> Result:
    """Train one setting and judge it."""
    torch.set_num_threads(1)
    name = f"{job['system']}-{job['data']}-{job['minutes']:g}min-{job['setting']}-seed{job['seed']}"
    folder = out / name.replace(" ", "_")
    done = folder / "score.json"
    if done.exists():
        return {**job, "psnr": read_json(done, AGAIN)["psnr"]}
    training: Any = Training(steps=job["steps"], seed=job["seed"], **job["training"])
    torch.manual_seed(job["seed"])  # first weights
    pipe = Pipeline.from_config({"name": job["system"]})
    pipe = fit(pipe, _images(job["data"], "train", POOL, out), training, folder, resume=True)
    pairs = _images(job["data"], "validation", job["images"], out)
    scores = [
        float(psnr(*scaled("target", pipe.restore(pair.y, steps=1).image[None], pair.x[None]), 1.0))
        for pair in (pairs[i] for i in range(len(pairs)))
    ]
    row = {**job, "psnr": statistics.mean(scores)}
    write_json(done, row)
    return row
