"""The parts of a recipe: data sets, profiles, checkpoints to ship, rivals, expectations."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from wavegen.core.config import Spec
from wavegen.metrics.scales import Scale


class Part(BaseModel):
    """A part of a recipe: no unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Data(Part):
    """One data set of a recipe: what trains, what judges, and how.

    ``train`` and ``test`` are data sets (a simulator splits itself and has no ``test``); ``settings`` are laid on
    every system (channels, intensities), ``training`` on the profile's; ``systems`` are those that this data set is
    for; ``classical``, ``known`` and ``scale`` as in :class:`~wavegen.experiments.Comparison`. Rows of a subset of
    the images take ``share`` times fewer; ``subsets: false`` leaves them out.
    """

    train: Spec
    test: Spec | None = None
    scale: Scale = "target"
    settings: Spec = {}
    training: Spec = {}
    systems: tuple[str, ...] | None = None
    classical: tuple[str, ...] | None = None
    known: dict[str, float] = {}
    test_images: int | None = None
    share: Annotated[int, Field(ge=1)] = 1
    subsets: bool = True


class Profile(Part):
    """How much is done: what ``--preset`` chooses.

    ``minutes`` is the default budget, unless ``training`` says steps; ``seeded`` profiles train the recipe's
    ``several`` systems with ``--seeds`` seeds. ``systems`` and ``rows`` replace the recipe's, ``only`` keeps some;
    ``tiny`` shrinks the networks; ``row`` is laid on every row; ``most_calls`` and ``most_draws`` bound the rows.
    """

    minutes: float | None = None
    training: Spec = {}
    seeded: bool = False
    systems: dict[str, Spec] | None = None
    only: tuple[str, ...] | None = None
    rows: list[Spec] | None = None
    row: Spec = {}
    most_calls: int | None = None
    most_draws: int | None = None
    subsets: bool = True
    tiny: bool = False
    pool: int | None = None
    size: int | None = None
    test_images: int | None = None
    classical: tuple[str, ...] | None = None
    timed: bool = True


class Shipment(Part):
    """A checkpoint to be: its name, what it is for (a sentence), where it ends (lines of a list), and its recipe.

    ``data`` are the data sets that it is made from; ``{data}`` and ``{minutes}`` in the texts are filled in.
    """

    name: str
    purpose: str
    limits: str
    command: str = ""
    data: tuple[str, ...] = ()

    def filled(self, recipe: str, data: str, minutes: float | None) -> Shipment:
        """The texts for one data set and budget."""
        command = f"python recipes/{recipe}.py --preset ship --data {data} --minutes {minutes:g} --out OUT --export DIR"
        texts = {key: getattr(self, key).format(data=data) for key in ("name", "purpose", "limits")}
        return self.model_copy(update={**texts, "command": command})


class Lead(Part):
    """A system against rivals on some scores (True: larger is better)."""

    system: str
    rivals: tuple[str, ...]
    scores: dict[str, bool]


class Expectation(Part):
    """What is expected to be best, and by which figure.

    ``best`` is the system, or the one with the ``least`` or ``most`` of an expected figure ``of``.
    """

    text: str
    metric: str
    best: str
    of: Literal["v", "predicted", "kappa"] | None = None
