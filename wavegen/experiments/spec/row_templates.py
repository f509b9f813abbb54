"""Rows as recipes write them: lists of values, and samplers as publications use them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

from wavegen.bridges import grid_steps, native_grid
from wavegen.core.config import Spec
from wavegen.core.registry import build
from wavegen.experiments.spec.comparison import Row

LISTED = ("images", "system", "steps", "eta")  # keys of a row that may be lists: one row for each combination


def expanded(template: Spec) -> Iterator[Spec]:
    """The rows that a template stands for, in the order of its lists; ``native`` is filled in."""
    values = dict(template)
    if "native" in values:
        values = {**native_settings(values.pop("native")), **values}
    lists = {key: values[key] for key in LISTED if isinstance(values.get(key), list)}
    for chosen in product(*lists.values()):
        yield {**values, **dict(zip(lists, chosen, strict=True))}


def native_settings(bridge: str) -> Spec:
    """Steps, eta, solver and grid with which the publication of ``bridge`` samples."""
    process = build("bridge", bridge)
    native = process.native
    times = native_grid(process)
    # At eta 1, as BBDM samples, its solver is the generic step.
    native_steps, generic = (grid_steps(process, times, solver=s, eta=native.eta) for s in (native.solver, "generic"))
    solver = None if native_steps == generic else native.solver
    grid = {"name": native.grid, **native.options}
    return {"steps": native.steps, "eta": native.eta, "solver": solver, "grid": grid}


def native_row(system: str, bridge: str, **options: Any) -> Row:
    """A row that samples ``system`` as the publication of ``bridge`` does."""
    return Row(system=system, **native_settings(bridge), **options)
