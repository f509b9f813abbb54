"""What checked pairs ask for before a training."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from wavegen.core.errors import some
from wavegen.data.check import MAX_SHIFT
from wavegen.data.matched import summary, unrelated_scales
from wavegen.data.matching import Match
from wavegen.data.registration import WORTH_MOVING

Record = Mapping[str, Any]


def advice(records: Sequence[Record], max_shift: float = MAX_SHIFT) -> list[str]:
    """A line for each thing to do; none where all is well.

    Args:
        records: of :func:`~wavegen.inference.check.check_items` or ``check_pairs``.
        max_shift: pixels; as the records were made with.
    """
    pairs = [record for record in records if "intensity" in record]
    if not pairs:
        return []
    one = ["one pair only: nothing is left to judge a training by; give more"] if len(pairs) == 1 else []
    return [*one, *_on_scales(pairs), *_on_shifts(pairs, max_shift), *_on_filters(pairs)]


def scales(records: Sequence[Record]) -> dict[str, Any]:
    """The gains of all pairs, their scatter, and whether a training would match them; empty without pairs."""
    lines = list(map(_lines, (record for record in records if "intensity" in record)))
    if not lines:
        return {}
    gains = [line.gain for pair in lines for line in pair]
    return {
        "line": summary(lines),
        "gain": float(np.median(gains)),
        "least_gain": min(gains),
        "largest_gain": max(gains),
        "unrelated_scales": unrelated_scales(lines),
    }


def _lines(record: Record) -> list[Match]:
    return [Match(**line) for line in record["intensity"]]


def _on_scales(pairs: Sequence[Record]) -> Iterator[str]:
    lines = {record["name"]: _lines(record) for record in pairs}
    strange = [name for name, pair in lines.items() if not all(line.usable for line in pair)]
    equal = [name for name, pair in lines.items() if all(line.equal for line in pair)]
    if strange:
        yield f"vanishing or negative correlation: {some(strange)}; leave them out, or train with intensity.target=own"
    if equal:
        yield f"targets that equal their inputs, but for gain and offset: {some(equal)}; nothing is learned there"
    elif unrelated_scales(list(lines.values())) and not pairs[0].get("one_scale"):
        yield "unrelated scales: train with intensity.target=matched, which auto, the default, chooses"


def _on_shifts(pairs: Sequence[Record], max_shift: float) -> Iterator[str]:
    found = [record["registration"] for record in pairs if "registration" in record]
    moved = [shift["pixels"] for shift in found if shift["pixels"] >= WORTH_MOVING and not shift["refused"]]
    if moved:
        yield (
            f"{len(moved)} of {len(pairs)} pairs are shifted by {min(moved):.1f} to {max(moved):.1f} px: "
            f"the option max_shift={max_shift:g} of the data set pairs moves targets onto inputs"
        )


def _on_filters(pairs: Sequence[Record]) -> Iterator[str]:
    enough = [record["gaussian"]["sigma"] for record in pairs if record["gaussian"]["enough"]]
    if 2 * len(enough) > len(pairs):
        yield (
            f"in {len(enough)} of {len(pairs)} pairs a Gaussian filter of the input (sigma {np.median(enough):.1f} px) "
            "comes as near to the target as the target's own noise allows: nothing can be seen to do better there"
        )
