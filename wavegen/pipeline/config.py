"""The schema of a pipeline; everything is validated before work starts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from numbers import Real
from typing import Annotated, Any, Literal

from pydantic import Field, PlainValidator, model_validator
from pydantic_core import PydanticCustomError

from wavegen.bridges import own_steps, read_sampler
from wavegen.bridges.solvers import GENERIC
from wavegen.core.config import Schema, Spec
from wavegen.core.errors import InputError
from wavegen.core.registry import entry, validate

Times = Literal["uniform", "logit-normal", "grid"]


def _weight(given: Any) -> float | Spec:
    """A loss term's weight: a number, or ``{"weight": number, **options}``."""
    number = _number(given.get("weight") if isinstance(given, Mapping) else given)
    if number is None:
        raise PydanticCustomError("weight", "Input should be a number, or {'weight': number, 'option': value}")
    if not 0 < number < math.inf:
        raise PydanticCustomError("weight", "Input should be greater than 0 and finite")
    return {**given, "weight": number} if isinstance(given, Mapping) else number


def _number(given: Any) -> float | None:
    """A number of any library, or one written out: YAML reads 1e-3 as text. None for anything else."""
    if isinstance(given, bool) or not isinstance(given, Real | str):
        return None
    try:
        return float(given)
    except ValueError:
        return None


Weight = Annotated[float | Spec, PlainValidator(_weight)]


def renamed(given: Any, names: Mapping[str, str]) -> Any:
    """Settings under their present names; ``names`` are those of version 0.1.0, which win where both are given.

    They can only come from what is laid on a preset.
    """
    if not isinstance(given, Mapping):
        return given
    kept = {key: value for key, value in given.items() if key not in names}
    return kept | {names[key]: value for key, value in given.items() if key in names}


class Intensity(Schema):
    """How intensities become network units: (value - offset) / scale.

    ``percentile`` takes offset and scale from each input image (its ``low`` and ``high`` percentiles); ``fixed`` uses
    the given ``offset`` and ``scale`` for every image. ``target`` is the scale of the clean images: ``input``, that of
    the degraded image; ``matched``, each laid on its input by a gain and an offset first
    (:mod:`wavegen.data.matching`), for pairs whose two scales are unrelated; ``own``, each stretched by its own
    percentiles; ``fixed``, by ``offset`` and ``scale``, on which results come back too. In all other cases they come
    back on the input's scale. With ``auto`` the pairs that a training is given decide between ``input`` and
    ``matched``, and its configuration holds what was chosen; until then it means ``input``.
    """

    mode: Literal["percentile", "fixed"] = "percentile"
    target: Literal["auto", "matched", "input", "own", "fixed"] = "auto"
    low: Annotated[float, Field(ge=0, le=50)] = 0.1
    high: Annotated[float, Field(gt=50, le=100)] = 99.9
    offset: float = 0.0
    scale: Annotated[float, Field(gt=0)] = 1.0


class Sampler(Schema):
    """Defaults of ``restore``: steps, time grid, solver with its options, temperature (factor of all noise).

    ``solver: NAME`` and the shorthand ``eta`` are read too, and the forms that version 0.1.0 wrote
    (:func:`~wavegen.bridges.read_sampler`). A grid with a number of steps of its own sets ``steps``.
    """

    steps: Annotated[int, Field(ge=1, le=10000)] = 4
    grid: Spec = Field(default_factory=lambda: {"name": "uniform"})
    solver: Spec = Field(default_factory=lambda: dict(GENERIC))
    # Left out where it changes nothing, so that models and runs made before there was one stay what they are.
    temperature: Annotated[float, Field(ge=0, le=10, exclude_if=lambda value: value == 1)] = 1.0

    @model_validator(mode="before")
    @classmethod
    def _present_form(cls, given: Any) -> Any:
        if not isinstance(given, Mapping):
            return given
        settings = read_sampler(given)
        steps = own_steps(settings.get("grid"))
        return settings if steps is None else {**settings, "steps": steps}

    @property
    def eta(self) -> float:
        """The solver's eta: 0 = deterministic (DDIM), 1 = fully stochastic steps; 1 for a solver without one."""
        return float(self.solver.get("eta", 1.0))


