"""Random times, one from each stratum."""

from __future__ import annotations

import torch
from torch import Tensor


def stratified(count: int, generator: torch.Generator) -> Tensor:
    """(count,) values in [0, 1), one uniform in each of ``count`` equal parts, in increasing order."""
    return (torch.arange(count) + torch.rand(count, generator=generator)) / max(count, 1)
