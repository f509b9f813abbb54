"""Tables of images: CSV as programs and spreadsheets write it."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from wavegen.core.errors import InputError, near_matches
from wavegen.core.guard import guarded

SEPARATORS = ",;\t"
Row = dict[str, str]


def read_rows(index: Path, wanted: Sequence[str], filters: Mapping[str, str | None]) -> list[Row]:
    """Rows of a table that pass the filters.

    Values are separated by commas, semicolons or tabs, whichever the first line has most of. The text is UTF-8, or
    UTF-16 with a mark. Spaces around values and empty lines do not count.

    Raises:
        InputError: the table cannot be read or lacks columns (those found are named), or no row has a requested value.
    """
    rows = guarded(index, _table, "not a table of comma-separated values (CSV)", "save it again as CSV UTF-8")
    requested = {key: value for key, value in filters.items() if value is not None}
    missing = [key for key in (*wanted, *requested) if not rows or key not in rows[0]]
    if missing:
        found = f"its columns are {', '.join(map(repr, rows[0]))}" if rows else "it is empty"
        raise InputError(f"{index} has no rows with {', '.join(missing)}: {found}; the first line names the columns")
    for key, value in requested.items():
        known = {row[key] for row in rows}
        if value not in known:
            raise InputError(f"{index}: no row with {key} = {value!r}; {near_matches(value, known)}")
        rows = [row for row in rows if row[key] == value]
    return rows


def beside(index: Path, name: str) -> Path:
    """The file that a table names; backslashes separate folders where there is no file of that very name."""
    path = index.parent / name
    return path if "\\" not in name or path.exists() else index.parent / name.replace("\\", "/")


def _table(path: Path) -> list[Row]:
    """All rows of a table, by column."""
    data = path.read_bytes()
    marked = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    text = data.decode("utf-16" if marked else "utf-8-sig")
    first = text.split("\n", 1)[0]
    separator = max(SEPARATORS, key=first.count)
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True, strict=True)
    columns = [name.strip() for name in next(lines, [])]
    while columns and not columns[-1]:
        columns.pop()
    if len(set(columns)) < len(columns) or "" in columns:
        raise InputError(f"its columns are {', '.join(map(repr, columns))}: give each a name of its own")
    rows = []
    for line in lines:
        values = [value.strip() for value in line]
        if any(values[len(columns) :]):
            raise InputError(f"line {lines.line_num} has {len(values)} values for {len(columns)} columns")
        if any(values):
            rows.append(dict(zip(columns, values + [""] * len(columns), strict=False)))
    return rows
