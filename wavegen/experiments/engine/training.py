"""One training of a comparison."""

from __future__ import annotations

from pathlib import Path

import torch

from wavegen.core.types import PairSource
from wavegen.data import InMemory, LowBand
from wavegen.experiments.spec.comparison import Comparison, describe_run
from wavegen.experiments.spec.folders import run_folder
from wavegen.experiments.spec.images import training_pool
from wavegen.pipeline.pipeline import Pipeline
from wavegen.training import Callback, JsonLog, Preview, Watch, fit
from wavegen.training.scales import scaled


def training_data(plan: Comparison, out: Path) -> PairSource:
    """What the systems of a comparison are trained on, in memory."""
    pool = training_pool(plan, out)
    return InMemory(LowBand(pool, plan.levels)) if plan.levels else pool


def train_one(plan: Comparison, out: Path, system: str, seed: int) -> None:
    """Train one system on one thread, from where it was left; the weights depend on the plan and the seed only."""
    torch.set_num_threads(1)
    torch.manual_seed(seed)  # initial weights
    pipeline = Pipeline.from_config(plan.systems[system])
    training = plan.training_of(system, seed)
    folder = run_folder(out, system, seed)
    data, _ = scaled(pipeline, training_data(plan, out))  # first, so that pictures show the targets that train
    shown = [data[i] for i in range(min(4, len(data)))]
    callbacks: list[Callback] = [
        Watch(shown, training.preview_every),
        JsonLog(folder / "log.jsonl"),
        Preview(folder / "previews", shown, training.preview_every),
    ]
    fit(pipeline, data, training, folder, resume=True, callbacks=callbacks, described=describe_run(plan, seed))
