"""Screens of training settings: equal processor time on one core, judged on validation images by the best guess."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
import torch

from wavegen.core.config import Spec
from wavegen.core.errors import InputError, near_matches
from wavegen.core.files import make_folder
from wavegen.core.memory import keep_freed_memory
from wavegen.core.registry import build
from wavegen.core.types import PairSource
from wavegen.data import InMemory, Subset, hold_out
from wavegen.experiments.spec.folders import AGAIN, Result, read_json, write_json
from wavegen.metrics import psnr
from wavegen.metrics.scales import Scale, scaled
from wavegen.pipeline.pipeline import Pipeline
from wavegen.training import Training, fit
from wavegen.training.timing import StepTimer, by_shares, medians_in_turn

POOL, SIZE = 256, 256  # training images, and their side in pixels
ROUNDS = 9  # in which all settings are timed in turn


def screen(
    systems: Sequence[str],
    settings: Mapping[str, Spec],
    out: Path,
    *,
    data: str | Spec = "hela",
    pool: int = POOL,
    size: int = SIZE,
    minutes: float = 1.0,
    only: Sequence[str] = (),
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
        data: a simulated data set, or the configuration of one of files, part of which is held out for validation.
        pool: training images.
        size: side of simulated images in pixels.
        minutes: of one quiet core, for each run.
        only: settings that are trained; all are timed, since what a step costs is compared with the others.
        seeds: runs of each setting.
        images: validation images.
        jobs: processes, one thread each.

    Raises:
        InputError: ``only`` names no setting.

    Returns:
        A row for each run: ``system``, ``setting``, ``seed``, ``steps``, ``ms`` of a step, and ``psnr`` in dB.
    """
    for name in only:
        if name not in settings:
            raise InputError(f"no setting {name!r}; {near_matches(name, settings)}")
    torch.set_num_threads(1)
    make_folder(out)
    images_of = Images(data, pool, images, size)
    train = images_of.part("train", out)
    images_of.part("validation", out)
    todo = []
    label = images_of.label
    timed = {s: _calibrated(s, settings, train, out / f"calibration-{s}-{label}.json") for s in systems}
    for seed, system, name in product(range(seeds), systems, only or settings):
        seconds = timed[system][name]
        steps = max(len(Pipeline.configure({"name": system}).stages), round(60 * minutes / seconds))
        todo.append({
            "system": system, "data": label, "minutes": minutes, "setting": name, "seed": seed, "steps": steps,
            "ms": round(1000 * seconds, 1), "training": settings[name], "images": images,
            "source": images_of._asdict(),
        })  # fmt: skip
    rows = []
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as workers:
        for row in workers.map(_run, [out] * len(todo), todo):
            rows.append(row)
            print(
                f"{row['system']:16} {row['data']:16} {row['setting']:36} seed {row['seed']} {row['steps']:6} steps of "
                f"{row['ms']:6.1f} ms {row['psnr']:6.2f} dB",
                flush=True,
            )
    write_json(out / f"screen-{images_of.label}-{minutes:g}min.json", {"rows": rows})
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
    keep_freed_memory()  # as the trainings do
    timers = {}
    with TemporaryDirectory() as folder:
        for name, setting in settings.items():
            torch.manual_seed(0)
            training = Training(minutes=1, **setting)
            timers[name] = StepTimer(Pipeline.from_config({"name": system}), data, training, Path(folder))
            timers[name].turn(0)
        stages = Pipeline.configure({"name": system}).stages
        return {name: by_shares(stages, seconds) for name, seconds in medians_in_turn(timers, ROUNDS).items()}


class Images(NamedTuple):
    """The images of a screen."""

    data: str | Spec
    pool: int = POOL
    validation: int = 24
    size: int = SIZE

    @property
    def label(self) -> str:
        """In names of files."""
        name = self.data if isinstance(self.data, str) else str(self.data.get("dataset") or self.data["name"])
        parts = [
            name,
            *([f"{self.pool}"] if self.pool != POOL else []),
            *([f"{self.size}px"] if self.size != SIZE else []),
        ]
        return "-".join(parts)

    def part(self, split: str, out: Path) -> PairSource:
        """The first images of a split. Simulated ones are made once and kept in a file.

        Of files, those that are held out are the same for any number of training images.
        """
        count = self.pool if split == "train" else self.validation
        if isinstance(self.data, str):
            spec = {"name": self.data, "split": split, "size": self.size, "length": count}
            return InMemory(build("dataset", spec), path=out / f"{split}-{self.label}-{count}.npz")
        parts = hold_out(build("dataset", self.data), self.validation)
        if split != "train":
            return InMemory(parts.held_out)
        order = np.random.default_rng(0).permutation(len(parts.train))[:count]
        return InMemory(Subset(parts.train, [int(i) for i in order]))


def _run(out: Path, job: Result) -> Result:
    """Train one setting and judge it."""
    torch.set_num_threads(1)
    keep_freed_memory()
    name = f"{job['system']}-{job['data']}-{job['minutes']:g}min-{job['setting']}-seed{job['seed']}"
    folder = out / name.replace(" ", "_")
    done = folder / "score.json"
    if done.exists():
        return read_json(done, AGAIN)
    training: Any = Training(steps=job["steps"], seed=job["seed"], **job["training"])
    torch.manual_seed(job["seed"])  # first weights
    pipe = Pipeline.from_config({"name": job["system"]})
    images = Images(**job["source"])
    pipe = fit(pipe, images.part("train", out), training, folder, resume=True)
    pairs = images.part("validation", out)
    scale: Scale = "affine" if pipe.config.intensity.target in ("own", "matched") else "target"
    scores = [
        float(psnr(*scaled(scale, pipe.restore(pair.y, steps=1).image[None], pair.x[None]), 1.0))
        for pair in (pairs[i] for i in range(len(pairs)))
    ]
    row = {**job, "psnr": statistics.mean(scores)}
    write_json(done, row)
    return row
