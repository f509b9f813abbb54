"""A grid run in a folder of its own: what is done is not done again, and one folder holds one grid."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from wavegen.core.errors import InputError
from wavegen.experiments.engine.dispatch import LOCAL
from wavegen.experiments.engine.runs import DAMAGED as DAMAGED_RESULTS
from wavegen.experiments.engine.runs import Outcome, Prepared, prepare, run_missing
from wavegen.experiments.judge.pictures import figure
from wavegen.experiments.spec.comparison import Comparison, Row
from wavegen.experiments.spec.folders import digest, model_hash, read_json, run_folder, write_json
from wavegen.experiments.spec.grid import same_grid
from wavegen.experiments.spec.images import images_of

FILE = "grid.json"
SHOWN, IMAGES = 8, 2  # systems and test images of the strip
DAMAGED = "delete it, if you are sure that this is its grid: the runs beside it are kept"


def ablate(plan: Comparison, out: Path, *, workers: int = 2, scheduler: str = LOCAL) -> Outcome:
    """Do the runs of a grid that are not done; see :func:`~wavegen.experiments.engine.runs.run_missing`.

    The grid is kept in ``grid.json``. It may grow: systems, seeds and rows may come, none may go.

    Args:
        plan: of :func:`~wavegen.experiments.spec.grid.read_grid`.
        out: folder of the grid, the same on all machines.
        workers: processes of this machine, one thread each.
        scheduler: ``local``, or the address of a Dask scheduler.

    Raises:
        InputError: another grid in the folder, damaged files, wrong data, no scheduler, no space.
    """
    ready = prepare_grid(plan, out)
    file = ready.out / FILE
    values = plan.model_dump(mode="json")
    if read_json(file, DAMAGED) != values:
        write_json(file, values)
    if ready.todo:  # a figure of fewer runs must not stay, should this be killed before it draws
        (ready.out / "figure.png").unlink(missing_ok=True)
    outcome = run_missing(ready, workers=workers, scheduler=scheduler)
    if outcome.rows and not (ready.out / "figure.png").exists():
        images = images_of(plan)
        figure(plan, ready.out, images, strip(plan), range(min(IMAGES, len(images))))
    return outcome


def strip(plan: Comparison) -> list[Row]:
    """What the strip of images shows: the first systems, each by its row of most calls on all test images."""
    shown = []
    for system in list(plan.systems)[:SHOWN]:
        rows = [row for row in plan.rows if row.system == system and row.images is None]
        shown += sorted(rows, key=lambda row: row.steps)[-1:]
    return shown


def prepare_grid(plan: Comparison, out: Path) -> Prepared:
    """All checks, without writing anything.

    Raises:
        InputError: as :func:`ablate`, but for schedulers and space.
    """
    was = _held(out)
    if was is not None and (other := same_grid(was, plan)):
        raise InputError(
            f"{out} holds another grid (another {other}); a grid may grow but not change: give another --out"
        )
    return prepare(plan, out)


def _held(out: Path) -> Comparison | None:
    """What the folder holds: its grid, or what results without one were made from."""
    file, results = out / FILE, out / "results.json"
    if file.exists():
        held: Any = read_json(file, DAMAGED)
    elif results.exists():
        file, about = results, read_json(results, DAMAGED_RESULTS).get("about")
        held = about.get("plan") if isinstance(about, dict) else None
    else:
        return None
    try:
        return Comparison.model_validate(held)
    except ValidationError:
        raise InputError(f"{file} is damaged or of another version; {DAMAGED}") from None


def overview(ready: Prepared) -> list[list[str]]:
    """Of every run: its name, its state, the rows that judge it, and its key, which may depend on a calibration."""
    lines = []
    for task in ready.tasks:
        if task.seed is None:
            lines.append([str(task), "to do" if task in ready.todo else "done", "1", ""])
            continue
        folder = run_folder(ready.out, task.system, task.seed)
        if task not in ready.todo:
            state = "done"
        elif model_hash(folder):
            state = "to judge"
        else:
            state = "interrupted" if (folder / "checkpoint.safetensors").exists() else "to do"
        rows = ready.judge.plan.rows_of(task.system, task.seed)
        run = ready.identities.get((task.system, task.seed))
        lines.append([str(task), state, str(len(rows)), digest(run) if run else "by calibration"])
    return lines