class Critic(Schema):
    """The critics of a pipeline, their loss and their stabilisers.

    ``network`` is a component of the kind ``critic``, one for each scale. ``coarse`` adds one for the coarsest band;
    with ``low`` each is also shown the low band used for synthesis. ``r1`` and ``r2`` weigh the squared gradient at
    true and generated data, ``gradient_penalty`` the distance of its norm from 1 between them, at every
    ``penalty_every``-th step of the critic and multiplied by it. ``adaptive`` scales the adversarial term such that
    its gradient at the last layer is as large as that of the other terms together. ``optimizer``, a component of that
    kind with rates of its own, takes the place of Adam (beta1 = 0, beta2 = 0.98) at ``learning_rate``.

    Configurations of version 0.1.0 gave the network's options here (``kind``, ``width``, ``layers``,
    ``spectral_norm``, ``resolutions``); they are read as such.
    """

    network: Spec = Field(default_factory=lambda: {"name": "patch"})
    on: Literal["image", "bands"] = "image"
    low: bool = False
    coarse: bool = False
    loss: Literal["hinge", "wasserstein", "nonsaturating", "least_squares", "relativistic"] = "hinge"
    r1: Annotated[float, Field(ge=0)] = 0.0
    r2: Annotated[float, Field(ge=0)] = 0.0
    gradient_penalty: Annotated[float, Field(ge=0)] = 0.0
    penalty_every: Annotated[int, Field(ge=1, le=64)] = 1
    adaptive: bool = False
    augment: list[Literal["flip", "translate", "cutout"]] = Field(default_factory=list)
    every: Annotated[int, Field(ge=1, le=64)] = 1
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 1e-4
    # Left out where it changes nothing, so that models and runs made before there was one stay what they are.
    optimizer: Annotated[Spec | None, Field(exclude_if=lambda value: value is None)] = None

    @model_validator(mode="before")
    @classmethod
    def _network_of_0_1(cls, given: Any) -> Any:
        """The network's options in one place, with defaults, so that equal critics have equal configurations."""
        if not isinstance(given, Mapping):
            return given
        flat = {key: value for key, value in given.items() if key in _CRITIC_0_1}
        rest = {key: value for key, value in given.items() if key not in _CRITIC_0_1}
        network = rest.get("network", {})
        network = {"name": network} if isinstance(network, str) else network
        if not isinstance(network, Mapping):
            raise ValueError(f"network = {network!r}: give a name, or {{'name': ..., **options}}")
        kind = flat.pop("kind", network.get("name", "patch"))
        # An old kind is laid on a preset: it replaces a network of another name, with that one's options.
        network = {**(network if network.get("name", kind) == kind else {}), "name": kind}
        try:
            known = entry("critic", network["name"]).options().model_fields
            # Version 0.1.0 wrote all of them, also those that the kind does not have.
            network |= {key: value for key, value in flat.items() if key in known}
            record, options = validate("critic", network)
        except InputError as error:
            raise ValueError(str(error)) from None
        return {**rest, "network": {"name": record.name, **options}}

    @model_validator(mode="after")
    def _fits(self) -> Critic:
        if self.optimizer is not None:
            try:
                validate("optimizer", self.optimizer)
            except InputError as error:
                raise ValueError(str(error)) from None
        images_only = "images-only" in entry("critic", self.network["name"]).capabilities
        if images_only and (self.on == "bands" or self.low or self.coarse):
            raise ValueError(f"a {self.network['name']} critic judges images: give on: image, without low and coarse")
        return self


_CRITIC_0_1 = ("kind", "width", "layers", "spectral_norm", "resolutions")


