"""A grid: configurations that differ in stated keys, as a comparison whose trainings are shared where they can be."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from wavegen.bridges import chosen_solver, make_solver, without_eta
from wavegen.core.config import Spec, check
from wavegen.core.errors import InputError, near_matches
from wavegen.core.registry import build
from wavegen.experiments.spec.comparison import Comparison, Row
from wavegen.experiments.spec.differences import differ, labelled, sampling_only, without_sampler
from wavegen.metrics.scales import Scale
from wavegen.pipeline.config import PipelineConfig
from wavegen.pipeline.pipeline import Pipeline
from wavegen.training.config import Training
from wavegen.training.state import described

Named = dict[str, Spec | str]
POINTS, RUNS = 1000, 10_000  # limits of one grid, which is checked point by point before it runs


class Grid(BaseModel):
    """What a grid file holds.

    ``base`` is a preset, or one with differences. ``systems`` are named differences from it (a preset's name alone is
    one, too), ``vary`` gives keys their values; all combinations are run. Keys are dotted (``transform.name``). A
    ``name`` that is changed so keeps the options that the new component has, too. ``rows`` are ways of judging every
    system (or ``system``): the fields of :class:`~wavegen.experiments.Row`. ``seeds`` is their number, a list, or
    lists by system. The rest is as in :class:`~wavegen.experiments.Comparison`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    base: str | Spec
    vary: dict[str, Annotated[list[Any], Field(min_length=1)]] = {}
    systems: Annotated[Named | list[str | Named], Field(min_length=1)] | None = None
    rows: Annotated[list[Spec], Field(min_length=1)] = [{}]
    seeds: Annotated[int, Field(ge=1)] | list[int] | dict[str, list[int]] = 1
    data: Spec | str
    test: Spec | None = None
    training: Spec
    scale: Scale = "target"
    levels: int = 0
    pool: int = 1024
    test_images: int = 64
    size: int = 256
    classical: tuple[str, ...] = ()
    known: dict[str, float] = {}
    reference: str | None = None
    timed: bool = True


@dataclass(frozen=True)
class _Point:
    """One combination: its system's name, its label and values, how it samples, and what it is trained as."""

    name: str
    label: str
    varied: Spec
    config: PipelineConfig
    calls: int
    spec: Spec
    trained: PipelineConfig


@dataclass
class _System:
    """A training, and the rows that it is judged by."""

    label: str
    spec: Spec
    config: PipelineConfig
    pipe: Pipeline
    rows: list[Row] = field(default_factory=list)

    def add(self, row: Row) -> None:
        """Add a row; one of more calls than the process takes is left out with a remark."""
        most = self.pipe.bridge.max_steps
        if most is not None and row.steps > most:
            print(f"left out: {row.system} at {row.steps} calls, of which its process takes {most}", file=sys.stderr)
            return
        self.pipe.grid(row.steps, row.grid or self.config.sampler.grid)
        make_solver(chosen_solver(self.config.sampler.solver, row.solver, row.eta), bridge=self.pipe.bridge)
        if (row.steps, row.key(), row.images) not in {(r.steps, r.key(), r.images) for r in self.rows}:
            self.rows.append(row)


def read_grid(values: Mapping[str, Any], where: str = "grid") -> Comparison:
    """The comparison that a grid stands for, all of it checked: nothing is left to go wrong in its configuration.

    Raises:
        InputError: an unknown key (with near matches), a value out of range, a configuration that cannot be built, a
            way of sampling that its process or solver lacks; ``where`` says in which file.
    """
    try:
        grid: Grid = check(Grid, values, where)
        _check_numbers(grid)
        systems = _systems(grid)
        plan: Comparison = check(Comparison, _common(grid) | _seeds(grid, systems) | {
            "systems": {name: system.spec for name, system in systems.items()},
            "rows": [row for system in systems.values() for row in system.rows],
        }, where)  # fmt: skip
    except InputError as error:
        text = str(error)
        raise InputError(text if text.startswith(where) else f"{where}: {text}") from None
    if plan.reference is not None and plan.reference not in plan.systems:
        raise InputError(f"{where}: reference {plan.reference!r}; {near_matches(plan.reference, plan.systems)}")
    return plan


def _check_numbers(grid: Grid) -> None:
    """Refuse, before any of it is laid out, a grid that nobody can run or read.

    Raises:
        InputError: more combinations, runs or rows than their limits.
    """
    systems = 1 if grid.systems is None else sum(1 if isinstance(e, str) else len(e) for e in _entries(grid.systems))
    points = systems * math.prod(map(len, grid.vary.values()))
    given = grid.seeds.values() if isinstance(grid.seeds, dict) else [grid.seeds]
    seeds = max((n if isinstance(n, int) else len(n) for n in given), default=1)
    for number, most, what in (
        (points, POINTS, "combinations of systems and values"),
        (points * seeds, RUNS, "runs (combinations x seeds)"),
        (points * len(grid.rows), RUNS, "rows (combinations x rows)"),
    ):
        if number > most:
            raise InputError(f"{number:,} {what}, above the limit of {most:,}: vary fewer keys or values at once")


def _entries(systems: Named | list[str | Named]) -> list[str | Named]:
    return [systems] if isinstance(systems, dict) else systems


def _common(grid: Grid) -> dict[str, Any]:
    training: Training = check(Training, grid.training, "training")
    if (training.steps is None) == (training.minutes is None):
        raise InputError("training: give either steps or minutes")
    taken = Grid.model_fields.keys() & Comparison.model_fields.keys() - {"systems", "rows", "seeds", "training", "data"}
    data = {"name": grid.data} if isinstance(grid.data, str) else grid.data
    return {"training": training, "data": data, **{key: getattr(grid, key) for key in sorted(taken)}}


