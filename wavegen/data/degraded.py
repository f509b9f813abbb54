"""The targets of another data set, degraded on the fly."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
import torch
from pydantic import Field

from wavegen.core.errors import InputError
from wavegen.core.registry import build, register
from wavegen.core.types import Pair, PairSource
from wavegen.data.base import PairDataset
from wavegen.data.simulated import scaled


@register("dataset", "degraded", "the targets of another data set, simulated specimens say, degraded on the fly")
class Degraded(PairDataset):
    """x: a target scaled to 0 at its 0.1 percentile (lower values become 0) and 1 at its 99.9; y: x degraded.

    Item i is a pure function of (seed, i) and the source's item.

    Args:
        source: configuration of the data set that provides the targets.
        degradation: ``{"name": ..., **options}``; see ``wavegen list degradation``. It must preserve the size.
        seed: of the degradation.

    Raises:
        InputError: a source or degradation that does not exist; at an item: a degradation that changes the size.
    """

    one_scale = True

    def __init__(
        self, source: dict[str, Any], degradation: dict[str, Any], seed: Annotated[int, Field(ge=0)] = 0
    ) -> None:
        self.source: PairSource = build("dataset", source)
        self.degradation = build("degradation", degradation)
        self.seed = seed

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, index: int) -> Pair:
        """Item ``index``, each (C, H, W) float32."""
        x = scaled(self.source[index].x, "percentile", "float32")
        state = np.random.SeedSequence(self.seed, spawn_key=(index,)).generate_state(1, np.uint64)[0]
        with torch.no_grad():
            y = self.degradation(x[None], torch.Generator().manual_seed(int(state) % 2**63))[0].float()
        if y.shape != x.shape:
            raise InputError(
                f"the degradation turns {tuple(x.shape)} into {tuple(y.shape)}; give one that keeps the size"
            )
        return Pair(x, y)
