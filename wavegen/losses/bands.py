"""Loss terms of the detail bands of a level."""

from __future__ import annotations

from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from wavegen.core.registry import register
from wavegen.core.types import Details
from wavegen.gans import diversity_loss
from wavegen.losses.base import BandLoss
from wavegen.losses.scores import packet_score

LEVELS = 2  # of the packets of a band, in which two draws are scored


@register("loss", "bands", "L1 distance of the normalised detail bands", capabilities=("needs:heads",))
class Bands(BandLoss):
    """Mean absolute error."""

    def __call__(self, drawn: Details, truth: Details, second: Details) -> Tensor:
        """Return a scalar."""
        return F.l1_loss(torch.cat(drawn), torch.cat(truth))


@register(
    "loss",
    "energy",
    "energy score of two draws of the detail bands, frequency by frequency",
    paper="Gneiting and Raftery, JASA 102 (2007) 359",
    capabilities=("needs:head-noise",),
)
class Energy(BandLoss):
    """:func:`~wavegen.losses.scores.packet_score` of each band."""

    draws: ClassVar[int] = 2

    def __call__(self, drawn: Details, truth: Details, second: Details) -> Tensor:
        """Return a scalar."""
        scores = [packet_score(f, g, x, LEVELS) for f, g, x in zip(drawn, second, truth, strict=True)]
        return torch.stack(scores).mean()


@register(
    "loss",
    "diversity",
    "distance of two draws, so that ignoring the noise is penalised",
    capabilities=("needs:head-noise",),
)
class Diversity(BandLoss):
    """:func:`~wavegen.gans.diversity_loss`."""

    draws: ClassVar[int] = 2

    def __call__(self, drawn: Details, truth: Details, second: Details) -> Tensor:
        """Return a scalar."""
        return diversity_loss(drawn, second, truth)
