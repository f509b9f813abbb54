"""What a comparison consists of: systems, rows of the table, data, budgets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import Tensor

from wavegen.bridges import without_eta
from wavegen.core.config import Spec
from wavegen.core.errors import InputError
from wavegen.core.types import Restoration
from wavegen.metrics.scales import Scale
from wavegen.pipeline.pipeline import Pipeline
from wavegen.training.config import Training


class Row(BaseModel):
    """One line of the table: a trained system sampled in one way.

    ``solver``, ``grid`` and ``temperature`` of None: the configuration's. ``eta`` is that of the solver, which may also
    be given as ``{"name": ..., **options}``. ``images`` of None: all test images.
    ``spread`` is taken over ``samples`` draws for each of the first ``spread_images``. ``varied`` are the keys that a
    grid varies, with this row's values: columns of the results.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    system: str
    steps: Annotated[int, Field(ge=1)] = 1
    eta: Annotated[float, Field(ge=0, le=1)] = 1.0
    solver: str | Spec | None = None
    grid: Spec | None = None
    temperature: Annotated[float | None, Field(ge=0, le=10, exclude_if=lambda value: value is None)] = None
    images: Annotated[int, Field(ge=2)] | None = None
    samples: Annotated[int, Field(ge=1)] = 4
    spread_images: Annotated[int, Field(ge=1)] = 8
    first_seed_only: bool = False
    varied: dict[str, Any] = {}

    @model_validator(mode="before")
    @classmethod
    def _one_form(cls, given: Any) -> Any:
        """``eta`` stands beside the solver, whose name alone is kept where it has no other options."""
        solver = given.get("solver") if isinstance(given, Mapping) else None
        if not isinstance(solver, Mapping) or "name" not in solver:
            return given
        eta = given.get("eta", solver.get("eta", 1.0))
        if solver.get("eta", eta) != eta:
            raise InputError(f"eta = {eta} and eta = {solver['eta']} of the solver: give one of them")
        return {**given, "eta": eta, "solver": without_eta(solver)}

    @property
    def solver_words(self) -> str | None:
        """The solver's name, with its options where it has any but eta."""
        return self.solver if isinstance(self.solver, str | None) else _words(self.solver)

    def key(self) -> str:
        """How it samples, in words: what tells rows of one system apart."""
        heat = None if self.temperature is None else f"temperature {self.temperature:g}"
        parts = [f"eta {self.eta:g}", self.solver_words, _words(self.grid) if self.grid else None, heat]
        return ", ".join(part for part in parts if part)


def _words(spec: Spec) -> str:
    return " ".join([str(spec["name"]), *(f"{key}={value}" for key, value in spec.items() if key != "name")])


class Comparison(BaseModel):
    """Systems trained alike on one data set, or its low band of level ``levels``, and judged by one table.

    ``data`` trains; a simulated set has its own test split, any other is judged on ``test``. ``scale`` is that of the
    scores (:func:`~wavegen.metrics.scales.scaled`). The options of the ``classical`` methods are chosen on
    validation images of simulated sets, on training images of others; those that are ``known`` (a PSF) are given.
    ``reference`` names the regression whose error is the residual that spreads are compared with. Without ``timed``
    no times are taken. ``steps`` are those that a calibration made of the training's minutes, by system.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    data: Spec
    test: Spec | None = None
    scale: Scale = "target"
    levels: Annotated[int, Field(ge=0, le=8)] = 0
    pool: Annotated[int, Field(ge=1)] = 1024
    test_images: Annotated[int, Field(ge=2)] = 64
    size: Annotated[int, Field(ge=16)] = 256
    training: Training
    steps: Annotated[dict[str, int], Field(exclude_if=lambda value: not value)] = {}
    systems: dict[str, Spec]
    seeds: dict[str, list[int]] = {}
    rows: list[Row]
    classical: tuple[str, ...] = ("input", "richardson-lucy")
    known: dict[str, float] = {}
    reference: str | None = None
    timed: bool = True

    def seeds_of(self, system: str) -> list[int]:
        """The seeds that a system is trained with."""
        return self.seeds.get(system, [0])

    def training_of(self, system: str, seed: int) -> Training:
        """The training of one run: with the system's own steps in place of minutes, where they are known."""
        length = {"steps": self.steps[system], "minutes": None} if system in self.steps else {}
        return self.training.model_copy(update={"seed": seed, **length})

    def runs(self) -> list[tuple[str, int]]:
        """All trainings, first seeds first, so that an unfinished comparison is broad before it is deep."""
        pairs = [(system, seed) for system in self.systems for seed in self.seeds_of(system)]
        return sorted(pairs, key=lambda pair: pair[1])

    def rows_of(self, system: str, seed: int) -> list[Row]:
        """The rows that one training is judged by."""
        first = seed == self.seeds_of(system)[0]
        return [row for row in self.rows if row.system == system and (first or not row.first_seed_only)]


def restored_by(pipe: Pipeline, row: Row, y: Tensor, seeds: Sequence[int], samples: int = 1) -> Restoration:
    """Restore (B, C, H, W) or one (C, H, W) as ``row`` says, with one seed for each image."""
    return pipe.restore(
        y,
        steps=row.steps,
        eta=row.eta,
        solver=row.solver,
        grid=row.grid,
        temperature=row.temperature,
        seed=list(seeds),
        samples=samples,
    )


def describe_run(plan: Comparison, seed: int) -> dict[str, Any]:
    """The data part of a run's configuration, kept in its checkpoint."""
    band = {"levels": plan.levels} if plan.levels else {}
    return {"data": plan.data, "pool": plan.pool, "size": plan.size, "seed": seed, **band}
