"""Predicted spread of each process for several numbers of calls, with published and planned sampling."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from wavegen.bridges import Bridge, Plan, judge, make_grid, plan_steps
from wavegen.core.errors import InputError
from wavegen.core.registry import build

CALLS = (1, 2, 3, 4, 8, 16, 50, 200)


class Row(NamedTuple):
    """One process at one number of calls; None if it cannot be sampled with so many."""

    process: str
    calls: int
    native: Plan | None
    planned: Plan | None


def native_plan(bridge: Mapping[str, Any], calls: int, v: Sequence[float], power: Sequence[float]) -> Plan:
    """Predicted spread with the published grid, eta and solver of a process, for ``calls`` calls or one fewer.

    Heun's solver makes two calls in every step but the last, so only odd numbers are possible.

    Raises:
        InputError: the process or its solver cannot be run with so many calls.
    """
    process: Bridge = build("bridge", bridge)
    native = process.native
    steps = (calls + 1) // 2 if native.solver == "heun" else calls
    grid = make_grid(native.grid, steps, bridge=process, **native.options)
    return judge(bridge, grid, v, power, eta=native.eta, solver=native.solver)


def step_table(
    bridges: Iterable[Mapping[str, Any]],
    v: Sequence[float],
    power: Sequence[float],
    calls: Sequence[int] = CALLS,
    *,
    rescale: bool = True,
) -> list[Row]:
    """:func:`native_plan` and the planner's choice, for each process and number of calls.

    Args:
        bridges: configurations.
        v: residual variances.
        power: weight of each.
        calls: numbers of calls.
        rescale: whether the planner may choose the noise scale.
    """
    rows = []
    for bridge in bridges:
        for count in calls:
            native = _or_none(partial(native_plan, bridge, count, v, power))
            planned = _or_none(partial(plan_steps, bridge, v, power, calls=count, rescale=rescale))
            rows.append(Row(bridge["name"], count, native, planned))
    return rows


def _or_none(make: Callable[[], Plan]) -> Plan | None:
    try:
        return make()
    except InputError:
        return None
