"""The coarsest Haar band of the images of a data set, as a data set."""

from __future__ import annotations

from torch import Tensor

from wavegen.core.errors import InputError
from wavegen.core.types import Pair, PairSource
from wavegen.data.base import checked_item, names_of
from wavegen.transforms import Haar

MAX_LEVELS = 8


class LowBand:
    """The Haar LL band of level ``levels`` divided by 2^levels, of both images of every pair.

    This is the mean over blocks of 2^levels x 2^levels pixels, in the units of the images; an odd side is padded by
    repeating its last sample, as :class:`~wavegen.transforms.Haar` does.

    Args:
        source: a sized data set of :class:`Pair`.
        levels: 1 to 8; 0 returns the pairs unchanged.

    Raises:
        InputError: levels out of range.
    """

    def __init__(self, source: PairSource, levels: int) -> None:
        if not 0 <= levels <= MAX_LEVELS:
            raise InputError(f"levels = {levels}; give a whole number from 0 to {MAX_LEVELS}")
        self.source = source
        self.levels = levels
        self.names = names_of(source)
        self.one_scale: bool = getattr(source, "one_scale", False)
        self._haar = Haar(max(levels, 1))

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, index: int) -> Pair:
        """Pair ``index``, each (C, ceil(H / 2^levels), ceil(W / 2^levels)) float32."""
        pair = checked_item(self.source, index)
        return pair if self.levels == 0 else Pair(self._low(pair.x), self._low(pair.y))

    def _low(self, image: Tensor) -> Tensor:
        low: Tensor = self._haar.forward(image[None]).ll[0]
        return low / 2.0**self.levels
