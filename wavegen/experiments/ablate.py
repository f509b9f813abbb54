"""A grid run in a folder of its own: what is done is not done again, and one folder holds one grid."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from wavegen.checkpoint import write_text
from wavegen.errors import InputError
from wavegen.experiments.grid import same_grid
from wavegen.experiments.identity import digest, read_json
from wavegen.experiments.plan import Comparison
from wavegen.experiments.runs import Outcome, Prepared, complete, prepare
from wavegen.experiments.schedule import LOCAL
from wavegen.experiments.train_systems import model_hash, run_folder

FILE = "grid.json"
DAMAGED = "delete it, if you are sure that this is its grid: the runs beside it are kept"


def ablate(plan: Comparison, out: Path, *, workers: int = 2, scheduler: str = LOCAL) -> Outcome:
    """Do the runs of a grid that are not done; see :func:`~wavegen.experiments.runs.complete`.

    The grid is kept in ``grid.json``. It may grow: systems, seeds and rows may come, none may go.

    Args:
        plan: of :func:`~wavegen.experiments.grid.read_grid`.
        out: folder of the grid, the same on all machines.
        workers: processes of this machine, one thread each.
        scheduler: ``local``, or the address of a Dask scheduler.

    Raises:
        InputError: another grid in the folder, damaged files, wrong data, no scheduler, no space.
    """
    ready = prepare_grid(plan, out)
    file = ready.out / FILE
    text = plan.model_dump_json(indent=1) + "\n"
    if not file.exists() or file.read_text(encoding="utf-8") != text:
        write_text(file, text)
    return complete(ready, workers=workers, scheduler=scheduler)


def prepare_grid(plan: Comparison, out: Path) -> Prepared:
    """All checks, without writing anything.

    Raises:
        InputError: as :func:`ablate`, but for schedulers and space.
    """
    file = out / FILE
    if file.exists():
        try:
            was = Comparison.model_validate(read_json(file, DAMAGED))
        except ValidationError:
            raise InputError(f"{file} is damaged or of another version; {DAMAGED}") from None
        if other := same_grid(was, plan):
            raise InputError(
                f"{out} holds another grid (another {other}); a grid may grow but not change: give another --out"
            )
    return prepare(plan, out)


def overview(ready: Prepared) -> list[list[str]]:
    """Of every run: its name, its state, the rows that judge it, and its key."""
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
        lines.append([str(task), state, str(len(rows)), digest(ready.identities[task.system, task.seed])])
    return lines
