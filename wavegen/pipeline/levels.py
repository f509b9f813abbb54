"""The way up from the coarsest band to the image, level by level: one generator for restoration and training."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from torch import Tensor

from wavegen.core.types import Details, Subbands
from wavegen.transforms import Transform


@dataclass(frozen=True)
class Level:
    """Where a head starts.

    ``index`` counts from the coarsest level, 0; ``depth`` is the transform's own number of the level (1 = finest).
    ``low`` and ``y_low`` (B, C, h, w) are the restored and the degraded low band, not normalised; ``y`` are all
    subbands of the degraded image; ``size`` is that of the image which the level gives.
    """

    index: int
    depth: int
    low: Tensor
    y_low: Tensor
    y: Subbands
    size: tuple[int, int]


class Scale(NamedTuple):
    """What one level gives: the image at its scale, restored and degraded; ``level`` says what it was made from."""

    level: Level
    image: Tensor
    y: Tensor


def climb(
    transform: Transform,
    y: Subbands,
    low: Tensor,
    details: Callable[[Level], Details],
    start: Callable[[Level], Tensor] | None = None,
) -> Iterator[Scale]:
    """Yield every scale, coarsest first; a transform without levels has one.

    Args:
        transform: its inverse is taken one level at a time.
        y: subbands of the degraded image.
        low: (B, C', h, w), the coarsest band to start from, not normalised.
        details: makes the detail bands of a level, not normalised; not called without levels.
        start: gives the low band that a level starts from in place of the one reached (teacher forcing).
    """
    if not y.details:
        level = Level(0, 0, low, y.ll, y, y.size)
        yield Scale(level, transform.inverse(Subbands(low, (), y.size)), transform.inverse(y))
        return
    sizes, y_low = transform.sizes(y.size), y.ll
    for index, y_details in enumerate(y.details):
        depth = len(y.details) - index
        level = Level(index, depth, low, y_low, y, sizes[depth - 1])
        if start is not None:
            level = replace(level, low=start(level))
        low = transform.inverse_level(level.low, details(level), level.size, depth)
        y_low = transform.inverse_level(y_low, y_details, level.size, depth)
        yield Scale(level, low, y_low)


def levels_at(transform: Transform, y: Subbands, lows: Sequence[Tensor], y_lows: Sequence[Tensor]) -> list[Level]:
    """Every level at given low bands (coarsest first), such as the true ones."""
    sizes, count = transform.sizes(y.size), len(y.details)
    return [Level(i, count - i, lows[i], y_lows[i], y, sizes[count - i - 1]) for i in range(count)]
