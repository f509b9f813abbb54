"""The images of a comparison: those that train, those that noise scales are measured on, those that judge."""

from __future__ import annotations

from pathlib import Path

from wavegen.core.config import Spec
from wavegen.core.errors import InputError
from wavegen.core.files import make_folder
from wavegen.core.registry import build
from wavegen.core.types import Pair, PairSource
from wavegen.data import InMemory, LowBand, is_simulator
from wavegen.experiments.spec.comparison import Comparison

MEASURED = 16  # pairs that residual variances are taken from


def images_of(plan: Comparison, split: str = "test") -> PairSource:
    """The images that a split of the plan stands for; other data than simulators' have no validation split."""
    spec = {**plan.data, "split": split, "size": plan.size, "length": plan.test_images}
    if not is_simulator(plan.data):
        if split != "test" or plan.test is None:
            raise InputError(f"data {plan.data['name']!r} has no {split} images; give the comparison a test set")
        spec = plan.test
    images: PairSource = build("dataset", spec)
    return InMemory(LowBand(images, plan.levels)) if plan.levels else images


def training_spec(plan: Comparison, count: int) -> Spec:
    """The training data's configuration; of simulated data the first ``count`` images."""
    if not is_simulator(plan.data):
        return plan.data
    return {**plan.data, "split": "train", "size": plan.size, "length": count}


def training_pool(plan: Comparison, out: Path) -> InMemory:
    """The training images in memory; simulated ones are made once and shared by all systems through a file."""
    make_folder(out)
    source = build("dataset", training_spec(plan, plan.pool))
    return InMemory(source, path=out / "pool.npz") if is_simulator(plan.data) else InMemory(source)


def first_training_pair(plan: Comparison) -> Pair:
    """One pair as the networks get it (its low band, where the plan says so)."""
    source: PairSource = build("dataset", training_spec(plan, 1))
    return (LowBand(source, plan.levels) if plan.levels else source)[0]


def measuring_pairs(plan: Comparison) -> list[Pair]:
    """The first training pairs, whole; of simulated data as many as are needed and no more."""
    data: PairSource = build("dataset", training_spec(plan, MEASURED))
    return [data[i] for i in range(min(MEASURED, len(data)))]
