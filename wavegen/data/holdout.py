"""Which images of a data set are kept out of training, to judge it by."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from wavegen.core.errors import InputError, some
from wavegen.core.types import Pair, PairSource
from wavegen.data.base import names_of
from wavegen.data.files import FilePairs
from wavegen.data.simulated import Simulated
from wavegen.io import stem

LEAST = 4  # images, below which none can be spared
SHARE, MOST = 1 / 8, 12  # of the images, by default
LARGEST = 1 / 4  # share of the images up to which whole groups are held out
INDEX = re.compile(r"[ _.\-]+[A-Za-z]{0,2}\d+$")  # _001, -z3, " 12" at the end of a name


class Subset:
    """Some items of a data set, by their numbers there; it declares what the whole does."""

    def __init__(self, whole: PairSource, items: Sequence[int]) -> None:
        self.whole, self.items = whole, list(items)
        names = names_of(whole)
        self.names = [names[i] for i in self.items]
        for name in ("channels", "values", "one_scale"):
            if hasattr(whole, name):
                setattr(self, name, getattr(whole, name))

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> Pair:
        """Item ``index`` of the subset."""
        if not 0 <= index < len(self.items):
            raise IndexError(f"item {index} of a data set of {len(self.items)}")
        return self.whole[self.items[index]]


class Split(NamedTuple):
    """Both parts, the names of the images that are held out, and a sentence for the person who trains."""

    train: Subset
    held_out: Subset
    names: list[str]
    said: str


def _files(data: PairSource) -> list[Path]:
    """The file of each item's target; none for other data sets."""
    if isinstance(data, FilePairs):
        return [target for target, _ in data.files]
    if isinstance(data, Simulated):
        return [data.sources[i % len(data.sources)][0] for i in range(len(data))]
    return []


def hold_out(data: PairSource, wanted: float | None = None, seed: int = 0) -> Split:
    """Split a data set by whole images, at random.

    Items of one file (channels, repeated degradations) stay on one side, and so do images whose names differ in their
    last index (``001_0``, ``001_1``: one field), or last indices, where that leaves groups to choose from: as many
    indices are ignored as allow whole groups to be held out that have at most a quarter of all images.

    Args:
        data: sized and indexed from 0.
        wanted: number of images (1 or more, whole), or their share (below 1); None: an eighth, 12 at most.
        seed: of the choice.

    Raises:
        InputError: fewer than four images, nothing to hold out, or nothing left to train on.
    """
    total = len(data)
    if total < LEAST:
        raise InputError(
            f"{total} image(s) cannot be split into training and validation, which takes {LEAST}; "
            "train without validation, and judge on other images"
        )
    count = _count(total, wanted)
    # With folders: files of one name in several are not related.
    sources = [str(path.parent / stem(path)) for path in _files(data)] or names_of(data)
    groups, level = _groups(sources, count)
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(total,)))
    held = sorted(_chosen(groups, count, rng))
    if not held or len(held) >= total:
        raise InputError(
            f"{total} images come from {len(groups)} file(s), none of which can be held out as a whole; "
            "train without validation, or give more files"
        )
    split = split_at(data, held)
    if len(groups) == len(set(sources)):
        return split
    ignored = "last index" if level == 1 else f"last {level} indices"
    return split._replace(said=f"{split.said}; images whose names differ in the {ignored} stay on one side")


def split_at(data: PairSource, items: Sequence[int]) -> Split:
    """Hold out the items of these numbers."""
    held = Subset(data, sorted({*items}))
    rest = Subset(data, sorted({*range(len(data))} - {*held.items}))
    kept = f"{len(held)} {'is' if len(held) == 1 else 'are'} held out for validation"
    said = f"{len(rest)} images train, {kept}: {some(held.names)}"
    return Split(rest, held, held.names, said)


def _count(total: int, wanted: float | None) -> int:
    """How many images to hold out."""
    if wanted is None:
        return min(max(1, int(SHARE * total)), MOST)
    count = round(wanted * total) if wanted < 1 else int(wanted)
    if not 1 <= count < total or (wanted > 1 and wanted != count):
        raise InputError(
            f"validation on {wanted:g} of {total} images: give a number from 1 to {total - 1}, or a share between 0 "
            "and 1 of at least one image"
        )
    return count


def _groups(sources: Sequence[str], count: int) -> tuple[list[list[int]], int]:
    """Items that belong together, and how many indices of their names that ignores; at least those of one file."""
    keys = list(sources)
    levels = [keys]
    while (shorter := [INDEX.sub("", key) or key for key in keys]) != keys:
        keys = shorter
        levels.append(keys)
    for level in range(len(levels) - 1, 0, -1):
        groups = _by_key(levels[level])
        smallest = min(len(group) for group in groups)
        if len(groups) >= LEAST and smallest <= max(count, LARGEST * len(sources)):
            return groups, level
    return _by_key(levels[0]), 0


def _by_key(keys: Sequence[str]) -> list[list[int]]:
    groups: dict[str, list[int]] = {}
    for item, key in enumerate(keys):
        groups.setdefault(key, []).append(item)
    return list(groups.values())


def _chosen(groups: Sequence[list[int]], count: int, rng: np.random.Generator) -> list[int]:
    """Whole groups in random order while they fit into ``count``; the smallest one where none does."""
    order = [groups[i] for i in rng.permutation(len(groups))]
    held: list[int] = []
    for group in order:
        if len(held) + len(group) <= count:
            held += group
    return held or min(order, key=len)
