"""A recipe: systems, rows, data sets and profiles, and the comparison that a choice of them stands for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from wavegen.core.config import Spec, check, merge
from wavegen.core.errors import InputError, near_matches
from wavegen.experiments.spec.comparison import Comparison, Row
from wavegen.experiments.spec.recipe_parts import Data, Expectation, Lead, Part, Profile, Shipment
from wavegen.experiments.spec.row_templates import expanded
from wavegen.experiments.spec.tiny import few, shrunk


class Recipe(Part):
    """What a recipe's file holds; ``about`` is its leading comment.

    ``systems`` are configurations by name; one without a ``name`` is the preset pipeline of that name, or, where the
    recipe has a ``base`` (an ablation), that base with dotted differences. ``rows`` are ways of judging: the fields
    of :class:`~wavegen.experiments.Row`, of which ``system``, ``steps``, ``eta`` and ``images`` may be lists, or
    ``native``: as the publication of that bridge samples. Without ``system`` a row judges all. ``split`` are the images
    that judge, unless the command says others; of an ablation always the test images. ``several`` are trained with
    several ``seeds``. ``shown`` are the (system, steps) of the figure. Of an ablation: ``s_over_v``, one number or one
    for each system, is what every bridge's noise is scaled to, and rows may be ``planned``.
    """

    name: str
    about: str = ""
    systems: dict[str, Spec]
    rows: list[Spec]
    data: dict[str, Data]
    profiles: dict[str, Profile]
    split: Literal["validation", "test"] = "test"
    seeds: int = 1
    several: tuple[str, ...] | None = None
    shown: list[tuple[str, int]] | None = None
    classical: tuple[str, ...] = ("input", "richardson-lucy")
    reference: str | None = None
    shipped: tuple[Shipment, ...] = ()
    lead: Lead | None = None
    base: Spec | None = None
    s_over_v: float | dict[str, float] = 1.0
    expectations: tuple[Expectation, ...] = ()

    def ratio(self, system: str) -> float:
        """The stated S/v of a system of an ablation."""
        return self.s_over_v if isinstance(self.s_over_v, float) else self.s_over_v[system]

    def profile(self, name: str) -> Profile:
        """One of the profiles.

        Raises:
            InputError: an unknown one, with near matches.
        """
        if name not in self.profiles:
            raise InputError(f"{self.name} has no preset {name!r}; {near_matches(name, self.profiles)}")
        return self.profiles[name]

    def source(self, name: str, root: Path = Path()) -> Data:
        """One of the data sets, with its files under ``root``.

        Raises:
            InputError: an unknown one, with near matches.
        """
        if name not in self.data:
            raise InputError(f"{self.name} has no data {name!r}; {near_matches(name, self.data)}")
        data = self.data[name]
        return data.model_copy(update={"train": _under(root, data.train), "test": _under(root, data.test)})

    def comparison(
        self,
        profile: str = "cpu",
        data: str | None = None,
        *,
        root: Path = Path(),
        minutes: float | None = None,
        seeds: int | None = None,
        longest: int | None = None,
    ) -> Comparison:
        """The comparison that a profile and a data set stand for.

        Args:
            profile: one of the recipe's.
            data: one of its data sets; None is the first.
            root: folder of real images.
            minutes: processor minutes of each training; None is the profile's.
            seeds: of the systems trained several times; None is the recipe's.
            longest: rows of more calls are left out.

        Raises:
            InputError: an unknown profile or data set, a number out of range.
        """
        size, source = self.profile(profile), self.source(data or next(iter(self.data)), root)
        seeds, longest = self.seeds if seeds is None else seeds, 10**9 if longest is None else longest
        if seeds < 1 or longest < 1 or not (minutes is None or minutes > 0):
            raise InputError(
                f"seeds {seeds}, longest {longest}, minutes {minutes}: give 1 or more, and minutes above 0"
            )
        systems = self._systems(size, source)
        plan: Comparison = check(
            Comparison,
            {
                "data": few(source.train) if size.tiny else source.train,
                "test": few(source.test) if size.tiny and source.test else source.test,
                "scale": source.scale,
                "known": source.known,
                "classical": next(c for c in (source.classical, size.classical, self.classical) if c is not None),
                "reference": self.reference,
                "timed": size.timed,
                "systems": systems,
                "seeds": self._seeds(size, systems, seeds),
                "rows": [row for row in self._rows(size, source, systems) if row.steps <= longest],
                **self.budget(size, source, minutes),
            },
            self.name,
        )
        return plan

    def _seeds(self, profile: Profile, systems: Mapping[str, Spec], count: int) -> dict[str, list[int]]:
        """The seeds of the systems that are trained several times."""
        several = systems if self.several is None else [name for name in self.several if name in systems]
        return {name: list(range(count)) for name in several} if profile.seeded else {}

    def budget(self, profile: Profile, source: Data, minutes: float | None) -> Spec:
        """Training and numbers of images, of those that are stated."""
        training = dict(profile.training) if profile.tiny else {**profile.training, **source.training}
        if "steps" not in training:
            training["minutes"] = minutes or profile.minutes
        images = profile.test_images if profile.test_images is not None else source.test_images
        counts = {"pool": profile.pool, "size": profile.size, "test_images": images}
        return {"training": training, **{key: value for key, value in counts.items() if value is not None}}

    def _systems(self, profile: Profile, source: Data) -> dict[str, Spec]:
        named = self.systems if profile.systems is None else profile.systems
        kept = [
            name for name in named if all(name in some for some in (profile.only, source.systems) if some is not None)
        ]
        systems = {name: merge({"name": name, **named[name]}, source.settings) for name in kept}
        return {name: shrunk(spec) for name, spec in systems.items()} if profile.tiny else systems

    def _rows(self, profile: Profile, source: Data, systems: Mapping[str, Spec]) -> list[Row]:
        """All rows of the systems, each once."""
        rows: dict[Any, Row] = {}
        for template in self.rows if profile.rows is None else profile.rows:
            for values in expanded({"system": list(systems), **template}):
                row: Row = check(Row, values, f"{self.name}: rows")
                dropped = row.images is not None and not (profile.subsets and source.subsets)
                if row.system not in systems or dropped or row.steps > (profile.most_calls or row.steps):
                    continue
                changes = dict(profile.row)
                if profile.most_draws is not None:
                    changes["samples"] = min(row.samples, profile.most_draws)
                if row.images is not None and source.share > 1:
                    changes.setdefault("images", max(2, row.images // source.share))
                row = row.model_copy(update=changes)
                rows.setdefault((row.system, row.steps, row.key(), row.images), row)
        return list(rows.values())


def _under(root: Path, spec: Any) -> Any:
    """A data set whose files are under ``root``, for which ``{root}`` stands."""
    if isinstance(spec, dict):
        return {key: _under(root, value) for key, value in spec.items()}
    if isinstance(spec, str) and spec.startswith("{root}"):
        return str(root / spec.removeprefix("{root}").lstrip("/"))
    return spec
