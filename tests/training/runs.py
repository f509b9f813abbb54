"""A data set, tiny systems and interruptible runs for the tests of training."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from wavegen import Pair, Pipeline
from wavegen.training import fit
from wavegen.training.config import Training

SMALL: dict[str, dict[str, Any]] = {
    "unet": {"network": {"width": 8, "multipliers": [1, 2]}},
    "ddpm": {"network": {"width": 8, "multipliers": [1, 2]}},
    "mscgm": {"network": {"width": 8, "blocks": 1}, "head": {"network": {"width": 8}}},
    "mscgm-joint": {"network": {"width": 8, "multipliers": [1, 2]}, "head": {"network": {"width": 8}, "features": 4}},
}


class Blobs:
    """Smooth random images and their blurred, noisy versions, in units of about 100."""

    def __len__(self) -> int:
        return 6

    def __getitem__(self, index: int) -> Pair:
        generator = torch.Generator().manual_seed(index)
        x = 100 * F.avg_pool2d(torch.rand(1, 1, 34, 34, generator=generator), 3, 1)
        y = F.avg_pool2d(x, 5, 1, 2, count_include_pad=False) + torch.randn(x.shape, generator=generator)
        return Pair(x[0], y[0])


def system(name: str, seed: int = 0, **differences: Any) -> Pipeline:
    small = {"name": name, **SMALL[name]}
    if name.startswith("mscgm"):
        small["critic"] = {"width": 8, "layers": 2}
    torch.manual_seed(seed)
    return Pipeline.from_config({**small, **differences})


def training(**options: Any) -> Training:
    defaults: dict[str, Any] = {"batch": 2, "crop": 24, "warmup": 2, "log_every": 1, "ema": 0.9}
    if "minutes" not in options:
        defaults["steps"] = 12
    return Training(**{**defaults, "precision": "float32", **options})


class Interrupting:
    """Sends a signal to this process when a step is logged, as Ctrl-C would."""

    def __init__(self, step: int, number: int = signal.SIGINT) -> None:
        self.step, self.number = step, number

    def __call__(self, record: dict[str, Any], pipeline: Pipeline) -> None:
        if record["step"] == self.step:
            os.kill(os.getpid(), self.number)


class Recording:
    """Keeps the records."""

    def __init__(self) -> None:
        self.records: list[dict[str, Any]] = []

    def __call__(self, record: dict[str, Any], pipeline: Pipeline) -> None:
        self.records.append(record)


def weights(pipeline: Pipeline) -> dict[str, Tensor]:
    return {key: value.clone() for key, value in pipeline.state_dict().items()}


def interrupted(
    name: str, out: Path, stops: Sequence[int], *, differences: dict[str, Any] | None = None, **options: Any
) -> Pipeline:
    """Run to the end, interrupted after each of the steps and resumed in what could be another process."""
    other = differences or {}
    for seed, stop in enumerate(stops):
        try:
            fit(
                system(name, seed=seed, **other),
                Blobs(),
                training(**options),
                out,
                resume=True,
                callbacks=[Interrupting(stop)],
            )
        except KeyboardInterrupt:
            continue
        raise AssertionError(f"was not interrupted after step {stop}")
    # Whatever the weights were before, a resumed run continues with the saved ones.
    return fit(system(name, seed=99, **other), Blobs(), training(**options), out, resume=True)


def assert_same(got: dict[str, Tensor], want: dict[str, Tensor]) -> None:
    assert got.keys() == want.keys()
    for key, value in want.items():
        torch.testing.assert_close(got[key], value, rtol=0, atol=0, msg=f"{key} differs")
