"""What reading, writing and reading again does to every kind of file: differences by name, or none."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.file_kinds import KINDS, Expected, Kind
from wavegen.core.errors import InputError
from wavegen.io import Stack, not_kept, open_stack, write_stack

CLOSE = 1e-6  # relative: TIFF keeps resolutions as fractions of 32-bit numbers


def differences(stack: Stack, expected: Expected) -> list[str]:
    """What a stack holds otherwise than expected."""
    found = []
    if (stack.axes, stack.shape) != (expected.axes, expected.values.shape):
        found.append(f"axes {stack.axes} {stack.shape}, not {expected.axes} {expected.values.shape}")
    elif not np.array_equal(np.asarray(stack.array[...], stack.dtype), expected.values.astype(stack.dtype)):
        found.append("values")
    if not _same(dict(stack.pixel_um), dict(expected.pixel_um)):
        found.append(f"pixel sizes {dict(stack.pixel_um)}, not {dict(expected.pixel_um)}")
    if stack.channels != expected.channels:
        found.append(f"channels {stack.channels}, not {expected.channels}")
    for key, value in expected.other.items():
        if not _same(stack.other.get(key), value):
            found.append(f"{key} {stack.other.get(key)}, not {value}")
    return found


def _same(one: Any, other: Any) -> bool:
    """Whether two values agree, numbers up to rounding; a mapping may hold more than what is expected of it."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return all(key in one and _same(one[key], value) for key, value in other.items())
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, float | int) and isinstance(other, float | int):
        return abs(one - other) <= CLOSE * max(abs(one), abs(other))
    return bool(one == other)


def tried(kind: Kind, folder: Path) -> dict[str, Any]:
    """Make a file, read it, write it, and read that: ``read`` and ``written`` list the differences.

    Raises:
        InputError: the kind needs a package that is not installed.
    """
    path, back = folder / f"a{kind.extension}", folder / f"b{kind.extension}"
    expected = kind.make(path)
    found: dict[str, Any] = {"kind": kind.name, "by": kind.by, "extension": kind.extension, "written": ["not reached"]}
    try:
        stack = open_stack(path)
        found["read"] = differences(stack, expected)
        write_stack(back, stack, {"step": 1})
        again = open_stack(back)
        lost = not_kept(back, stack)
        found["written"] = differences(again, expected) + [f"not kept: {name}" for name in lost]
        if again.other.get("records") != [{"step": 1}]:
            found["written"].append(f"records {again.other.get('records')}")
    except InputError as error:
        found.setdefault("read", [str(error)])
        found["written"] = [str(error)]
    return found


def table(rows: list[dict[str, Any]]) -> str:
    """The rows as Markdown, and the count of kinds without a difference."""
    lines = ["| written by | extension | kind | read | written and read again |", "|---|---|---|---|---|"]
    for row in rows:
        told = ["; ".join(row[key]) or "equal" for key in ("read", "written")]
        lines.append(f"| {row['by']} | `{row['extension']}` | {row['kind']} | {told[0]} | {told[1]} |")
    equal = sum(not row["read"] and not row["written"] for row in rows)
    return "\n".join(
        [*lines, "", f"{equal} of {len(rows)} kinds come back equal: values, axes, units, names and tags."]
    )


def round_trip(folder: Path) -> list[dict[str, Any]]:
    """All kinds, each in a folder of its own."""
    rows = []
    for number, kind in enumerate(KINDS):
        place = folder / str(number)
        place.mkdir()
        rows.append(tried(kind, place))
    return rows
