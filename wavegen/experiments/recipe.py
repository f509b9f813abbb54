"""What every recipe of a task shares: presets, options and systems; the recipe itself is a configuration."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wavegen.core.config import Spec, merge
from wavegen.core.errors import InputError
from wavegen.experiments.command import above_zero, one_or_more, run_command
from wavegen.experiments.plan import Comparison, Row
from wavegen.experiments.runs import compare
from wavegen.experiments.ship import Shipment, ship
from wavegen.experiments.small import small
from wavegen.metrics.scales import Scale
from wavegen.training.config import Training

PRESETS = ("smoke", "cpu", "ship", "paper")
MINUTES = {"cpu": 4.0, "ship": 30.0}
SYSTEMS: dict[str, Spec] = {name: {"name": name} for name in ("mscgm-joint", "unet", "bbdm")}
ROWS = (
    Row(system="unet", samples=1),
    Row(system="mscgm-joint", steps=1, samples=1),
    Row(system="mscgm-joint", steps=4),
    Row(system="bbdm", steps=4),
)
# AdamW's rate and the batch are what arXiv 2407.05259 states; steps, crop and a constant rate are assumed.
PAPER: Spec = {"learning_rate": 1e-4, "batch": 3, "steps": 200_000, "crop": 256, "warmup": 0, "final_rate": 1.0}
SMOKE: Spec = {"steps": 3, "batch": 2, "crop": 32, "warmup": 1}


@dataclass(frozen=True)
class Data:
    """One data set of a task: what trains, what judges, and how.

    ``train`` and ``test`` are configurations of data sets (``test`` is None for simulators, which split themselves);
    ``settings`` are laid on every system (channels, intensities); ``classical`` and ``known`` as in
    :class:`~wavegen.experiments.plan.Comparison`; ``training`` are differences from the defaults (a smaller crop).
    """

    train: Spec
    test: Spec | None = None
    scale: Scale = "target"
    settings: Spec = field(default_factory=dict)
    classical: tuple[str, ...] = ("input",)
    known: Mapping[str, float] = field(default_factory=dict)
    training: Spec = field(default_factory=dict)
    test_images: int = 64


DataChoices = Mapping[str, Callable[[Path], Data]]


def comparison(data: Data, preset: str, minutes: float | None, seeds: int) -> Comparison:
    """The comparison of the three systems that a preset stands for; ``ship`` trains the hybrid alone."""
    systems = {name: merge(spec, data.settings) for name, spec in SYSTEMS.items()}
    common: dict[str, Any] = {
        "data": data.train,
        "test": data.test,
        "scale": data.scale,
        "classical": data.classical,
        "known": dict(data.known),
        "test_images": data.test_images,
    }
    budget = Training(**data.training, minutes=minutes or MINUTES.get(preset, 4.0))
    if preset == "smoke":
        tiny = {name: small(spec) for name, spec in systems.items()}
        rows = [row.model_copy(update={"samples": min(row.samples, 2), "spread_images": 1}) for row in ROWS]
        few: dict[str, Any] = {"data": _few(data.train), "test": data.test and _few(data.test)}
        few |= {"pool": 2, "size": 64, "test_images": 2, "training": SMOKE}
        return Comparison(**{**common, **few}, systems=tiny, rows=rows)
    if preset == "ship":
        hybrid = {"mscgm-joint": systems["mscgm-joint"]}
        rows = [row for row in ROWS if row.system in hybrid]
        return Comparison(**common, systems=hybrid, rows=rows, training=budget, pool=2048)
    if preset == "paper":
        paper = {"mscgm": merge({"name": "mscgm", "sampler": {"steps": 200}}, data.settings)}
        rows = [Row(system="mscgm", steps=n) for n in (1, 4, 200)]
        return Comparison(
            **common, systems=paper, rows=rows, training=Training(**{**PAPER, **data.training}), pool=4096
        )
    several = {name: list(range(seeds)) for name in systems}
    return Comparison(**common, systems=systems, seeds=several, rows=list(ROWS), training=budget)


def _few(spec: Spec) -> Spec:
    """The same data, with a few small specimens where they are simulated."""
    return {**spec, "source": {**spec["source"], "length": 2, "size": 64}} if "source" in spec else spec


def run_task(doc: str | None, choices: DataChoices, shipped: Mapping[str, Shipment] | None = None) -> None:
    """The command of a recipe: parse the options, train, judge, draw, print one table; ``ship`` exports the hybrid.

    Args:
        doc: the recipe's own text, shown by ``--help``.
        choices: data sets by name, each made from the folder of real images; the first is the default.
        shipped: the checkpoints that the ``ship`` preset exports, by data set.
    """
    run_command(lambda: _run(doc, choices, shipped or {}))


def _run(doc: str | None, choices: DataChoices, shipped: Mapping[str, Shipment]) -> None:
    names: Sequence[str] = list(choices)
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", choices=PRESETS, default="smoke")
    parser.add_argument("--data", choices=names, default=names[0])
    parser.add_argument("--root", type=Path, default=Path(), help="folder of the real images (default: this one)")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=above_zero, help="processor minutes of training per system (cpu 4, ship 30)")
    parser.add_argument("--seeds", type=one_or_more, default=1, help="seeds per system (cpu)")
    parser.add_argument("--jobs", type=one_or_more, default=2, help="trainings side by side, one thread each")
    parser.add_argument("--export", type=Path, help="folder that the ship preset writes its checkpoint to")
    given = parser.parse_args()
    if given.export is not None and (given.preset != "ship" or given.data not in shipped):
        known = ", ".join(shipped) or "none of this recipe's"
        raise InputError(f"--export goes with --preset ship and data that a checkpoint is made from: {known}")
    plan = comparison(choices[given.data](given.root), given.preset, given.minutes, given.seeds)
    shown = [row for row in plan.rows if row.steps <= 4]
    compare(plan, given.out, jobs=given.jobs, shown=shown)
    if given.export is not None:
        ship(plan, given.out, "mscgm-joint", shipped[given.data], given.export)
