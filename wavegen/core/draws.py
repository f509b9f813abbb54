"""Random numbers of a batch's items, of which a process may hold a part only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor


class Shared(torch.Generator):
    """The generator of a batch that several processes share, each with as many items.

    Every process draws the numbers of the whole batch and keeps those of its own items (:func:`whole`, :func:`own`),
    so that an item's numbers depend on its place in the batch, not on how many processes there are. Process r of n has
    the places r, r + n, r + 2 n, ...: what is stratified over the batch is so over each process's items, too.

    Args:
        seed: of the numbers.
        rank: this process.
        processes: how many there are.
        items: of the batch, in each process.
    """

    def __new__(cls, seed: int, rank: int, processes: int, items: int) -> Shared:
        """torch's generator takes a device only."""
        return super().__new__(cls)

    def __init__(self, seed: int, rank: int, processes: int, items: int) -> None:
        self.manual_seed(seed)
        self.rank, self.processes, self.items = rank, processes, items
        self.chosen: Tensor | None = None

    def part(self, values: Tensor) -> Tensor:
        """Of values of the whole batch, or of those chosen, this process's; a repeated batch is taken as one."""
        if self.chosen is not None:
            position = self.chosen.cumsum(0) - 1
            mine = slice(self.rank, None, self.processes)
            return values[position[mine][self.chosen[mine]]]
        repeats = len(values) // (self.items * self.processes)
        dealt = values.view(repeats, self.items, self.processes, *values.shape[1:])
        return dealt[:, :, self.rank].reshape(repeats * self.items, *values.shape[1:])


def whole(count: int, generator: torch.Generator) -> int:
    """How many items numbers are drawn for, where this process has ``count``."""
    if not isinstance(generator, Shared):
        return count
    return count * generator.processes if generator.chosen is None else int(generator.chosen.sum())


def own(values: Tensor, generator: torch.Generator) -> Tensor:
    """This process's part of values (:func:`whole`, ...)."""
    return generator.part(values) if isinstance(generator, Shared) else values


@contextmanager
def among(chosen: Tensor, generator: torch.Generator) -> Iterator[None]:
    """Inside, numbers are drawn for some items only; ``chosen`` is of bool, for each item of the whole batch."""
    if not isinstance(generator, Shared):
        yield
        return
    before, generator.chosen = generator.chosen, chosen
    try:
        yield
    finally:
        generator.chosen = before


def normal(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Standard normal numbers (items, ...)."""
    return own(torch.randn((whole(shape[0], generator), *shape[1:]), generator=generator), generator)


def uniform(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Uniform numbers in [0, 1), (items, ...)."""
    return own(torch.rand((whole(shape[0], generator), *shape[1:]), generator=generator), generator)


def integers(least: int, below: int, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Whole numbers from ``least`` up to, not with, ``below``, (items, ...)."""
    drawn = torch.randint(least, below, (whole(shape[0], generator), *shape[1:]), generator=generator)
    return own(drawn, generator)


def seeds(count: int, generator: torch.Generator) -> list[int]:
    """A seed for each item: one drawn number, and the item's place in the batch added."""
    first = int(torch.randint(1 << 31, (1,), generator=generator))
    places = own(torch.arange(whole(count, generator)), generator)
    return [first + place for place in places.tolist()]
