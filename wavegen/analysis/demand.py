"""How many network calls a band needs, without y and given y, and what each process keeps with a number of calls."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor

from wavegen.analysis.spectra import TINY, band_spectrum, wiener_residual
from wavegen.bridges import Bridge, Plan, judge, make_grid, plan_steps
from wavegen.core.errors import InputError
from wavegen.core.registry import build

SHARE = 0.9  # fraction of the spread to be preserved
GROUPS = 8  # number of variances that approximate a spectrum
FLOOR = 1e-9  # lower variances, in a band of unit variance, are float32 rounding errors
CALLS = (1, 2, 3, 4, 8, 16, 50, 200)  # compared in the table of processes
SOLVER = "multistep-start"  # never worse than the one-step solver once it has two estimates, and the start is one


def grouped(v: Sequence[float], weights: Sequence[float], groups: int = GROUPS) -> tuple[list[float], list[float]]:
    """Weighted means and total weights in at most ``groups`` bins of equal width in the log of the variance."""
    values, w = (torch.as_tensor(k, dtype=torch.float64).clamp_min(TINY) for k in (v, weights))
    log = values.log()
    step = float(log.max() - log.min()) / groups or 1.0
    group = ((log - log.min()) / step).long().clamp_max(groups - 1)
    total = torch.zeros(groups, dtype=torch.float64).index_add_(0, group, w)
    mean = torch.zeros(groups, dtype=torch.float64).index_add_(0, group, w * log) / total
    occupied = total > 0
    return mean[occupied].exp().tolist(), total[occupied].tolist()


def calls_without_y(power: Sequence[float], modes: Sequence[float]) -> int | None:
    """Calls that preserve 0.9 of the spread of an unconditional model, averaged equally over frequencies.

    This is the setting of theorem 1. None: no spectrum, or no plan within the planner's 64 calls.
    """
    return _calls([max(k, FLOOR) for k in power], modes) if power else None


def calls_given_y(name: str, band: Tensor, y_band: Tensor) -> int | None:
    """Calls that preserve 0.9 of the spread of the band given y's band, as in ``wavegen plan``.

    Args:
        name: of the band.
        band: (B, C, h, w), from at least 8 targets.
        y_band: the same band of the degraded images.
    """
    scale = band.std().clamp_min(1e-8)
    spectrum = band_spectrum(name, *wiener_residual(band / scale, y_band / scale))
    return _calls(spectrum.variances, spectrum.weights)


def _calls(v: Sequence[float], weights: Sequence[float]) -> int | None:
    plan = _or_none(partial(plan_steps, "bbdp", *grouped(v, weights), share=SHARE, solvers=(SOLVER,)))
    return None if plan is None else plan.calls


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
