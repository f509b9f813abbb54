"""All runs of a comparison, done once: trained, scored and timed, wherever the workers are; and its result files."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from wavegen.core.errors import InputError
from wavegen.core.files import write_text
from wavegen.core.locks import clear
from wavegen.core.registry import build
from wavegen.data import is_simulator
from wavegen.experiments.engine.calibration import calibrate, recorded, untimed, with_steps
from wavegen.experiments.engine.dispatch import LOCAL, Failed, connected, run_alone, run_tasks
from wavegen.experiments.engine.execution import Task
from wavegen.experiments.engine.keys import Identity, check_folder, claim, fingerprint, identity
from wavegen.experiments.engine.progress import Progress
from wavegen.experiments.engine.store import Judge, classical_key, gather, judge_of, read_scores, scores_file, unscored
from wavegen.experiments.judge.pictures import figure
from wavegen.experiments.judge.timing import read_times, time_rows
from wavegen.experiments.spec.comparison import Comparison, Row
from wavegen.experiments.spec.folders import Result, model_hash, read_json, run_folder, write_json
from wavegen.experiments.spec.images import first_training_pair, images_of, training_pool
from wavegen.experiments.spec.record import about
from wavegen.metrics.classical import method_named
from wavegen.pipeline.pipeline import Pipeline
from wavegen.reports.tables import aggregate, markdown

DAMAGED = "delete it: it is made again from the runs beside it, which are kept"


@dataclass(frozen=True)
class Prepared:
    """A comparison whose configuration and folder have been checked: what each run is, and which are to be done.

    ``untimed`` systems need a calibration to turn minutes into steps; only then is known what their runs are.
    """

    judge: Judge
    out: Path
    files: Mapping[str, Any]
    identities: Mapping[tuple[str, int], Identity]
    tasks: tuple[Task, ...]
    todo: tuple[Task, ...]
    untimed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """Rows of all runs that are done, the table, and the runs that failed with their errors."""

    rows: list[Result]
    table: str
    failed: Failed


def prepare(plan: Comparison, out: Path, split: str = "test", only: Collection[str] | None = None) -> Prepared:
    """Check everything that can be wrong before any work; nothing is written. ``only`` these systems are to be done.

    Raises:
        InputError: wrong configurations or data, a run in ``out`` made from something else, a damaged file of results.
    """
    out = out.resolve()
    if (plan.training.steps is None) == (plan.training.minutes is None):
        raise InputError("give a training either steps or minutes")
    for name in plan.classical:
        method_named(name)
    _check_images(plan)
    plan = with_steps(plan, out)
    judge = judge_of(plan, split)
    files = {} if is_simulator(plan.data) else fingerprint(build("dataset", plan.data))
    lacking = untimed(plan, out, plan.systems)
    identities = _identities(plan, out, files, leave_out=lacking)
    _kept_about(results_file(out, split))
    read_times(out / "times.json")
    # Methods first: they are few and tell early whether the images can be judged.
    runs = [run for run in plan.runs() if only is None or run[0] in only]
    tasks = [Task(name, None) for name in plan.classical] + [Task(*run) for run in runs]
    todo = [task for task in tasks if not is_done(judge, out, task)]
    to_train = {task.system for task in todo if task.seed is not None}
    lacking = [name for name in lacking if name in to_train]
    return Prepared(judge, out, files, identities, tuple(tasks), tuple(todo), tuple(lacking))


def _identities(
    plan: Comparison, out: Path, files: Mapping[str, Any], leave_out: Collection[str]
) -> dict[tuple[str, int], Identity]:
    """What every run is, but for some systems; their folders hold nothing else.

    Raises:
        InputError: a folder holds another run.
    """
    identities = {run: identity(plan, *run, files) for run in plan.runs() if run[0] not in leave_out}
    for (system, seed), expected in identities.items():
        check_folder(out, system, seed, expected)
    return identities


def _check_images(plan: Comparison) -> None:
    """Refuse crops that the training images do not have, and systems of another number of channels."""
    first = first_training_pair(plan).x
    if min(first.shape[-2:]) < plan.training.crop:
        raise InputError(
            f"crop {plan.training.crop}: the training images have {first.shape[-2]} x {first.shape[-1]} "
            "pixels; give a smaller crop or larger images"
        )
    for name, system in plan.systems.items():
        if (channels := Pipeline.configure(system).channels) != len(first):
            raise InputError(f"{name}: channels = {channels}, and the images have {len(first)}")


def is_done(judge: Judge, out: Path, task: Task) -> bool:
    """Whether a task has all its scores."""
    if task.seed is not None:
        trained = model_hash(run_folder(out, task.system, task.seed))
        return bool(trained) and not unscored(out, judge, task.system, task.seed)
    return classical_key(judge, task.system) in read_scores(scores_file(out, judge, task.system, None))


def run_missing(ready: Prepared, *, workers: int = 2, scheduler: str = LOCAL) -> Outcome:
    """Do what is missing, in ``workers`` processes or on a running scheduler, and write the result files.

    A failed run is reported and the others go on. Whatever happens, the files hold what is done.

    Raises:
        InputError: no scheduler at the address, a folder that cannot be written.
    """
    out = ready.out
    failed: dict[Task, BaseException] = {}
    if ready.todo:
        try:
            with connected(scheduler, min(workers, len(ready.todo))) as client:
                _share_pool(ready)
                ready, failed = _calibrated(ready, client)
                todo = [task for task in ready.todo if task not in failed]
                _claim(ready, todo)
                progress = Progress(len(ready.tasks), len(todo))
                failed |= run_tasks(client, ready.judge, out, todo, progress, lambda: _write(ready, ()))
        finally:  # workers that had to end at once could not
            clear(out)
        for task in ready.todo:
            if task not in failed and not is_done(ready.judge, out, task):
                failed[task] = InputError(f"its worker kept no scores in {out}; do all workers share this folder?")
    plan = ready.judge.plan
    times = time_rows(plan, out) if plan.timed else read_times(out / "times.json")
    rows = _write(ready, times)
    table = markdown(aggregate(rows, times, plan.reference))
    write_text(out / ("table.md" if ready.judge.split == "test" else f"table-{ready.judge.split}.md"), table)
    return Outcome(rows, table, failed)


def compare(
    plan: Comparison,
    out: Path,
    *,
    jobs: int = 2,
    split: str = "test",
    shown: Sequence[Row] = (),
    only: Collection[str] | None = None,
) -> None:
    """Train, judge, time and draw; print the table. Repeating it does only what is missing.

    Settings are chosen with ``split="validation"``; the test set judges the chosen ones. ``only`` these systems are
    worked on; what others have done in ``out`` stays in the table.

    Raises:
        InputError: a run in ``out`` was made with another configuration; a folder that cannot be written. The error
            of the first run that failed, after all others are done.
    """
    if (out / "grid.json").exists():
        raise InputError(f"{out} holds a grid of wavegen ablate: give another --out")
    ready = prepare(plan, out, split, only)
    if ready.todo:  # a figure of fewer runs must not stay, should this be killed before it draws
        (out / "figure.png").unlink(missing_ok=True)
    outcome = run_missing(ready, workers=jobs)
    if not (out / "figure.png").exists():
        figure(plan, out, images_of(plan), shown, range(min(4, len(images_of(plan)))))
    print(outcome.table)
    print(f"results: {out / 'results.json'}, {out / 'times.json'}; figure: {out / 'figure.png'}")
    for error in outcome.failed.values():
        raise error


def results_file(out: Path, split: str) -> Path:
    """Where the rows go; beside it the same as CSV."""
    return out / ("results.json" if split == "test" else f"results-{split}.json")


def _calibrated(ready: Prepared, client: Any) -> tuple[Prepared, dict[Task, BaseException]]:
    """The same with the steps of all systems, and the runs of those that could not be timed, with the reason."""
    if not ready.untimed:
        return ready, {}
    plan, out = ready.judge.plan, ready.out
    print(f"timing {len(ready.untimed)} systems, to turn minutes into steps", file=sys.stderr, flush=True)
    refused = run_alone(client, calibrate, plan, out, ready.untimed)
    plan = with_steps(plan, out)
    identities = _identities(plan, out, ready.files, leave_out=untimed(plan, out, plan.systems))
    failed: dict[Task, BaseException] = {
        task: InputError(refused[task.system])
        for task in ready.todo
        if task.seed is not None and task.system in refused
    }
    return replace(ready, judge=replace(ready.judge, plan=plan), identities=identities, untimed=()), failed


def _share_pool(ready: Prepared) -> None:
    """Make the simulated images that all runs share, where there is anything to train."""
    untrained = [t for t in ready.todo if t.seed is not None and not model_hash(run_folder(ready.out, *t[:2]))]  # type: ignore[arg-type]
    if untrained and is_simulator(ready.judge.plan.data):
        training_pool(ready.judge.plan, ready.out)


def _claim(ready: Prepared, tasks: Iterable[Task]) -> None:
    """Write what the runs are."""
    for task in tasks:
        if task.seed is not None:
            claim(ready.out, task.system, task.seed, ready.identities[task.system, task.seed])


def _write(ready: Prepared, times: Sequence[Result]) -> list[Result]:
    """Gather all scores, with times where they are taken, in ``results.json`` and ``results.csv``."""
    timed = {(t["system"], t["steps"], t.get("solver")): t for t in times}
    rows = []
    for row in gather(ready.out, ready.judge):
        time = timed.get((row["system"], row["steps"], row.get("solver")), {})
        rows.append(row | {k: v for k, v in time.items() if k.startswith("ms_")})
    file = results_file(ready.out, ready.judge.split)
    write_json(file, {"about": _about(ready, _kept_about(file)), "rows": rows})
    write_text(file.with_suffix(".csv"), as_csv(rows))
    return rows


def _kept_about(file: Path) -> Result:
    """What the file says that its figures were made on.

    Raises:
        InputError: a damaged file.
    """
    was: Any = read_json(file, DAMAGED).get("about", {})
    if not isinstance(was, dict):
        raise InputError(f"{file} is damaged (it does not say what it was made on); {DAMAGED}")
    return was


def _about(ready: Prepared, was: Result) -> Result:
    """What the figures were made on: the commands that did something, one a line, and when and where the last did.

    A repetition, which does nothing, changes nothing.
    """
    now = about(ready.judge.plan)
    if timed := recorded(ready.out):
        now["calibration"] = timed
    if was and not ready.todo:
        return {**was, "plan": now["plan"]}
    commands = dict.fromkeys([*str(was.get("command", "")).splitlines(), now["command"]])
    return now | {"command": "\n".join(commands)}


def as_csv(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows as CSV: every key that a row has is a column; what is missing or None is empty."""
    text = io.StringIO()
    columns = list(dict.fromkeys(key for row in rows for key in row))
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows({k: json.dumps(v) if isinstance(v, dict | list) else v for k, v in row.items()} for row in rows)
    return text.getvalue()
