"""Rows of results as tables for people: means over seeds, intervals, units."""

from __future__ import annotations

import math
import statistics
from collections.abc import Collection, Sequence
from typing import Any

from wavegen.reports.blocks import Table
from wavegen.reports.intervals import interval

Result = dict[str, Any]
COLUMNS: list[tuple[str, str, str]] = [
    ("psnr", "PSNR dB", ".2f"),
    ("ssim", "SSIM", ".4f"),
    ("lpips", "LPIPS", ".4f"),
    ("kid_effnet_lite0", "KID ×1000", ".2f"),
    ("spectrum_error", "LSD dB", ".2f"),
    ("spread", "spread", ".4f"),
    ("kept", "spread kept", ".2f"),
    ("spread_skill", "spread/skill", ".2f"),
    ("spread_error", "spread error", ".2f"),
    ("nfe", "calls", ".0f"),
    ("ms_batch_1", "ms, batch 1", ".1f"),
    ("ms_batch_8", "ms, batch 8", ".1f"),
    ("parameters", "parameters M", ".2f"),
    ("minutes", "core min", ".1f"),
    ("training_steps", "steps trained", ".0f"),
    ("s", "S", ".3g"),
    ("s_over_v", "S/v", ".1f"),
    ("images", "images", ".0f"),
    ("seeds", "seeds", ".0f"),
]
SCALE = {"kid_effnet_lite0": 1000.0, "parameters": 1e-6}
SCORES = ("psnr", "ssim", "lpips", "kid_effnet_lite0", "spectrum_error", "spread", "spread_skill", "spread_error")


def varied(row: Result) -> list[str]:
    """The configuration keys that a grid varied: columns of a row whose names have a dot."""
    return [key for key in row if "." in key]


def label(row: Result) -> str:
    """What a row is called: the system and how it was sampled; only the system of methods without steps."""
    return f"{row['system']}, {row['steps']} at {way(row)}" if row["steps"] else str(row["system"])


def way(row: Result) -> str:
    """How a row was sampled, in words."""
    return str(row.get("key", f"eta {row.get('eta', 1.0):g}"))


def with_spread_error(results: Sequence[Result], reference: str | None = None) -> list[Result]:
    """The rows with ``spread_error``, abs(ln ratio): 0 where samples are as spread as they should be.

    Infinite of no spread. The ratio is the spread over the mean error of the system ``reference`` on as many images;
    where it was not scored on those, spread over skill.
    """
    errors = _errors(results, reference)
    made = []
    for row in results:
        ratio = row.get("spread_skill")
        if row["images"] in errors:
            spread = row.get("spread")
            ratio = None if spread is None else spread / errors[row["images"]]
        if ratio is not None and row["steps"]:
            row = row | {"spread_error": abs(math.log(ratio)) if 0 < ratio < math.inf else math.inf}
        made.append(row)
    return made


def _errors(results: Sequence[Result], reference: str | None) -> dict[int, float]:
    """The error of the system ``reference`` by number of images, the mean over its seeds."""
    found: dict[int, list[float]] = {}
    for row in results:
        if row["system"] == reference and row.get("rmse") is not None:
            found.setdefault(row["images"], []).append(row["rmse"])
    return {images: statistics.fmean(values) for images, values in found.items()}


def aggregate(results: Sequence[Result], times: Sequence[Result], reference: str | None = None) -> list[Result]:
    """One row for each (system, steps, way of sampling, images) and each value of what a grid varied: means over seeds.

    ``<key>_half`` is half the width of the mean's 95 % interval, from two seeds on. ``kept`` is the variance over
    samples as a share of the squared error of the system ``reference`` on as many images. Methods without training
    have the time of their scoring, one image at a time.
    """
    groups: dict[tuple[Any, ...], list[Result]] = {}
    for result in with_spread_error(results, reference):
        options = tuple(str(result[key]) for key in varied(result))
        groups.setdefault((result["system"], result["steps"], way(result), result["images"], options), []).append(
            result
        )
    timed = {(t["system"], t["steps"], t.get("solver")): t for t in times}
    errors = _errors(results, reference)
    rows = []
    for (system, steps, key, images, _), members in groups.items():
        row: Result = {"system": system, "steps": steps, "key": key, "images": images, "seeds": len(members)}
        row |= {option: members[0][option] for option in varied(members[0])}
        for name, _, _ in COLUMNS:
            values = [m[name] for m in members if m.get(name) is not None]
            if name not in row and values:
                row[name], half, _ = interval(values)
                if half is not None:
                    row[name + "_half"] = half
        if row.get("spread") is not None and images in errors:
            row["kept"] = (row["spread"] / errors[images]) ** 2
        time = timed.get((system, steps, members[0].get("solver")), {})
        row |= {k: v for k, v in time.items() if k.startswith("ms_")}
        if not steps and members[0].get("ms_per_image") is not None:
            row.setdefault("ms_batch_1", members[0]["ms_per_image"])
        rows.append(row)
    return rows


def table(rows: Sequence[Result], leave_out: Collection[str] = ()) -> Table:
    """Aggregated rows as cells, without ``leave_out`` and empty columns; ± is half the 95 % interval over seeds."""
    options = list(dict.fromkeys(key for row in rows for key in varied(row)))
    columns = [c for c in COLUMNS if c[0] not in leave_out and any(row.get(c[0]) is not None for row in rows)]
    made = []
    for row in rows:
        cells = [label(row), *(str(row.get(option, "–")) for option in options)]
        for key, _, form in columns:
            value, scale = row.get(key), SCALE.get(key, 1.0)
            learnt = key in ("spread", "nfe", "parameters", "minutes")
            text = "–" if value is None or (learnt and not row["steps"]) else number(value * scale, form)
            if row.get(key + "_half") is not None and key in SCORES:
                text += " ± " + format(row[key + "_half"] * scale, form)
            cells.append(text)
        made.append(tuple(cells))
    return Table(("system", *options, *(title for _, title, _ in columns)), tuple(made))


def number(value: float, form: str) -> str:
    """A figure as text, also where it is infinite."""
    return "∞" if value == math.inf else format(value, form)


def markdown(rows: Sequence[Result], leave_out: Collection[str] = ()) -> str:
    """:func:`table` in Markdown."""
    return table(rows, leave_out).markdown()
