"""Result files read back: what a report is made from, of one data set, from one or several runs."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wavegen.core.errors import InputError
from wavegen.reports.portable import portable
from wavegen.reports.tables import label, varied, way

Result = dict[str, Any]
NAMES = {"system": str, "steps": int, "seed": int, "images": int}  # what every row has
METRICS = ("psnr", "ssim")  # scored without any weights
NOTES = (
    "heads",
    "verdicts",
    "spreads",
    "expected",
    "peers",
)  # a recipe's own tables beside its results: NAME.md
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
        found: str | None = self.about[0]["plan"].get("reference")
        return found


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
    files = [_file_of(path) for path in paths]
    parts = [_read(file) for file in files]
    for file, part in zip(files[1:], parts[1:], strict=True):
        for key in SHARED:
            ours, first = (portable(p["about"][0]["plan"].get(key)) for p in (part, parts[0]))
            if ours != first:
                raise InputError(
                    f"{file} and {files[0]} are of different data: {key} {ours!r} is not {first!r}; "
                    "make a report of each"
                )
    rows: dict[tuple[Any, ...], tuple[Result, Path]] = {}
    times: dict[tuple[Any, ...], Result] = {}
    for file, part in zip(files, parts, strict=True):
        for row in part["rows"]:
            other, where = rows.setdefault(_key(row), (row, file))
            if other != row:
                raise InputError(
                    f"{file} and {where} have different scores of {label(row)}, seed {row['seed']}; "
                    "make a report of each, or leave one out"
                )
        for time in part["times"]:
            times.setdefault((time.get("system"), time.get("steps"), time.get("solver")), time)
    return Study(
        name or " and ".join(dict.fromkeys(_name_of(file) for file in files)),
        tuple(record for part in parts for record in part["about"]),
        tuple(row for row, _ in rows.values()),
        tuple(times.values()),
        tuple(strip for strip in map(_strip_of, files) if strip.is_file()),
        {name: text for part in reversed(parts) for name, text in part["notes"].items()},
    )


def _file_of(path: Path) -> Path:
    file = path / "results.json" if path.is_dir() else path
    if not file.is_file():
        raise InputError(f"no results in {path}: give a results.json, a folder that holds one, or a packed file")
    return file


def _name_of(file: Path) -> str:
    """A run's folder, or the name of a packed file."""
    return file.resolve().parent.name if file.stem.startswith("results") else file.stem


def _strip_of(file: Path) -> Path:
    return file.with_name("figure.png") if file.stem.startswith("results") else file.with_suffix(".png")


def _key(row: Result) -> tuple[Any, ...]:
    options = tuple((key, str(row[key])) for key in varied(row))
    return row["system"], row["steps"], way(row), row["images"], row["seed"], options


def _read(file: Path) -> Result:
    """``about`` (a list), ``rows``, ``times`` and ``notes`` of one file; times and notes may lie beside it."""
    found = _json(file)
    about = found.get("about")
    about = [about] if isinstance(about, dict) else about
    if not isinstance(about, list) or not about or not all(isinstance(_plan(record), dict) for record in about):
        raise InputError(f"{file} does not say what it was made on: it lacks 'about' with a 'plan'; {RIGHT}")
    rows = found.get("rows")
    if not isinstance(rows, list) or not rows:
        raise InputError(f"{file} has no rows; {RIGHT}")
    beside = file.with_name("times.json")
    times = found.get("times")
    if times is None:
        times = _json(beside).get("rows") if beside.is_file() and file.stem.startswith("results") else []
    if not isinstance(times, list) or not all(isinstance(time, dict) for time in times):
        raise InputError(f"{file} or {beside.name} beside it has times that are no list of records; {RIGHT}")
    notes = found.get("notes", {})
    if file.stem.startswith("results"):
        own = {name: file.with_name(f"{name}.md") for name in NOTES}
        notes = {name: path.read_text(encoding="utf-8") for name, path in own.items() if path.is_file()}
    if not isinstance(notes, dict) or not all(isinstance(text, str) for text in notes.values()):
        raise InputError(f"{file} has notes that are no texts by name; {RIGHT}")
    made = [_row(file, n, row) for n, row in enumerate(rows, 1)]
    return {"about": about, "rows": made, "times": times, "notes": notes}


RIGHT = "give a file that a comparison or wavegen report --pack wrote"


def _plan(record: Any) -> Any:
    return record.get("plan") if isinstance(record, dict) else None


def _row(file: Path, number: int, row: Any) -> Result:
    """A row with all that a table needs; figures that are not finite are taken for missing."""
    if not isinstance(row, dict):
        raise InputError(f"row {number} of {file} is not a record; {RIGHT}")
    for key, kind in NAMES.items():
        if not isinstance(row.get(key), kind):
            raise InputError(f"row {number} of {file} lacks {key!r}; {RIGHT}")
    made = {key: None if isinstance(v, float) and not math.isfinite(v) else v for key, v in row.items()}
    for key in METRICS:
        if not isinstance(made.get(key), float | int):
            raise InputError(f"row {number} of {file} ({label(row)}) has no {key}; {RIGHT}")
    return made


def _json(file: Path) -> Result:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot read {file}: {error.strerror}") from None
    except ValueError as error:
        raise InputError(f"{file} is not JSON ({error}); copy it again, or score the runs again") from None
    if not isinstance(found, dict):
        raise InputError(f"{file} is not a result file; {RIGHT}")
    return found
