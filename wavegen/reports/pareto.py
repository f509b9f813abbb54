"""Which systems no other one beats in time and quality at once."""

from __future__ import annotations

import math
from collections.abc import Sequence

Costs = Sequence[float | None]


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
