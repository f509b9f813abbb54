"""Recipes: a YAML file of systems, rows, data and profiles, and the comparison that it stands for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

from wavegen.bridges import grid_steps, native_grid
from wavegen.core.config import Spec, check, merge
from wavegen.core.errors import InputError, near_matches
from wavegen.core.registry import build
from wavegen.experiments.spec.comparison import Comparison, Row
from wavegen.metrics.scales import Scale
from wavegen.pipeline.pipeline import Pipeline

COMMON = "common"  # folder beside the recipes, of what several share
SMOKE = "smoke"
LISTED = ("images", "system", "steps", "eta")  # keys of a row that may be lists: one row for each combination


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


class Recipe(Part):
    """What a recipe's file holds; ``about`` is its leading comment.

    ``systems`` are configurations by name; one without a ``name`` is the preset pipeline of that name, or, where the
    recipe has a ``base`` (an ablation), that base with dotted differences. ``rows`` are ways of judging: the fields
    of :class:`~wavegen.experiments.Row`, of which ``system``, ``steps``, ``eta`` and ``images`` may be lists, or
    ``native``: as the publication of that bridge samples. ``several`` are trained with several ``seeds``. ``shown``
    are the (system, steps) of the figure. Of an ablation: ``s_over_v``, one number or one for each system, is what
    every bridge's noise is scaled to, and rows may be ``planned``.
    """

    name: str
    about: str = ""
    systems: dict[str, Spec]
    rows: list[Spec]
    data: dict[str, Data]
    profiles: dict[str, Profile]
    seeds: int = 1
    several: tuple[str, ...] | None = None
    shown: list[tuple[str, int]] | None = None
    classical: tuple[str, ...] = ("input", "richardson-lucy")
    reference: str | None = None
    shipped: list[Shipment] = []
    lead: Lead | None = None
    base: Spec | None = None
    s_over_v: float | dict[str, float] = 1.0
    expectations: list[Expectation] = []

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
        own, source = self.profile(profile), self.source(data or next(iter(self.data)), root)
        seeds, longest = self.seeds if seeds is None else seeds, 10**9 if longest is None else longest
        if seeds < 1 or longest < 1 or not (minutes is None or minutes > 0):
            raise InputError(
                f"seeds {seeds}, longest {longest}, minutes {minutes}: give 1 or more, and minutes above 0"
            )
        systems = self._systems(own, source)
        several = systems if self.several is None else [name for name in self.several if name in systems]
        classical = next((c for c in (source.classical, own.classical) if c is not None), self.classical)
        made: Comparison = check(
            Comparison,
            {
                "data": few(source.train) if own.tiny else source.train,
                "test": few(source.test) if own.tiny and source.test else source.test,
                "scale": source.scale,
                "known": source.known,
                "classical": classical,
                "reference": self.reference,
                "timed": own.timed,
                "systems": systems,
                "seeds": {name: list(range(seeds)) for name in several} if own.seeded else {},
                "rows": [row for row in self._rows(own, source, systems) if row.steps <= longest],
                **self.budget(own, source, minutes),
            },
            self.name,
        )
        return made

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
        made = {name: merge({"name": name, **named[name]}, source.settings) for name in kept}
        return {name: shrunk(spec) for name, spec in made.items()} if profile.tiny else made

    def _rows(self, profile: Profile, source: Data, systems: Mapping[str, Spec]) -> list[Row]:
        """All rows of the systems, each once."""
        made: dict[Any, Row] = {}
        for template in self.rows if profile.rows is None else profile.rows:
            for values in _expanded(template):
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
                made.setdefault((row.system, row.steps, row.key(), row.images), row)
        return list(made.values())


def read_recipe(file: Path) -> Recipe:
    """A recipe from its YAML file; ``extends`` names a file of ``common/`` beside it that it is laid on.

    Raises:
        InputError: no such file, an unknown key, a wrong value.
    """
    if not file.is_file():
        known = sorted(path.stem for path in file.parent.glob("*.yaml"))
        raise InputError(f"there is no recipe {file.stem!r} in {file.parent}; {near_matches(file.stem, known)}")
    text = file.read_text(encoding="utf-8")
    comment = [line for line in text.split("\n\n\n")[0].splitlines() if line.startswith("#")]
    about = "\n".join(line.removeprefix("#").removeprefix(" ") for line in comment)
    recipe: Recipe = check(Recipe, {"name": file.stem, "about": about, **_merged(file)}, file.name)
    return recipe


def _merged(file: Path) -> Spec:
    if not file.is_file():
        raise InputError(f"there is no {file}, which a recipe extends")
    try:
        values = yaml.safe_load(file.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise InputError(f"{file} is not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(values, dict):
        raise InputError(f"{file}: expected options by name")
    base = values.pop("extends", None)
    folder = file.parent if file.parent.name == COMMON else file.parent / COMMON
    return merge(_merged(folder / f"{base}.yaml"), values) if base else values


def _expanded(template: Spec) -> Iterator[Spec]:
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
    # BBDM's own eta is 1, where its solver is the generic step.
    own, generic = (grid_steps(process, times, solver=s, eta=native.eta) for s in (native.solver, "generic"))
    solver = None if own == generic else native.solver
    grid = {"name": native.grid, **native.options}
    return {"steps": native.steps, "eta": native.eta, "solver": solver, "grid": grid}


def native_row(system: str, bridge: str, **options: Any) -> Row:
    """A row that samples ``system`` as the publication of ``bridge`` does."""
    return Row(system=system, **native_settings(bridge), **options)


def shrunk(spec: Spec) -> Spec:
    """The same structure with networks that run in seconds."""
    config = Pipeline.configure(spec)
    made = merge(spec, {"network": {"width": 8, "multipliers": [1, 2]}})
    if config.head is not None and "network" in config.head:
        made = merge(made, {"head": {**config.head, "network": {**config.head["network"], "width": 8}}})
    return merge(made, {"critic": {"width": 8, "layers": 2}}) if config.critic is not None else made


def few(spec: Spec) -> Spec:
    """The same data, with a few small specimens where they are simulated and then degraded."""
    return {**spec, "source": {**spec["source"], "length": 2, "size": 64}} if "source" in spec else spec


def _under(root: Path, spec: Any) -> Any:
    """A data set whose files are under ``root``, for which ``{root}`` stands."""
    if isinstance(spec, dict):
        return {key: _under(root, value) for key, value in spec.items()}
    if isinstance(spec, str) and spec.startswith("{root}"):
        return str(root / spec.removeprefix("{root}").lstrip("/"))
    return spec
