"""Heads of few channels and the bands that they are given."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

import wavegen.gans
import wavegen.networks
from wavegen.core.registry import build, entry, names
from wavegen.core.types import Details
from wavegen.gans import LevelInput

NAMES = names("head")
NETWORK = {"name": "unet", "width": 4, "multipliers": [1, 2]}
LEARNT = [name for name in NAMES if "network" in entry("head", name).options().model_fields]
NOISY = [name for name in LEARNT if "noise" in entry("head", name).options().model_fields]
assert wavegen.gans.bridge
assert wavegen.gans
assert wavegen.networks


def head(name: str, channels: int = 2, trunk: tuple[int, int] | None = (6, 2), **options: Any) -> Any:
    network = {"network": NETWORK} if name in LEARNT else {}
    made = build("head", {"name": name, **network, **options}, channels=channels, trunk=trunk)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))
    return made


def image(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def given(size: tuple[int, int] = (6, 5), channels: int = 2) -> LevelInput:
    """Bands of three images; the features lie on 2 x 2 patches, padded to whole cells."""
    shape = (3, channels, *size)
    return LevelInput(
        ll=image(*shape),
        y_ll=image(*shape, seed=1),
        y_details=Details(*(image(*shape, seed=s) for s in (2, 3, 4))),
        features=image(3, 6, *((side + 3) // 4 * 2 for side in size), seed=6),
        sigma=Details(*(torch.full((3, channels, 1, 1), 0.1 * s) for s in (1, 2, 3))),
    )
