"""Result files read back: what a report is made from, of one data set, from one or several runs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wavegen.core.documents import read_json
from wavegen.core.errors import InputError
from wavegen.core.guard import guarded
from wavegen.core.versions import Format, unchanged
from wavegen.reports.columns import columns
from wavegen.reports.portable import portable
from wavegen.reports.tables import identity, label

Result = dict[str, Any]
FORMAT = Format("a file of results", (unchanged,))
PARTS = ("about", "rows", "times", "notes")
NAMES = {"system": str, "steps": int, "seed": int, "images": int}  # what every row has
NUMBERS = ("eta", "ms_per_image", "rmse", "crps")  # beside the columns of tables
WORDS = ("key", "solver", "model")
METRICS = ("psnr", "ssim")  # scored without any weights
NOTES = ("heads", "verdicts", "spreads", "expected", "peers")  # a recipe's own tables beside its results: NAME.md
RIGHT = "give a file that a comparison or wavegen report --pack wrote"
SHARED = ("data", "test", "scale", "levels", "size")  # what rows of one table share


@dataclass(frozen=True)
class Study:
    """Rows (one for each system, way of sampling and seed) and times of one data set, and how they were made.

    ``about`` has a record for each run; ``strips`` are PNG files of images, where there are any; ``notes`` are the
    recipes' own tables in Markdown, by name.
    """

    name: str
    about: tuple[Result, ...]
    rows: tuple[Result, ...]
    times: tuple[Result, ...]
    strips: tuple[Path, ...] = ()
    notes: dict[str, str] = field(default_factory=dict)

    @property
    def reference(self) -> str | None:
        """The system whose error spreads are compared with."""
        name: str | None = self.about[0]["plan"].get("reference")
        return name


def read_study(paths: Sequence[Path], name: str | None = None) -> Study:
    """Read result files, folders that hold a ``results.json``, or packed files, and join them.

    Times and notes that several of them hold are those of the first.

    Args:
        paths: at least one.
        name: what to call it; by default after the folders or packed files.

    Raises:
        InputError: a file that is missing, not JSON or no result file; a row without a metric; files of different
            data; two files with different scores of one row.
    """
    if not paths:
        raise InputError("no result files; give a results.json or a folder that holds one")
    parts = [_read(_file_of(path)) for path in paths]
    for part in parts[1:]:
        _check_same_data(part, parts[0])
    return Study(
        name or " and ".join(dict.fromkeys(part.name for part in parts)),
        tuple(record for part in parts for record in part.about),
        _joined_rows(parts),
        _joined_times(parts),
        tuple(strip for strip in (part.strip for part in parts) if strip.is_file()),
        {name: text for part in reversed(parts) for name, text in part.notes.items()},
    )


@dataclass(frozen=True)
class _Part:
    """One result file as read; times, notes and the strip may lie beside it."""

    file: Path
    about: list[Result]
    rows: list[Result]
    times: list[Result]
    notes: dict[str, str]

    @property
    def name(self) -> str:
        """A run's folder, or the name of a packed file."""
        return self.file.resolve().parent.name if _of_a_run(self.file) else self.file.stem

    @property
    def strip(self) -> Path:
        return self.file.with_name("figure.png") if _of_a_run(self.file) else self.file.with_suffix(".png")


def _of_a_run(file: Path) -> bool:
    """Whether a file lies in a run's folder; others are packed, and hold everything themselves."""
    return file.stem.startswith("results")


def _check_same_data(part: _Part, first: _Part) -> None:
    for key in SHARED:
        value, expected = (portable(p.about[0]["plan"].get(key)) for p in (part, first))
        if value != expected:
            raise InputError(
                f"{part.file} and {first.file} are of different data: {key} {value!r} is not {expected!r}; "
                "make a report of each"
            )


def _joined_times(parts: Sequence[_Part]) -> tuple[Result, ...]:
    """The first time of each system, number of steps and solver."""
    times: dict[tuple[Any, ...], Result] = {}
    for time in (time for part in parts for time in part.times):
        times.setdefault((time.get("system"), time.get("steps"), time.get("solver")), time)
    return tuple(times.values())


def _joined_rows(parts: Sequence[_Part]) -> tuple[Result, ...]:
    """The rows of all parts; a row that several have must be the same in all of them."""
    rows: dict[tuple[Any, ...], tuple[Result, Path]] = {}
    for part in parts:
        for row in part.rows:
            other, where = rows.setdefault((identity(row), row["seed"]), (row, part.file))
            if other != row:
                raise InputError(
                    f"{part.file} and {where} have different scores of {label(row)}, seed {row['seed']}; "
                    "make a report of each, or leave one out"
                )
    return tuple(row for row, _ in rows.values())


