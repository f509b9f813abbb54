"""One run, in whatever process it is done: train what is not trained, score what is not scored."""

from __future__ import annotations

import threading
import time
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import torch

from wavegen.core.files import exclusive
from wavegen.core.memory import keep_freed_memory
from wavegen.core.types import PairSource
from wavegen.data import InMemory, Simulator
from wavegen.experiments.engine.store import Judge, classical_key, keep_score, score_key, scores_file, unscored
from wavegen.experiments.engine.training import train_one
from wavegen.experiments.judge.scoring import score_classical, score_row
from wavegen.experiments.spec.comparison import Comparison
from wavegen.experiments.spec.folders import model_hash, run_folder
from wavegen.experiments.spec.images import images_of
from wavegen.inference.evaluate import Scorer

# A run sets the process's random state and number of threads: one at a time, however many threads a worker has.
_ONE_RUN = threading.Lock()


class Task(NamedTuple):
    """A system with a seed, or a classical method (no seed)."""

    system: str
    seed: int | None

    def __str__(self) -> str:
        return self.system if self.seed is None else f"{self.system}, seed {self.seed}"


def execute(judge: Judge, out: Path, task: Task) -> float:
    """Do what is missing of one task and return how long it took, in seconds.

    Another process may be at the same run: a worker whose command was killed, or a second command. Then this one waits
    for it, and finds the run done; the lock of a process that dies ends with it.
    """
    folder = scores_file(out, judge, task.system, task.seed).parent
    with _ONE_RUN, exclusive(folder / ".lock", str(task), wait=True):
        began = time.perf_counter()
        torch.set_num_threads(1)
        keep_freed_memory()  # a worker has not done so at its start, and a step would take up to twice as long
        if task.seed is None:
            _classical(judge, out, task.system)
        else:
            _trained(judge, out, task.system, task.seed)
        return time.perf_counter() - began


def _classical(judge: Judge, out: Path, name: str) -> None:
    data, scorer = _images(judge.plan.model_dump_json(), judge.split)
    scores = score_classical(judge.plan, name, data, scorer)
    keep_score(scores_file(out, judge, name, None), classical_key(judge, name), scores)


def _trained(judge: Judge, out: Path, system: str, seed: int) -> None:
    folder = run_folder(out, system, seed)
    if not model_hash(folder):
        train_one(judge.plan, out, system, seed)
    rows = unscored(out, judge, system, seed)
    if not rows:
        return
    plan = judge.plan.model_dump_json()
    (_, scorer), data = _images(plan, judge.split), _in_memory(plan, judge.split)
    for row in rows:
        images = min(row.images or judge.plan.test_images, len(data))
        scores = score_row(row, seed, images, folder, data, scorer)
        if system in judge.plan.steps:  # what the steps stand for, and what they took, perhaps beside other work
            scores |= {"minutes": judge.plan.training.minutes, "minutes_taken": scores["minutes"]}
        keep_score(scores_file(out, judge, system, seed), score_key(judge, row, model_hash(folder)), scores)


@lru_cache(maxsize=1)
def _images(plan: str, split: str) -> tuple[PairSource, Scorer]:
    """The images that judge, and the metrics' networks: loaded once by a process."""
    comparison = Comparison.model_validate_json(plan)
    return images_of(comparison, split), Scorer(scale=comparison.scale)


@lru_cache(maxsize=1)
def _in_memory(plan: str, split: str) -> PairSource:
    """The same images, in memory where they are simulated: every row of every run of a process reads them again."""
    data, _ = _images(plan, split)
    return InMemory(data) if isinstance(data, Simulator) else data
