"""The schema of a training run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from wavegen.core.config import Schema, Spec
from wavegen.core.errors import InputError
from wavegen.core.registry import validate
from wavegen.data.augment import Augment

Length = Annotated[float, Field(gt=0, lt=0.28)]  # that of a plain mean over the whole training is 0.289


class Training(Schema):
    """One training run. Give ``steps``, or ``minutes`` of processor time, never both.

    ``optimizer`` is a component of that kind with its options. ``warmup`` below 1 is a share of each cycle of the
    learning rate, from 1 on a number of steps. ``ema`` lists the lengths of the averages of the weights that are
    tracked, relative to the training's own (:class:`~wavegen.training.averages.Averages`), two at most; the first is
    the model where no validation chooses. A number is the decay of one exponential average, as in version 0.1.0.

    ``augment`` are random changes of the crops beside turns and mirror images.

    ``learning_rate`` and ``weight_decay`` beside no ``optimizer`` are AdamW's, as in version 0.1.0.
    """

    steps: Annotated[int, Field(ge=1)] | None = None
    minutes: Annotated[float, Field(gt=0)] | None = None
    batch: Annotated[int, Field(ge=1, le=4096)] = 8
    crop: Annotated[int, Field(ge=8, le=4096)] = 128
    optimizer: Spec = Field(default_factory=lambda: {"name": "muon"})
    final_rate: Annotated[float, Field(ge=0, le=1)] = 0.02
    warmup: Annotated[float, Field(ge=0)] = 0.05
    clip: Annotated[float, Field(gt=0)] = 1.0
    ema: Annotated[float, Field(ge=0, lt=1)] | Annotated[list[Length], Field(min_length=1, max_length=2)] = Field(
        default_factory=lambda: [0.05, 0.12]
    )
    # Left out where it changes nothing, so that runs made before there was one stay what they are.
    augment: Augment = Field(default_factory=Augment, exclude_if=lambda value: value == Augment())
    seed: Annotated[int, Field(ge=0)] = 0
    precision: Literal["auto", "bf16", "float32"] = "auto"
    workers: Annotated[int, Field(ge=0, le=64)] = 0
    checkpoint_every: Annotated[int, Field(ge=1)] | None = None  # by the clock
    preview_every: Annotated[int, Field(ge=1)] = 1000
    log_every: Annotated[int, Field(ge=1)] = 50

    @model_validator(mode="before")
    @classmethod
    def _optimizer_in_full(cls, given: Any) -> Any:
        """The optimizer with all its options, so that equal trainings have equal configurations."""
        if not isinstance(given, Mapping):
            return given
        rest = {key: value for key, value in given.items() if key not in _OF_0_1}
        old = {_OF_0_1[key]: given[key] for key in _OF_0_1 if key in given}
        if old and "optimizer" in rest:
            raise ValueError(
                "learning_rate and weight_decay are those of version 0.1.0, which had AdamW alone; beside an optimizer "
                "give its own options, such as {name: muon, rate: 0.02, decay: 0.01}"
            )
        optimizer = {"name": "adamw", **old} if old else rest.get("optimizer", {"name": "muon"})
        optimizer = {"name": optimizer} if isinstance(optimizer, str) else optimizer
        if not isinstance(optimizer, Mapping) or "name" not in optimizer:
            raise ValueError(f"optimizer = {optimizer!r}: give a name, or {{'name': ..., **options}}")
        try:
            record, options = validate("optimizer", optimizer)
        except InputError as error:
            raise ValueError(str(error)) from None
        return {**rest, "optimizer": {"name": record.name, **options}}


_OF_0_1 = {"learning_rate": "rate", "weight_decay": "decay"}
