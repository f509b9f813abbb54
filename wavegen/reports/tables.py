"""Rows of results as tables for people: means over seeds, intervals, units."""

from __future__ import annotations

import math
import statistics
from collections.abc import Collection, Sequence
from typing import Any

from wavegen.reports.blocks import Table
from wavegen.reports.columns import Column, columns, quality
from wavegen.reports.intervals import interval

Result = dict[str, Any]
Identity = tuple[Any, ...]
STEPLESS = ("spread", "nfe", "parameters", "minutes")  # mean nothing of methods without steps


def varied(row: Result) -> list[str]:
    """The configuration keys that a grid varied: columns of a row whose names have a dot."""
    return [key for key in row if "." in key]


def label(row: Result) -> str:
    """What a row is called: the system and how it was sampled; only the system of methods without steps."""
    return f"{row['system']}, {row['steps']} at {way(row)}" if row["steps"] else str(row["system"])


def way(row: Result) -> str:
    """How a row was sampled, in words."""
    eta = 1.0 if row.get("eta") is None else row["eta"]
    return str(row.get("key") or f"eta {eta:g}")


def identity(row: Result) -> Identity:
    """What rows of one system, sampled in one way on as many images, have in common: all but the seed."""
    options = tuple((key, str(row[key])) for key in varied(row))
    return row["system"], row["steps"], way(row), row["images"], options


def with_spread_error(results: Sequence[Result], reference: str | None = None) -> list[Result]:
    """The rows with ``spread_error``, abs(ln ratio): 0 where samples are as spread as they should be.

    Infinite of no spread. The ratio is the spread over the mean error of the system ``reference`` on as many images;
    where it was not scored on those, spread over skill.
    """
    errors = _errors(results, reference)
    rows = []
    for row in results:
        ratio = row.get("spread_skill")
        if row["images"] in errors:
            spread = row.get("spread")
            ratio = None if spread is None else spread / errors[row["images"]]
        if ratio is not None and row["steps"]:
            row = row | {"spread_error": abs(math.log(ratio)) if 0 < ratio < math.inf else math.inf}
        rows.append(row)
    return rows


def _errors(results: Sequence[Result], reference: str | None) -> dict[int, float]:
    """The error of the system ``reference`` by number of images, the mean over its seeds."""
    errors: dict[int, list[float]] = {}
    for row in results:
        if row["system"] == reference and row.get("rmse"):  # an error of 0 is no measure of a spread
            errors.setdefault(row["images"], []).append(row["rmse"])
    return {images: statistics.fmean(values) for images, values in errors.items()}


def aggregate(results: Sequence[Result], times: Sequence[Result], reference: str | None = None) -> list[Result]:
    """One row for each (system, steps, way of sampling, images) and each value of what a grid varied: means over seeds.

    ``<key>_half`` is half the width of the mean's 95 % interval, from two seeds on. ``kept`` is the variance over
    samples as a share of the squared error of the system ``reference`` on as many images. Methods without training
    have the time of their scoring, one image at a time.
    """
    groups: dict[Identity, list[Result]] = {}
    for result in with_spread_error(results, reference):
        groups.setdefault(identity(result), []).append(result)
    timed = {(t["system"], t["steps"], t.get("solver")): t for t in times}
    errors = _errors(results, reference)
    keys = [column.key for column in columns()]
    rows = []
    for members in groups.values():
        row = _means(members, keys)
        if row.get("spread") is not None and row["images"] in errors:
            row["kept"] = (row["spread"] / errors[row["images"]]) ** 2
        time = timed.get((row["system"], row["steps"], members[0].get("solver")), {})
        row |= {key: value for key, value in time.items() if key.startswith("ms_")}
        if not row["steps"] and members[0].get("ms_per_image") is not None:
            row.setdefault("ms_batch_1", members[0]["ms_per_image"])
        rows.append(row)
    return rows


def _means(members: Sequence[Result], keys: Sequence[str]) -> Result:
    """What all seeds share, and the mean of each key with half its interval."""
    first = members[0]
    row: Result = {key: first[key] for key in ("system", "steps", "images")}
    row |= {"key": way(first), "seeds": len(members)} | {option: first[option] for option in varied(first)}
    for key in keys:
        values = [member[key] for member in members if member.get(key) is not None]
        if key not in row and values:
            row[key], half, _ = interval(values)
            if half is not None:
                row[key + "_half"] = half
    return row


def table(rows: Sequence[Result], leave_out: Collection[str] = ()) -> Table:
    """Aggregated rows as cells, without ``leave_out`` and empty columns; ± is half the 95 % interval over seeds."""
    options = list(dict.fromkeys(key for row in rows for key in varied(row)))
    shown = [c for c in columns() if c.key not in leave_out and any(row.get(c.key) is not None for row in rows)]
    scores = {column.key for column in quality()}
    lines = []
    for row in rows:
        varied_values = (str(row.get(option, "–")) for option in options)
        lines.append((label(row), *varied_values, *(_cell(row, column, column.key in scores) for column in shown)))
    return Table(("system", *options, *(column.title for column in shown)), tuple(lines))


def _cell(row: Result, column: Column, with_interval: bool) -> str:
    value, half = row.get(column.key), row.get(column.key + "_half")
    if column.key in STEPLESS and not row["steps"]:
        value = None
    text = "–" if value is None else number(value * column.factor, column.form)
    return f"{text} ± {half * column.factor:{column.form}}" if half is not None and with_interval else text


def number(value: float, form: str) -> str:
    """A figure as text, also where it is infinite."""
    return "∞" if value == math.inf else format(value, form)


def markdown(rows: Sequence[Result], leave_out: Collection[str] = ()) -> str:
    """:func:`table` in Markdown."""
    return table(rows, leave_out).markdown()
