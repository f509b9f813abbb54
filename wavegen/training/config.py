"""The schema of a training run."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from wavegen.core.config import Schema


class Training(Schema):
    """One training run. Give ``steps``, or ``minutes`` of processor time, never both."""

    steps: Annotated[int, Field(ge=1)] | None = None
    minutes: Annotated[float, Field(gt=0)] | None = None
    batch: Annotated[int, Field(ge=1, le=4096)] = 8
    crop: Annotated[int, Field(ge=8, le=4096)] = 128
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 1e-3
    final_rate: Annotated[float, Field(ge=0, le=1)] = 0.02
    warmup: Annotated[int, Field(ge=0)] = 100
    weight_decay: Annotated[float, Field(ge=0, le=1)] = 1e-2
    clip: Annotated[float, Field(gt=0)] = 1.0
    ema: Annotated[float, Field(ge=0, lt=1)] = 0.998
    seed: Annotated[int, Field(ge=0)] = 0
    precision: Literal["auto", "bf16", "float32"] = "auto"
    workers: Annotated[int, Field(ge=0, le=64)] = 0
    checkpoint_every: Annotated[int, Field(ge=1)] | None = None  # by the clock
    preview_every: Annotated[int, Field(ge=1)] = 1000
    log_every: Annotated[int, Field(ge=1)] = 50