def _seeds(grid: Grid, systems: Iterable[str]) -> dict[str, Any]:
    if isinstance(grid.seeds, dict):
        for name in grid.seeds:
            if name not in systems:
                raise InputError(f"seeds: no system {name!r}; {near_matches(name, systems)}")
            _check_seeds(f"seeds.{name}", grid.seeds[name])
        return {"seeds": grid.seeds}
    seeds = list(range(grid.seeds)) if isinstance(grid.seeds, int) else grid.seeds
    _check_seeds("seeds", seeds)
    return {"seeds": dict.fromkeys(systems, seeds)}


def _check_seeds(where: str, seeds: Sequence[int]) -> None:
    if not seeds or len(set(seeds)) < len(seeds) or min(seeds) < 0:
        raise InputError(f"{where} = {seeds}: give different whole numbers from 0, or how many")


def _named(grid: Grid) -> Iterator[tuple[str, Spec]]:
    """Names of the systems of a grid, and their differences."""
    if grid.systems is None:
        yield "", {}
        return
    seen = set()
    for entry in _entries(grid.systems):
        for name, given in ({entry: entry} if isinstance(entry, str) else entry).items():
            if name in seen:
                raise InputError(f"systems: {name!r} is given twice")
            seen.add(name)
            yield name, {"name": given} if isinstance(given, str) else given


def _systems(grid: Grid) -> dict[str, _System]:
    """Every training by its name, with its rows. Points that differ in their sampling alone share one."""
    known = [name for name, _ in _named(grid)]
    for given in grid.rows:
        if "system" in given and given["system"] not in known:
            raise InputError(f"rows: no system {given['system']!r}; {near_matches(str(given['system']), known)}")
    systems: dict[str, _System] = {}
    for point in _points(grid):
        system = next((s for s in systems.values() if s.config == point.trained), None)
        if system is None:  # building checks the names and options of all parts
            system = systems[point.label] = _System(
                point.label, point.spec, point.trained, Pipeline.from_config(point.spec)
            )
        elif point.label != system.label:
            print(f"{point.label}: the training of {system.label}, which its rows are named after", file=sys.stderr)
        for given in grid.rows:
            if given.get("system", point.name) == point.name:
                system.add(_row(system, point, given))
    for label, system in systems.items():
        if not system.rows:
            raise InputError(f"{label}: no row is left; its process takes fewer calls than every row has")
    return systems


def _points(grid: Grid) -> Iterator[_Point]:
    """All combinations of systems and values."""
    base: Spec = {"name": grid.base} if isinstance(grid.base, str) else grid.base
    Pipeline.configure(base)
    for (name, named), values in product(list(_named(grid)), product(*grid.vary.values())):
        varied = dict(zip(grid.vary, values, strict=True))
        changes = {**named, **varied}
        spec = differ(base, changes)
        config = Pipeline.configure(spec)
        most = build("bridge", config.bridge).max_steps
        trained = varied
        if sampling_only(config):
            spec, trained = differ(base, without_sampler(changes)), without_sampler(varied)
        if most is not None:
            spec = differ(spec, {"sampler.steps": most})
        # A process that takes fewer calls than the base has is sampled with as many as it takes.
        calls = most if most is not None and without_sampler(changes) == changes else config.sampler.steps
        label = labelled(name, trained) or str(base["name"])
        yield _Point(name, label, varied, config, calls, spec, Pipeline.configure(spec))


def _row(system: _System, point: _Point, given: Spec) -> Row:
    """How one point of a grid is sampled: as its row says, else its configuration."""
    sampler, system_sampler = point.config.sampler, system.config.sampler
    solver, row_solver = without_eta(sampler.solver), given.get("solver")
    settings: Spec = {
        "steps": point.calls,
        "eta": sampler.eta,
        "solver": solver if solver != without_eta(system_sampler.solver) else None,
        "grid": sampler.grid if sampler.grid != system_sampler.grid else None,
        "temperature": sampler.temperature if sampler.temperature != system_sampler.temperature else None,
    }
    if isinstance(row_solver, Mapping) and "eta" in row_solver:
        del settings["eta"]
    row: Row = check(Row, {**settings, **given, "system": system.label, "varied": point.varied}, "rows")
    return row


def same_grid(was: Comparison, now: Comparison) -> str:
    """What keeps ``now`` from being ``was`` or more of it: a grid may grow, in systems, seeds and rows."""
    free = {"systems", "seeds", "rows", "timed", "reference", "training", "steps"}
    for key in Comparison.model_fields:
        if key not in free and getattr(was, key) != getattr(now, key):
            return key
    if described(was.training) != described(now.training):
        return "training"
    for name, spec in was.systems.items():
        same = name in now.systems and (now.systems[name] == spec or _same_system(now.systems[name], spec))
        if not same:
            return f"systems ({name})"
        if not set(was.seeds_of(name)) <= set(now.seeds_of(name)):
            return f"seeds ({name})"
    missing: Sequence[Row] = [row for row in was.rows if row not in now.rows]
    return f"rows ({missing[0].system}, {missing[0].steps} steps)" if missing else ""


def _same_system(one: Spec, other: Spec) -> bool:
    """Whether two specifications are one configuration, perhaps written in the forms of two versions."""
    return Pipeline.configure(one) == Pipeline.configure(other)