def _file_of(path: Path) -> Path:
    file = path / "results.json" if path.is_dir() else path
    if not file.is_file():
        raise InputError(f"no results in {path}: give a results.json, a folder that holds one, or a packed file")
    return file


def _read(file: Path) -> _Part:
    """One file, checked."""
    content = _json(file)
    rows = content.get("rows")
    about = _about(file, content)
    if not isinstance(rows, list) or not rows:
        raise InputError(f"{file} has no rows; {RIGHT}")
    times = _times(file, content)
    notes = _notes(file, content)
    return _Part(file, about, [_row(file, n, row) for n, row in enumerate(rows, 1)], times, notes)


def _about(file: Path, content: Result) -> list[Result]:
    """A record for each run: a list in a packed file, one record in that of a run."""
    about = content.get("about")
    records: list[Any] = about if isinstance(about, list) else [about]
    plans = [record.get("plan") if isinstance(record, dict) else None for record in records]
    if not plans or not all(isinstance(plan, dict) for plan in plans):
        raise InputError(f"{file} does not say what it was made on: it lacks 'about' with a 'plan'; {RIGHT}")
    return records


def _times(file: Path, content: Result) -> list[Result]:
    """The times of a packed file, or those in ``times.json`` beside that of a run."""
    beside = file.with_name("times.json")
    times = content.get("times")
    if times is None:
        times = _json(beside).get("rows") if beside.is_file() and _of_a_run(file) else []
    if not isinstance(times, list) or not all(isinstance(time, dict) for time in times):
        raise InputError(f"{file} or {beside.name} beside it has times that are no list of records; {RIGHT}")
    for number, time in enumerate(times, 1):
        _check_figures(f"time {number} of {file} or {beside.name} beside it", time, ("system", "steps"))
    return times


def _notes(file: Path, content: Result) -> dict[str, str]:
    """The notes of a packed file, or the Markdown files beside that of a run."""
    if _of_a_run(file):
        paths = {name: file.with_name(f"{name}.md") for name in NOTES}
        return {name: guarded(path, _text, "not a text file") for name, path in paths.items() if path.is_file()}
    notes = content.get("notes", {})
    if not isinstance(notes, dict) or not all(isinstance(text, str) for text in notes.values()):
        raise InputError(f"{file} has notes that are no texts by name; {RIGHT}")
    return notes


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _row(file: Path, number: int, row: Any) -> Result:
    """A row with all that a table needs; figures that are not finite are taken for missing."""
    if not isinstance(row, dict):
        raise InputError(f"row {number} of {file} is not a record; {RIGHT}")
    _check_figures(f"row {number} of {file}", row, NAMES)
    figures = {key: None if isinstance(v, float) and not math.isfinite(v) else v for key, v in row.items()}
    left_out = row.get("left_out", {})
    if not _is_left_out(left_out):
        raise InputError(f"row {number} of {file}: left_out must hold, by metric and reason, names of images; {RIGHT}")
    for key in METRICS:
        if not isinstance(figures.get(key), float | int) and key not in left_out:
            raise InputError(f"row {number} of {file} ({label(row)}) has no {key}; {RIGHT}")
    return figures


def _check_figures(where: str, row: Result, needed: Iterable[str]) -> None:
    """Refuse a record that lacks what is needed, and texts for numbers, and the reverse."""
    for key in needed:
        if not isinstance(row.get(key), NAMES[key]) or isinstance(row[key], bool):
            raise InputError(f"{where} lacks {key!r}; {RIGHT}")
    numbers = {*NUMBERS, *(column.key for column in columns())}
    for key, value in row.items():
        if value is None:
            continue
        if key in numbers and (isinstance(value, bool) or not isinstance(value, float | int)):
            raise InputError(f"{where}: {key} = {str(value)[:40]!r} is no number; {RIGHT}")
        if key in WORDS and not isinstance(value, str):
            raise InputError(f"{where}: {key} = {str(value)[:40]!r} is no text; {RIGHT}")


def _is_left_out(given: Any) -> bool:
    """Whether this is what an evaluation says of images without a score: names by reason, by metric."""
    reasons = list(given.values()) if isinstance(given, dict) else [None]
    return all(
        isinstance(names, list) and all(isinstance(name, str) for name in names)
        for reason in reasons
        for names in (reason.values() if isinstance(reason, dict) else [None])
    )


def _json(file: Path) -> Result:
    return FORMAT.read(read_json(file, "copy it again, or score the runs again"), file, PARTS)
