"""Which systems no other one beats in time and quality at once: fronts of points, of rows, and as a table."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from wavegen.reports.blocks import Table
from wavegen.reports.columns import ranked
from wavegen.reports.tables import label

Result = dict[str, Any]
Costs = Sequence[float | None]
# Scores that are considered together, and with time.
JOINT = {"PSNR, SSIM": ("psnr", "ssim"), "LPIPS, KID, spread": ("lpips", "kid_effnet_lite0", "spread_error")}
BATCHES = (1, 8)


def pareto_front(times: Costs, costs: Sequence[Costs]) -> list[bool]:
    """For each point, whether no other one is at least as good in everything and better in something.

    Equal points are all on the front. A missing cost among others counts as infinite: it wins nothing and does not
    hide what the point has. A point without a time or without any finite cost is on no front and keeps nobody off it.

    Args:
        times: a time for each point; lower is better.
        costs: one or more costs for each point, in the same order for all; lower is better.
    """
    filled = [[math.inf if c is None else c for c in cost] for cost in costs]
    points = [
        (time, *cost) if time is not None and min(cost) < math.inf else None
        for time, cost in zip(times, filled, strict=True)
    ]
    known = [point for point in points if point is not None]
    return [point is not None and not any(_dominates(other, point) for other in known) for point in points]


def _dominates(a: Sequence[float], b: Sequence[float]) -> bool:
    return all(x <= y for x, y in zip(a, b, strict=True)) and any(x < y for x, y in zip(a, b, strict=True))


def front(rows: Sequence[Result], keys: Sequence[str], batch: int) -> list[bool]:
    """Which aggregated rows are on the front of ``keys`` against time at ``batch``."""
    signs = {column.key: -1.0 if column.higher_is_better else 1.0 for column in ranked("fronts") if column.key in keys}
    times = [row.get(f"ms_batch_{batch}") for row in rows]
    costs = [[None if row.get(key) is None else sign * row[key] for key, sign in signs.items()] for row in rows]
    return pareto_front(times, costs)


def timed(rows: Sequence[Result], batch: int) -> list[Result]:
    """The rows that have a time at ``batch``; the input is no restoration."""
    return [row for row in rows if row["system"] != "input" and row.get(f"ms_batch_{batch}") is not None]


def fronts(rows: Sequence[Result]) -> Table:
    """For each timed row and each front, the batches at which the row is on it."""
    shown = [row for row in rows if any(timed([row], batch) for batch in BATCHES)]
    keys = {column.title: (column.key,) for column in ranked("fronts")} | JOINT
    columns = {title: _batches_on_front(shown, keys[title]) for title in keys if _scored(shown, keys[title])}
    lines = [(label(row), *(column[at] for column in columns.values())) for at, row in enumerate(shown)]
    return Table(("on the front at batch", *columns), tuple(lines))


def _scored(rows: Sequence[Result], keys: Sequence[str]) -> bool:
    return any(row.get(key) is not None for row in rows for key in keys)


def _batches_on_front(rows: Sequence[Result], keys: Sequence[str]) -> list[str]:
    """A cell for each row."""
    by_batch = {str(batch): front(rows, keys, batch) for batch in BATCHES}
    return [", ".join(b for b, on_front in by_batch.items() if on_front[at]) or "–" for at in range(len(rows))]
