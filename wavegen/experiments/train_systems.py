"""One training of a comparison, and where it lives."""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from pathlib import Path

import torch

from wavegen.core.files import make_folder
from wavegen.core.registry import build
from wavegen.data import InMemory, LowBand, is_simulator
from wavegen.experiments.plan import Comparison, describe_run
from wavegen.pipeline.pipeline import Pipeline
from wavegen.training import Callback, JsonLog, Preview, Watch, fit

UNSAFE = re.compile(r"[^\w .,=+()\[\]-]")


def safe_name(name: str) -> str:
    """A name as that of a file; where signs had to go, a hash keeps it apart from others."""
    made = UNSAFE.sub("_", name)[:120]
    return made if made == name else f"{made}-{hashlib.sha256(name.encode()).hexdigest()[:6]}"


def run_folder(out: Path, system: str, seed: int) -> Path:
    """Where one training lives."""
    return out / "runs" / f"{safe_name(system)}-seed{seed}"


def model_hash(folder: Path) -> str:
    """The first digits of a trained model's SHA-256, or nothing; scores of another model are not reused."""
    file = folder / "model" / "model.safetensors"
    return _hashed(file, file.stat().st_mtime_ns) if file.exists() else ""


@lru_cache(maxsize=4096)
def _hashed(file: Path, changed: int) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()[:12]


def training_pool(plan: Comparison, out: Path) -> InMemory:
    """The training images in memory; simulated ones are made once and shared by all systems through a file."""
    make_folder(out)
    if not is_simulator(plan.data):
        return InMemory(build("dataset", plan.data))
    spec = {**plan.data, "split": "train", "size": plan.size, "length": plan.pool}
    return InMemory(build("dataset", spec), path=out / "pool.npz")


def train_one(plan: Comparison, out: Path, system: str, seed: int) -> None:
    """Train one system on one thread, from where it was left; the weights depend on the plan and the seed only."""
    torch.set_num_threads(1)
    torch.manual_seed(seed)  # initial weights
    pipeline = Pipeline.from_config(plan.systems[system])
    training = plan.training.model_copy(update={"seed": seed})
    folder = run_folder(out, system, seed)
    pool = training_pool(plan, out)
    data = InMemory(LowBand(pool, plan.levels)) if plan.levels else pool
    shown = [data[i] for i in range(min(4, len(data)))]
    callbacks: list[Callback] = [
        Watch(shown, training.preview_every),
        JsonLog(folder / "log.jsonl"),
        Preview(folder / "previews", shown, training.preview_every),
    ]
    fit(pipeline, data, training, folder, resume=True, callbacks=callbacks, described=describe_run(plan, seed))
