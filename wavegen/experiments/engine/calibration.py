"""Minutes of a comparison as steps: all systems are timed in turn, once, and the figures stay with the study.

A step takes up to half as long again beside other work, so that equal minutes are not equal work for systems that are
trained at different hours. Equal steps of a calibration are.
"""

from __future__ import annotations

import platform
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Annotated

import torch
from pydantic import Field

from wavegen.core.config import Schema, check
from wavegen.core.errors import InputError
from wavegen.core.files import exclusive
from wavegen.core.memory import keep_freed_memory
from wavegen.core.types import PairSource
from wavegen.experiments.engine.training import training_data
from wavegen.experiments.spec.comparison import Comparison
from wavegen.experiments.spec.folders import Result, digest, read_json, run_folder, write_json
from wavegen.experiments.spec.record import cpu_name
from wavegen.pipeline.pipeline import Pipeline
from wavegen.training import state
from wavegen.training.timing import StepTimer, by_shares, medians_in_turn
from wavegen.version import __version__

FILE = "calibration.json"
ROUNDS = 5  # in which every system has its turn, after one that is not counted
TOGETHER = 8  # systems that are held in memory at a time
DAMAGED = "take it from a copy, or from about/calibration in results.json: another one would give other steps"


class Timed(Schema):
    """One system: ``seconds`` of a step of its ``stages``, and their mean by shares, on one thread.

    ``key`` is a hash of what was timed. Those that were timed later were so ``beside`` a known system, and their
    seconds are that one's, as recorded, times the ratio.
    """

    key: str
    seconds: Annotated[float, Field(gt=0)]
    stages: dict[str, float]
    beside: str | None = None
    machine: str
    torch: str
    wavegen: str
    date: str


class Calibration(Schema):
    """What ``calibration.json`` holds: systems by name."""

    systems: dict[str, Timed] = Field(default_factory=dict)


def with_steps(plan: Comparison, out: Path) -> Comparison:
    """The comparison with the steps of the systems that are timed; as it is where it has no minutes.

    Raises:
        InputError: a damaged file, one of other systems, or minutes too few for a step of each stage.
    """
    if plan.training.minutes is None:
        return plan
    known = read_calibration(plan, out).systems
    steps = {name: _steps(plan, name, known[name].seconds) for name in plan.systems if name in known}
    return plan.model_copy(update={"steps": steps})


def _steps(plan: Comparison, name: str, seconds: float) -> int:
    """The steps of one system.

    Raises:
        InputError: too few.
    """
    stages = Pipeline.configure(plan.systems[name]).stages
    steps = 60 * (plan.training.minutes or 0.0) / seconds
    needed = sum(stage.share for stage in stages) / min(stage.share for stage in stages)
    if steps < needed:
        raise InputError(
            f"minutes = {plan.training.minutes:g} are {steps:.1f} steps of {name}, whose stages need {needed:.1f}; "
            f"give at least {needed * seconds / 60:.2g}"
        )
    return round(steps)


def read_calibration(plan: Comparison, out: Path) -> Calibration:
    """The calibration of a folder; empty where there is none.

    Raises:
        InputError: a damaged file, or one of other systems.
    """
    file = out / FILE
    values = read_json(file, DAMAGED)
    try:
        found: Calibration = check(Calibration, values, str(file))
    except InputError as error:
        raise InputError(f"{error}; {DAMAGED}") from None
    others = [name for name, timed in found.systems.items() if name in plan.systems and timed.key != _key(plan, name)]
    if others or (found.systems and not found.systems.keys() & plan.systems.keys()):
        what = f"another {others[0]}" if others else f"other systems ({', '.join(list(found.systems)[:3])})"
        raise InputError(f"{file} is a calibration of {what}; repeat its options or give another --out")
    return found


def _key(plan: Comparison, name: str) -> str:
    """What the cost of a step depends on."""
    training = {k: v for k, v in state.described(plan.training).items() if k not in ("steps", "minutes", "seed")}
    pipeline = Pipeline.configure(plan.systems[name]).model_dump(mode="json")
    return digest({"pipeline": pipeline, "training": training, "levels": plan.levels})


