"""The endless stream of crops that a training sees."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Sampler

from wavegen.core.errors import InputError
from wavegen.core.types import Pair, PairSource
from wavegen.data import Crops
from wavegen.training.config import Training
from wavegen.training.processes import Processes

STATISTICS = 64  # crops from which subband statistics are taken, and by which a data set is known again
TOLERANCE = 1e-3  # of their means, in network units: simulated images may differ in rounding between machines


class _Places(Sampler[list[int]]):
    """Of each batch, one after the other, the places that one process has."""

    def __init__(self, first: int, batch: int, processes: Processes) -> None:
        self.first, self.batch, self.processes = first, batch, processes

    def __iter__(self) -> Iterator[list[int]]:
        for start in count(self.first, self.batch):
            yield list(range(start + self.processes.rank, start + self.batch, self.processes.count))


class Stream:
    """Item i depends on the seed and i only; a batch is the next ``training.batch`` of them, over all processes.

    Raises:
        InputError: a batch that cannot be dealt out evenly, or what :class:`~wavegen.data.Crops` refuses.
    """

    def __init__(
        self, data: PairSource, training: Training, transform: Callable[[Pair], Pair], processes: Processes
    ) -> None:
        if training.batch % processes.count:
            less = training.batch - training.batch % processes.count
            raise InputError(
                f"batch = {training.batch} cannot be shared evenly by {processes.count} processes; "
                f"give {' or '.join(str(k) for k in (less, less + processes.count) if k)}"
            )
        self.means: list[float] = []  # of the first crops, x and y: another data set has others
        self.crops = Crops(data, training.crop, training.seed, 1 << 40, transform, training.augment)
        self.training, self.processes = training, processes

    def clean(self) -> Iterator[Tensor]:
        """The targets of the first crops, for statistics; sets ``means`` on the way.

        Raises:
            InputError: all are constant, or all inputs are.
        """
        self.means = []
        varied: set[str] = set()
        for pair in (self.crops[i] for i in range(STATISTICS)):
            self.means += [float(image.double().mean()) for image in pair]
            varied |= {name for name, image in pair._asdict().items() if image.amax() > image.amin()}
            yield pair.x
        for name, images in (("x", "targets"), ("y", "inputs")):
            if name not in varied:
                raise InputError(
                    f"the {images} are constant in all of the first {STATISTICS} crops: nothing can be learned; "
                    "look at the files, or give larger crops"
                )

    def batches(self, step: int, device: torch.device) -> Iterator[Pair]:
        """This process's part of the batches from a step on."""
        places = _Places(step * self.training.batch, self.training.batch, self.processes)
        for pair in DataLoader(self.crops, batch_sampler=places, num_workers=self.training.workers):
            yield Pair(pair.x.to(device), pair.y.to(device))


def same_means(one: list[float], other: list[float]) -> bool:
    """Whether two lists of :attr:`Stream.means` are of the same data."""
    return len(one) == len(other) and bool(
        torch.allclose(torch.tensor(one), torch.tensor(other), rtol=0, atol=TOLERANCE, equal_nan=True)
    )
