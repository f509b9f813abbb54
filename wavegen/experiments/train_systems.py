"""Train the systems of a comparison side by side; what is trained already is not trained again."""

from __future__ import annotations

import inspect
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

import torch

from wavegen.atomic import make_folder
from wavegen.config import Spec
from wavegen.data import InMemory, LowBand, Simulator
from wavegen.experiments.plan import Comparison, describe_run
from wavegen.pipeline import Pipeline
from wavegen.registry import build, entry
from wavegen.training import Callback, JsonLog, Preview, Watch, fit, state
from wavegen.training.fit import describe


def run_folder(out: Path, system: str, seed: int) -> Path:
    """Where one training lives."""
    return out / "runs" / f"{system}-seed{seed}"


def training_pool(plan: Comparison, out: Path) -> InMemory:
    """The training images in memory; simulated ones are made once and shared by all systems through a file."""
    make_folder(out)
    if not is_simulator(plan.data):
        return InMemory(build("dataset", plan.data))
    spec = {**plan.data, "split": "train", "size": plan.size, "length": plan.pool}
    return InMemory(build("dataset", spec), path=out / "pool.npz")


def is_simulator(spec: Spec) -> bool:
    """Whether a data set draws its own specimens, of any number, size and split."""
    factory = entry("dataset", str(spec.get("name"))).factory
    return inspect.isclass(factory) and issubclass(factory, Simulator)


def train_one(plan: Comparison, out: Path, system: str, seed: int) -> None:
    """Train one system on one thread, from where it was left."""
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


def finished(plan: Comparison, out: Path, system: str, seed: int) -> bool:
    """Whether a run is complete.

    Raises:
        InputError: the folder holds a run of another configuration.
    """
    folder = run_folder(out, system, seed)
    if not (folder / "model" / "model.safetensors").exists():
        return False
    training = plan.training.model_copy(update={"seed": seed})
    config = Pipeline.from_config(plan.systems[system]).config
    state.check_run(folder / "checkpoint.safetensors", describe(config, training, describe_run(plan, seed)))
    return True


def train_systems(plan: Comparison, out: Path, jobs: int) -> None:
    """Train all systems of the plan in ``jobs`` processes of one thread each.

    A failed training is reported and the others go on; the first error is raised at the end.
    """
    todo = [(s, seed) for s, seed in plan.runs() if not finished(plan, out, s, seed)]
    if not todo:
        return
    print(f"{len(todo)} of {len(plan.runs())} systems to train in {out / 'runs'}", file=sys.stderr)
    training_pool(plan, out)  # made before the processes need it
    failed: list[BaseException] = []
    # Spawned, not forked: a forked process inherits thread pools that no longer run.
    with ProcessPoolExecutor(min(jobs, len(todo)), mp_context=get_context("spawn")) as pool:
        futures = {pool.submit(train_one, plan, out, system, seed): f"{system} seed {seed}" for system, seed in todo}
        try:
            for future in as_completed(futures):
                error = future.exception()
                print(f"{'trained' if error is None else 'FAILED'} {futures[future]}", file=sys.stderr)
                failed.extend([error] if error else [])
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    if failed:
        raise failed[0]
