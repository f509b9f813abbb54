"""The contract of data sets: pairs of float32 images of one shape, the same at every call."""

from __future__ import annotations

from collections.abc import Callable

import torch

from wavegen.core.errors import InputError
from wavegen.core.types import Pair, PairSource
from wavegen.data.base import checked_item
from wavegen.testing.base import Subject


def check(subject: Subject, data: PairSource, rebuild: Callable[[], PairSource]) -> None:
    """Every check of the contract; ``rebuild`` makes the data set again."""
    try:
        count = len(data)
    except TypeError as error:
        raise subject.fail("length", f"len() does not work: {error}") from error
    subject.require(count > 0, "length", "it has no items")
    again = rebuild()
    for index in sorted({0, count // 2, count - 1}):
        first = _item(subject, data, index)
        for what, other in (("a second call", data), ("the same data set built again", again)):
            same = all(torch.equal(a, b) for a, b in zip(first, _item(subject, other, index), strict=True))
            subject.require(same, "determinism", f"item {index} is another one at {what}")
    try:
        data[count]
    except IndexError:
        return
    except Exception as error:
        raise subject.fail("end", f"item {count} of {count} raises {type(error).__name__}, not IndexError") from error
    raise subject.fail("end", f"item {count} of {count} exists; raise IndexError past the end")


def _item(subject: Subject, data: PairSource, index: int) -> Pair:
    try:
        return checked_item(data, index)
    except InputError as error:
        raise subject.fail("items", str(error)) from error
