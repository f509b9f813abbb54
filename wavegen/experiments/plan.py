"""What a comparison consists of: systems, rows of the table, data, budgets."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from wavegen.config import Spec, Training
from wavegen.inference.scales import Scale


class Row(BaseModel):
    """One line of the table: a trained system sampled in one way. ``seeds`` of None: all that were trained."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    system: str
    steps: Annotated[int, Field(ge=1)] = 1
    eta: Annotated[float, Field(ge=0, le=1)] = 1.0
    images: Annotated[int, Field(ge=2)] | None = None
    samples: Annotated[int, Field(ge=1)] = 4
    spread_images: Annotated[int, Field(ge=1)] = 8
    first_seed_only: bool = False


class Comparison(BaseModel):
    """Systems trained alike on one data set and judged by one table.

    ``data`` trains; a simulated set has its own test split, any other is judged on ``test``. ``scale`` is that of the
    scores (:func:`~wavegen.inference.scales.scaled`). The options of the ``classical`` methods are chosen on
    validation images of simulated sets, on training images of others; those that are ``known`` (a PSF) are given.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    data: Spec
    test: Spec | None = None
    scale: Scale = "target"
    pool: Annotated[int, Field(ge=1)] = 1024
    test_images: Annotated[int, Field(ge=2)] = 64
    size: Annotated[int, Field(ge=16)] = 256
    training: Training
    systems: dict[str, Spec]
    seeds: dict[str, list[int]] = {}
    rows: list[Row]
    classical: tuple[str, ...] = ("input", "richardson-lucy")
    known: dict[str, float] = {}

    def seeds_of(self, system: str) -> list[int]:
        """The seeds that a system is trained with."""
        return self.seeds.get(system, [0])

    def runs(self) -> list[tuple[str, int]]:
        """All trainings, first seeds first, so that an unfinished comparison is broad before it is deep."""
        pairs = [(system, seed) for system in self.systems for seed in self.seeds_of(system)]
        return sorted(pairs, key=lambda pair: pair[1])


def describe_run(plan: Comparison, seed: int) -> dict[str, Any]:
    """The data part of a run's configuration, kept in its checkpoint."""
    return {"data": plan.data, "pool": plan.pool, "size": plan.size, "seed": seed}
