"""Trainings that several tests compare theirs with: each is run once."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from runs import Blobs, system, training, weights
from torch import Tensor

from wavegen.core.tensors import read_tensors
from wavegen.training import fit


@dataclass(frozen=True)
class Straight:
    """The end of a training that was never interrupted: weights of the model, and the whole state of the run."""

    weights: dict[str, Tensor]
    state: dict[str, Tensor]
    note: dict[str, Any]


@pytest.fixture(scope="session")
def straight(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Straight]:
    """``straight(name, differences, **options)``: that system trained from start to end, with nobody watching."""
    done: dict[str, Straight] = {}

    def run(name: str, differences: dict[str, Any] | None = None, **options: Any) -> Straight:
        key = json.dumps([name, differences or {}, options], sort_keys=True)
        if key not in done:
            out: Path = tmp_path_factory.mktemp("straight")
            trained = fit(system(name, **(differences or {})), Blobs(), training(**options), out)
            done[key] = Straight(weights(trained), *read_tensors(out / "checkpoint.safetensors"))
        return done[key]

    return run
