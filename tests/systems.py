"""Tiny systems and pictures that several tests share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from wavegen import Pipeline
from wavegen.core.config import merge
from wavegen.core.registry import build, names
from wavegen.pipeline.denoiser import Denoiser
from wavegen.pipeline.presets import preset

PIPELINES = names("pipeline")
SEVERAL = [name for name in PIPELINES if build("bridge", preset(name)["bridge"]).max_steps is None]  # steps


def tiny(name: str, **differences: Any) -> Pipeline:
    """A system with networks of width 8, away from their nearly linear start, in float32."""
    base = preset(name)
    small: dict[str, Any] = {"name": name, "network": {"width": 8}}
    if "head" in base:
        small["head"] = {"network": {"width": 8}}
    if "critic" in base:
        small["critic"] = {"width": 8}
    with torch.random.fork_rng():
        torch.manual_seed(0)  # equal weights in every call
        pipeline = Pipeline.from_config(merge(small, differences))
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in pipeline.parameters():
            parameter.add_(0.05 * torch.randn(parameter.shape, generator=generator))
    pipeline.fit_normalisation([torch.rand(pipeline.config.channels, 16, 16, generator=generator)])
    pipeline.precision = "float32"
    return pipeline.eval()


def answer_with(pipeline: Pipeline, network: Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]) -> None:
    """Let ``network(x_t, t, condition)`` -> (output, features) answer in place of the coarse network."""
    channels = pipeline.transform.coarse_channels(pipeline.config.channels)

    def denoiser(condition: Tensor, other: Any = None) -> Denoiser:
        def call(inputs: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
            return network(inputs[:, :channels], t, inputs[:, channels:])

        return Denoiser(call, pipeline.config.prediction, pipeline.bridge, condition, "float32")  # type: ignore[arg-type]

    pipeline.denoiser = denoiser  # type: ignore[method-assign]


def picture(*shape: int, dtype: str = "float32", seed: int = 0) -> np.ndarray[Any, Any]:
    """Values from 0 to 1000."""
    return (1000 * np.random.default_rng(seed).random(shape)).astype(dtype)
