"""Pairs whose targets are laid on the scale of their inputs, and whether that is needed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch.utils.data import Dataset

from wavegen.core.types import Pair, PairSource
from wavegen.data.base import checked_item, names_of
from wavegen.data.matching import Match, match

ONE_SCALE = 0.1  # standard deviations of the target: by this much a pair may be off and still count as of one scale
EXCEPTIONS = 0.1  # share of pairs that may be off by more


class Matched(Dataset[Pair]):
    """A data set whose targets are laid on the scale of their inputs: x becomes (x - offset) / gain, y stays.

    The lines are fitted once, when it is built, one for each channel of each pair; they depend on the images alone.

    Args:
        source: a sized data set of :class:`Pair`.

    Attributes:
        source: the data set with the targets as they were.
        matches: of each pair, one for each channel.
        channels: as the source declares it.
        names: of the pairs.

    Raises:
        InputError: items that :func:`~wavegen.data.base.checked_item` refuses.
    """

    def __init__(self, source: PairSource) -> None:
        self.source = source
        self.channels: int | None = getattr(source, "channels", None)
        self.names = names_of(source)
        self.matches = [match(*(k.numpy() for k in checked_item(source, i))) for i in range(len(source))]

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, index: int) -> Pair:
        """Pair ``index``, each (C, H, W) float32 in the units of the input."""
        return laid(checked_item(self.source, index), self.matches[index])


def laid(pair: Pair, matches: Sequence[Match]) -> Pair:
    """A pair with its target on the scale of its input."""
    gain, offset = (torch.tensor([getattr(m, k) for m in matches]).view(-1, 1, 1) for k in ("gain", "offset"))
    return Pair((pair.x - offset) / gain, pair.y)


def on_input_scale(pair: Pair) -> Pair:
    """A pair with its target on the scale of its input, by a line that is fitted here."""
    return laid(pair, match(*(image.cpu().numpy() for image in pair)))


def unrelated_scales(matches: Sequence[Sequence[Match]]) -> bool:
    """Whether the targets of more than a tenth of the pairs are on another scale than their inputs."""
    return float(np.mean([max(one.gap for one in pair) > ONE_SCALE for pair in matches])) > EXCEPTIONS


def summary(matches: Sequence[Sequence[Match]]) -> str:
    """``target = 1.30 x input - 14 (gain 1.02 to 2.90)``: medians over all pairs and channels."""
    gains, offsets = (np.array([getattr(m, k) for pair in matches for m in pair]) for k in ("gain", "offset"))
    middle = float(np.median(offsets))
    line = f"target = {np.median(gains):.3g} x input {'-' if middle < 0 else '+'} {abs(middle):.3g}"
    return line if len(gains) == 1 else f"{line} (gain {gains.min():.3g} to {gains.max():.3g})"
