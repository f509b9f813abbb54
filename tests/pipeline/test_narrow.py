"""Guards images of a few pixels a side: every value of a result is computed from the image alone.

Under bf16, strided convolutions of torch 2.14 read memory that nobody wrote where their output is one pixel wide.
``benchmarks/unwritten_memory.py`` looks for more of the kind.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from systems import PIPELINES, picture, tiny
from torch.overrides import TorchFunctionMode

from wavegen.core.registry import build
from wavegen.pipeline.pipeline import Pipeline
from wavegen.pipeline.precision import resolve

MODELS = ("fidelity-hela", "mscgm-hela", "mscgm-nanobeads", "realism-hela")
NATIVE = resolve("auto", torch.device("cpu")) == "bf16"


class Strided(TorchFunctionMode):
    """Notes convolutions of a stride above 1 that run in bf16."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in (F.conv2d, torch.conv2d):
            stride = args[3] if len(args) > 3 else (kwargs or {}).get("stride", 1)
            if max(np.atleast_1d(stride)) > 1 and torch.is_autocast_enabled("cpu"):
                self.found.append(f"{tuple(args[1].shape)}, stride {stride}")
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("name", PIPELINES)
def test_no_network_calls_a_strided_convolution_in_bf16(name: str) -> None:
    pipeline = tiny(name)
    pipeline.precision = "bf16"
    with Strided() as calls:
        pipeline.restore(picture(8, 8), steps=1)
    assert not calls.found
    pipeline.precision = "float32"  # the tiny systems are shared


@pytest.mark.parametrize("name", ["patch", "multiscale"])
def test_no_critic_calls_a_strided_convolution_in_bf16(name: str) -> None:
    critic, images = build("critic", name, in_channels=2), torch.rand(1, 1, 16, 16)
    plain = critic(images, images)
    with Strided() as calls, torch.autocast("cpu", torch.bfloat16):
        F.conv2d(images, images, stride=2)
        cast = critic(images, images.bfloat16().float())
    assert calls.found == ["(1, 1, 16, 16), stride 2"], "the mode sees what it is to see, and nothing else"
    assert cast.dtype == torch.float32
    torch.testing.assert_close(cast, plain, rtol=0.05, atol=0.05)


def narrow() -> Iterator[np.ndarray[Any, Any]]:
    rng = np.random.default_rng(0)
    for width in range(1, 10):
        yield rng.poisson(50, (44, width)).astype(np.float32)
    yield rng.poisson(50, (3, 44)).astype(np.float32)


def poison() -> None:
    """Leave NaN in the memory that the next call is given."""
    for size in range(6, 17):
        torch.full((2**size,), torch.nan)


@pytest.mark.parametrize("precision", ["float32", "bf16"] if NATIVE else ["float32"])
@pytest.mark.parametrize("model", MODELS)
def test_narrow_images_are_restored_alike_every_time(model: str, precision: Any) -> None:
    pipeline = Pipeline.from_pretrained(model)
    pipeline.precision = precision
    for image in narrow():
        results = []
        for _ in range(2):
            poison()
            results.append(pipeline.restore(image, steps=1).image)
        assert np.isfinite(results[0]).all(), image.shape
        np.testing.assert_array_equal(results[0], results[1], err_msg=str(image.shape))
