"""The schema of a pipeline; everything is validated before work starts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from wavegen.bridges import own_steps, read_sampler
from wavegen.bridges.solvers import GENERIC
from wavegen.core.config import Schema, Spec

Terms = Literal[
    "coarse", "distill", "crps", "bands", "energy", "diversity", "l1", "l2", "ssim", "lpips", "fourier", "adversarial",
    "autoencoder",
]  # fmt: skip
Times = Literal["uniform", "logit-normal", "grid"]


class Intensity(Schema):
    """How intensities become network units: (value - offset) / scale.

    ``percentile`` takes offset and scale from each input image (its ``low`` and ``high`` percentiles); ``fixed`` uses
    the given ``offset`` and ``scale`` for every image. ``target`` is the scale of the clean images: ``input``, that of
    the degraded image; ``own``, each stretched by its own percentiles, for pairs whose two scales are unrelated
    (results come back on the input's scale); ``fixed``, by ``offset`` and ``scale``, on which results come back too.
    """

    mode: Literal["percentile", "fixed"] = "percentile"
    target: Literal["input", "own", "fixed"] = "input"
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
    """The discriminators, their loss and their stabilisers.

    ``kind``: patches of the image, of the image at several ``resolutions``, or of frozen features (``projected``).
    ``coarse`` adds one for the coarsest band, ``low`` shows each the low band that the image was made from.
    ``r1`` and ``r2`` weigh the squared gradient at true and generated data, ``gradient_penalty`` the distance of its
    norm from 1 between them, at every ``penalty_every``-th step of the critic and so much stronger. ``adaptive``
    scales the adversarial term such that it pulls as hard at the last layer as the other terms together.
    """

    kind: Literal["patch", "multiscale", "projected"] = "patch"
    on: Literal["image", "bands"] = "image"
    low: bool = False
    coarse: bool = False
    loss: Literal["hinge", "wasserstein", "nonsaturating", "least_squares", "relativistic"] = "hinge"
    width: Annotated[int, Field(ge=4, le=512)] = 32
    layers: Annotated[int, Field(ge=1, le=5)] = 3
    spectral_norm: bool = True
    resolutions: Annotated[int, Field(ge=1, le=4)] = 2
    r1: Annotated[float, Field(ge=0)] = 0.0
    r2: Annotated[float, Field(ge=0)] = 0.0
    gradient_penalty: Annotated[float, Field(ge=0)] = 0.0
    penalty_every: Annotated[int, Field(ge=1, le=64)] = 1
    adaptive: bool = False
    augment: list[Literal["flip", "translate", "cutout"]] = Field(default_factory=list)
    every: Annotated[int, Field(ge=1, le=64)] = 1
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 1e-4

    @model_validator(mode="after")
    def _fits(self) -> Critic:
        if self.kind == "projected" and (self.on == "bands" or self.low or self.coarse):
            raise ValueError("a projected critic judges images: give on: image, without low and coarse")
        return self


class Stage(Schema):
    """One part of a training: which loss terms are on, and what the heads are given.

    ``ll`` says whether heads see the true low bands (the paper), the true ones with noise of a standard deviation
    up to ``ll_noise`` (``noisy``, of normalised bands), samples of the coarse stage as it is (``sampled``), or its
    estimates at random times, through which it is trained too (``predicted``).
    The adversarial term is taken on items with t < ``max_t`` only; with ``rollout`` on states that the model reached
    itself, at such times, for half of the batch. ``restart`` begins the learning rate's cycle anew, for stages
    that train other networks than the one before. ``teacher_steps`` is how many steps of the frozen teacher one
    step of the student stands for (``distill``).
    """

    name: str
    share: Annotated[float, Field(gt=0, le=1)] = 1.0
    weights: dict[Terms, Annotated[float, Field(gt=0)]]
    ll: Literal["true", "noisy", "sampled", "predicted"] = "predicted"
    ll_noise: Annotated[float, Field(gt=0, le=10)] = 0.2
    max_t: Annotated[float, Field(gt=0, le=1)] = 1.0
    rollout: bool = False
    restart: bool = False
    teacher_steps: Annotated[int, Field(ge=2, le=1000)] = 8


class PipelineConfig(Schema):
    """A whole restoration system.

    ``conditioning`` is what the coarse network sees beside the state: nothing, y's own coarsest band, or all of
    y rearranged to that band's grid, and ``coarse_noise`` channels of noise. ``shared_head``: one network makes the
    bands of all levels. ``start_fraction`` is the share of a training batch exactly at t = 1, ``times`` how the others
    are drawn (:func:`~wavegen.losses.objective.draw_times`); ``grid`` means the sampler's own.
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
    target: Literal["x0", "residual", "grad", "eps", "v"] = "x0"
    coarse_loss: Literal["l1", "l2"] = "l2"
    start_fraction: Annotated[float, Field(ge=0, le=1)] = 0.375
    times: Times = "uniform"
    intensity: Intensity = Intensity()
    sampler: Sampler = Sampler()
    critic: Critic | None = None
    stages: Annotated[list[Stage], Field(min_length=1)]

    @model_validator(mode="after")
    def _consistent(self) -> PipelineConfig:
        for stage in self.stages:
            if not stage.weights:
                raise ValueError(f"stage {stage.name!r} weighs no loss term")
            if "crps" in stage.weights and (stage.rollout or stage.ll != "predicted"):
                raise ValueError(f"stage {stage.name!r}: crps draws the whole image: give ll: predicted, no rollout")
            if stage.rollout and self.target in ("eps", "v"):
                raise ValueError(f"stage {stage.name!r}: rollout needs target x0, residual or grad, not {self.target}")
            if "distill" in stage.weights:
                self._distillable(stage)
            if "adversarial" in stage.weights and self.critic is None:
                raise ValueError(f"stage {stage.name!r} weighs 'adversarial' but the pipeline has no critic")
            if stage.ll in ("true", "noisy") and self.head is not None and self.head.get("features"):
                raise ValueError(f"stage {stage.name!r}: a head that takes the coarse features needs ll: predicted")
        return self

    def _distillable(self, stage: Stage) -> None:
        """Refuse a distillation without a teacher, or of what it cannot train."""
        if stage is self.stages[0]:
            raise ValueError(f"stage {stage.name!r} distills, but no stage before it trains the teacher")
        if "coarse" in stage.weights or stage.rollout:
            raise ValueError(f"stage {stage.name!r}: distill takes the place of the coarse term and of rollout")
        if self.target == "eps":
            raise ValueError(f"stage {stage.name!r}: distill needs another target than eps, which is singular at t = 1")
