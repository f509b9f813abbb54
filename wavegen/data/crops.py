"""Random crops of a data set, rotated and mirrored."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import numpy as np
import torch
from pydantic import Field
from torch import Tensor
from torch.utils.data import Dataset

from wavegen.core.errors import InputError
from wavegen.core.types import Pair, PairSource
from wavegen.data.augment import Augment, Places, places_by_content
from wavegen.data.base import checked_item

KEPT = 512 * 2**20  # bytes of whole images, of each process that cuts crops


class Crops(Dataset[Pair]):
    """Square crops at random positions of random items, in one of the eight orientations.

    Item i is a pure function of (seed, i) and the data set. x and y get the same crop and orientation. Whole images are
    checked and transformed once, and kept in memory until ``KEPT`` bytes are used.

    Args:
        dataset: a sized data set of :class:`Pair`.
        size: side of the crop in pixels.
        seed: of positions and orientations.
        length: number of items.
        transform: applied to the whole image before cropping (intensity normalisation).
        augment: further random changes.

    Raises:
        InputError: an empty data set, a size or length below 1; at an item: an image smaller than the crop, x and y
            of different sizes, or what :func:`~wavegen.data.base.checked_item` refuses.
    """

    def __init__(
        self,
        dataset: PairSource,
        size: Annotated[int, Field(ge=1)],
        seed: Annotated[int, Field(ge=0)],
        length: Annotated[int, Field(ge=1)],
        transform: Callable[[Pair], Pair] | None = None,
        augment: Augment | None = None,
    ) -> None:
        self.count = len(dataset)
        if size < 1 or length < 1 or seed < 0 or self.count < 1:
            raise InputError(
                f"crops of size {size}, length {length}, seed {seed} from {self.count} items: size, length and "
                "items must be at least 1 and the seed not negative"
            )
        self.dataset = dataset
        self.size = size
        self.seed = seed
        self.length = length
        self.transform = transform
        self.augment = augment or Augment()
        self._places: dict[int, Places] = {}
        self._kept: dict[int, Pair] = {}
        self._room = KEPT

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> Pair:
        """Crop ``index``: x and y, each (C, size, size)."""
        if not 0 <= index < self.length:
            raise IndexError(f"item {index} of a data set of {self.length}")
        rng = np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(index,)))
        item = int(rng.integers(self.count))
        pair = self._whole(item)
        height, width = pair.x.shape[-2:]
        if pair.y.shape[-2:] != pair.x.shape[-2:]:
            raise InputError(
                f"item {item}: x is {height}x{width} and y {pair.y.shape[-2]}x{pair.y.shape[-1]}; "
                "both must have one size"
            )
        if min(height, width) < self.size:
            raise InputError(
                f"item {item} is {height}x{width}, smaller than the crop of {self.size}; "
                f"choose a crop of at most {min(height, width)}"
            )
        top, left = (int(rng.integers(side - self.size + 1)) for side in (height, width))
        turns, mirrored = int(rng.integers(4)), bool(rng.integers(2))
        # Drawn last, so that a crop is the same without them.
        if self.augment.content and rng.random() < self.augment.content:
            top, left = self._places_of(item, pair.x).draw(rng)

        def view(image: Tensor) -> Tensor:
            part = image[..., top : top + self.size, left : left + self.size]
            part = torch.rot90(part, turns, (-2, -1))
            return (part.flip(-1) if mirrored else part).contiguous()

        return self.augment.intensities(Pair(view(pair.x), view(pair.y)), rng)

    def _places_of(self, item: int, x: Tensor) -> Places:
        """Where crops of an image are worth most; remembered as long as the image is."""
        places = self._places.get(item) or places_by_content(x, self.size)
        if item in self._kept:
            self._places[item] = places
        return places

    def _whole(self, item: int) -> Pair:
        """An image pair, checked and transformed: its percentiles alone take longer than a crop's share of a step."""
        if item in self._kept:
            return self._kept[item]
        pair = checked_item(self.dataset, item)
        if self.transform is not None:
            pair = self.transform(pair)
        size = sum(image.nbytes for image in pair)
        if size <= self._room:
            self._kept[item] = pair
            self._room -= size
        return pair