class Stage(Schema):
    """One part of a training: which loss terms are on, and what the heads are given.

    ``low_band`` says which low bands the heads see: the true ones (``true``, the paper); the true ones with noise of a
    standard deviation up to ``low_band_noise`` (``noisy``, of normalised bands); samples of the coarse stage as it is
    (``sampled``); or its estimates at random times, through which it is trained too (``predicted``).
    The adversarial term is taken on items with t < ``max_t`` only; with ``rollout`` on states that the model reached
    itself, at such times, for half of the batch. ``restart`` restarts warm-up and cosine decay, for stages that train
    other networks than the one before. ``teacher_steps`` is how many steps of the frozen teacher one step of the
    student stands for (``distill``). ``weights`` names loss terms (kind ``loss``); a term with options is given as
    ``{weight: 1.0, option: value}``.
    """

    name: str
    share: Annotated[float, Field(gt=0, le=1)] = 1.0
    weights: dict[str, Weight]
    low_band: Literal["true", "noisy", "sampled", "predicted"] = "predicted"
    low_band_noise: Annotated[float, Field(gt=0, le=10)] = 0.2
    max_t: Annotated[float, Field(gt=0, le=1)] = 1.0
    rollout: bool = False
    restart: bool = False
    teacher_steps: Annotated[int, Field(ge=2, le=1000)] = 8

    @model_validator(mode="before")
    @classmethod
    def _names_of_0_1(cls, given: Any) -> Any:
        return renamed(given, {"ll": "low_band", "ll_noise": "low_band_noise"})

    def weight(self, term: str) -> float:
        """The weight of one of its loss terms."""
        given = self.weights[term]
        return float(given["weight"]) if isinstance(given, dict) else given

    def options(self) -> dict[str, Spec]:
        """The options of its loss terms."""
        return {
            term: {key: value for key, value in given.items() if key != "weight"} if isinstance(given, dict) else {}
            for term, given in self.weights.items()
        }

    @property
    def teacher_forcing(self) -> bool:
        """Whether heads are given true low bands at every level."""
        return self.low_band in ("true", "noisy")


class PipelineConfig(Schema):
    """A whole restoration system.

    ``conditioning`` is what the coarse network sees beside the state: nothing, y's own coarsest band, or all of
    y rearranged to that band's grid, and ``coarse_noise`` channels of noise. ``shared_head``: one network makes the
    bands of all levels. ``start_fraction`` is the share of a training batch exactly at t = 1, ``times`` how the others
    are drawn (:func:`~wavegen.losses.draw_times`); ``grid`` means the sampler's own.
    """

    name: str
    channels: Annotated[int, Field(ge=1, le=64)] = 1
    transform: Spec
    bridge: Spec
    network: Spec
    head: Spec | None = None
    shared_head: bool = False
    coarse_noise: Annotated[int, Field(ge=0, le=16)] = 0
    conditioning: Literal["none", "ll", "full"] = "full"
    prediction: Literal["x0", "residual", "grad", "eps", "v"] = "x0"
    coarse_loss: Literal["l1", "l2"] = "l2"
    start_fraction: Annotated[float, Field(ge=0, le=1)] = 0.375
    times: Times = "uniform"
    intensity: Intensity = Intensity()
    sampler: Sampler = Sampler()
    critic: Critic | None = None
    stages: Annotated[list[Stage], Field(min_length=1)]

    @model_validator(mode="before")
    @classmethod
    def _names_of_0_1(cls, given: Any) -> Any:
        return renamed(given, {"target": "prediction"})

    @model_validator(mode="after")
    def _consistent(self) -> PipelineConfig:
        for stage in self.stages:
            if not stage.weights:
                raise ValueError(f"stage {stage.name!r} weighs no loss term")
            if stage.rollout and self.prediction in ("eps", "v"):
                raise ValueError(
                    f"stage {stage.name!r}: rollout needs prediction x0, residual or grad, not {self.prediction}"
                )
            if stage.teacher_forcing and self.head is not None and self.head.get("features"):
                raise ValueError(
                    f"stage {stage.name!r}: a head that takes the coarse features needs low_band: predicted"
                )
        return self