def untimed(plan: Comparison, out: Path, systems: Iterable[str]) -> list[str]:
    """Those of the systems that have to be timed before they are trained.

    None where no minutes are given, nor in a folder that an earlier version began: there every run has a plan of
    its own.
    """
    lacking = [name for name in dict.fromkeys(systems) if name not in plan.steps]
    began_by_minutes = not (out / FILE).exists() and any(_minutes(run_folder(out, *run)) for run in plan.runs())
    return [] if plan.training.minutes is None or began_by_minutes else lacking


def _minutes(folder: Path) -> bool:
    """Whether a run was begun with minutes."""
    run = read_json(folder / "run.json", "delete it: the training beside it is kept")
    checkpoint = folder / "checkpoint.safetensors"
    if not run and checkpoint.exists():
        run = state.recorded(checkpoint)["run"]
    training = run.get("training")
    return isinstance(training, Mapping) and training.get("minutes") is not None


def calibrate(plan: Comparison, out: Path, systems: Sequence[str]) -> dict[str, str]:
    """Time systems that are not timed yet, on one thread, and write ``calibration.json``.

    Returns:
        why some could not be timed, by their names.

    Raises:
        InputError: as :func:`read_calibration`; a folder that cannot be written.
    """
    torch.set_num_threads(1)
    keep_freed_memory()  # as the trainings do
    refused: dict[str, str] = {}
    with exclusive(out / ".calibration.lock", f"the calibration of {out}", wait=True):
        known = dict(read_calibration(plan, out).systems)
        todo = [name for name in systems if name not in known]
        data = training_data(plan, out) if todo else None
        while data is not None and todo:
            reference = next((name for name in plan.systems if name in known), None)
            group = todo[: TOGETHER - (reference is not None)]
            todo = todo[len(group) :]
            medians, errors = _time(plan, data, [*([reference] if reference else []), *group])
            refused |= errors
            known |= _timed(plan, medians, known, reference)
            if known:
                write_json(out / FILE, Calibration(systems=known).model_dump(mode="json"))
    return refused


def _time(plan: Comparison, data: PairSource, systems: Sequence[str]) -> tuple[dict[str, list[float]], dict[str, str]]:
    """Medians of the seconds of a step of each stage, and errors, by system; all take turns."""
    timers: dict[str, StepTimer] = {}
    errors: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in systems:
            torch.manual_seed(0)
            pipeline = Pipeline.from_config(plan.systems[name])
            try:
                timers[name] = StepTimer(pipeline, data, plan.training, Path(folder))
                timers[name].turn(0)
            except InputError as error:
                errors[name] = str(error)
        return medians_in_turn({n: timer for n, timer in timers.items() if n not in errors}, ROUNDS), errors


def _timed(
    plan: Comparison, medians: Mapping[str, Sequence[float]], known: Mapping[str, Timed], reference: str | None
) -> dict[str, Timed]:
    """Entries of the systems that were timed for the first time."""
    made = {
        "machine": f"{platform.machine()}, {cpu_name()}",
        "torch": torch.__version__,
        "wavegen": __version__,
        "date": date.today().isoformat(),
    }
    factor = 1.0
    if reference is not None:
        factor = known[reference].seconds / _mean(plan, reference, medians[reference])
    entries = {}
    for name, seconds in medians.items():
        if name not in known:
            names = [stage.name for stage in Pipeline.configure(plan.systems[name]).stages]
            entries[name] = Timed(
                key=_key(plan, name),
                seconds=factor * _mean(plan, name, seconds),
                stages={stage: factor * value for stage, value in zip(names, seconds, strict=True)},
                beside=reference,
                **made,
            )
    return entries


def _mean(plan: Comparison, name: str, seconds: Sequence[float]) -> float:
    """The seconds of a step, by the stages' shares."""
    return by_shares(Pipeline.configure(plan.systems[name]).stages, seconds)


def recorded(out: Path) -> Result:
    """The calibration as results keep it: the systems; empty where there is none."""
    found: Result = read_json(out / FILE, DAMAGED).get("systems", {})
    return found
