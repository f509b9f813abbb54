"""The contract of pipeline presets: they build, restore in the units that came in, and are the same once stored."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from wavegen.core.config import check as check_config
from wavegen.core.config import merge
from wavegen.core.errors import InputError
from wavegen.pipeline.config import PipelineConfig
from wavegen.pipeline.pipeline import Pipeline
from wavegen.testing.base import Subject

SIDE = 24


def check(subject: Subject, config: Mapping[str, Any], options: Mapping[str, Any]) -> None:
    """Every check of the contract, with random weights and few network calls; ``options`` are laid on the preset."""
    valid = isinstance(config, Mapping)
    subject.require(valid, "type", f"a preset returns a configuration, not {type(config).__name__}")
    try:
        with torch.random.fork_rng():
            torch.manual_seed(0)
            whole = merge({"name": subject.name, **config}, options)
            pipeline = Pipeline(check_config(PipelineConfig, whole, "the configuration"))
    except InputError as error:
        raise subject.fail("configuration", str(error)) from error
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in pipeline.parameters():
            parameter.add_(0.05 * torch.randn(parameter.shape, generator=generator))
    channels = pipeline.config.channels
    pipeline.fit_normalisation([torch.rand(channels, SIDE, SIDE, generator=generator)])
    pipeline.precision = "float32"
    pipeline.eval()
    _form(subject, pipeline)
    _seeds(subject, pipeline)
    _stored(subject, pipeline)


def _picture(*shape: int, dtype: str = "float32") -> NDArray[Any]:
    return (1000 * np.random.default_rng(0).random(shape)).astype(dtype)


def _restore(pipeline: Pipeline, image: Any, seed: int | list[int] = 0) -> Any:
    return pipeline.restore(image, steps=1 if pipeline.bridge.max_steps == 1 else 2, seed=seed).image


def _form(subject: Subject, pipeline: Pipeline) -> None:
    channels = pipeline.config.channels
    for dtype in ("float32", "uint16"):
        image = _picture(channels, SIDE - 1, SIDE + 2, dtype=dtype)
        restored = _restore(pipeline, image)
        same = restored.shape == image.shape and restored.dtype == image.dtype
        subject.require(same, "units", f"{image.shape}, {image.dtype} becomes {restored.shape}, {restored.dtype}")
    x = _picture(channels, SIDE, SIDE)
    scaled, plain = _restore(pipeline, 4 * x + 100), _restore(pipeline, x)
    finite = bool(np.isfinite(plain).all())
    subject.require(finite, "values", "a restored value is not finite")
    if pipeline.config.intensity.mode != "percentile":
        return
    error = float(np.abs(scaled - (4 * plain + 100)).max() / np.ptp(4 * x))
    fault = f"4 x + 100 is not restored to 4 times the image of x, plus 100 (off by {error:.2g} of the range)"
    subject.require(error < 1e-2, "units", fault)


def _seeds(subject: Subject, pipeline: Pipeline) -> None:
    x = _picture(2, pipeline.config.channels, SIDE, SIDE)
    together = _restore(pipeline, x, [3, 4])
    again = np.array_equal(_restore(pipeline, x, [3, 4]), together)
    subject.require(again, "seed", "equal seeds give unequal images")
    single = np.stack([_restore(pipeline, x[i], [3, 4][i]) for i in range(2)])
    error = float(np.abs(single - together).max() / np.ptp(x))
    subject.require(error < 1e-4, "batch", f"an image restored alone differs from itself in a batch by {error:.2g}")


def _stored(subject: Subject, pipeline: Pipeline) -> None:
    x = _picture(pipeline.config.channels, SIDE, SIDE)
    with TemporaryDirectory() as folder:
        pipeline.save_pretrained(Path(folder) / "model")
        again = Pipeline.from_pretrained(str(Path(folder) / "model"))
    again.precision = "float32"
    same = np.array_equal(_restore(again.eval(), x), _restore(pipeline, x))
    subject.require(same, "storage", "saved and loaded it restores another image")
