"""A data set in memory, optionally cached in a file that several trainings share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from wavegen.core.errors import InputError
from wavegen.core.files import atomic
from wavegen.core.types import Pair, PairSource
from wavegen.data.base import checked_item, names_of
from wavegen.data.simulators.base import Simulator


class InMemory:
    """All items of a data set, computed once, float32.

    With a ``path`` (``.npz``) they are read from that file if it exists, else computed and written to it atomically.
    The file records the options of the simulator; a file with other options is refused.

    Args:
        dataset: a sized data set of :class:`Pair`; with ``path`` a simulated one.
        path: the cache file, or None.

    Raises:
        InputError: a path that does not end in ``.npz``, a data set without a record of its options, a file of
            other options or a damaged file, a folder that cannot be written, items that
            :func:`~wavegen.data.base.checked_item` refuses.
    """

    def __init__(self, dataset: PairSource, path: str | Path | None = None) -> None:
        self.names = names_of(dataset)
        self.one_scale: bool = getattr(dataset, "one_scale", False)
        if path is None:
            self._items = _compute(dataset)
            return
        path = Path(path)
        if path.suffix != ".npz" or not isinstance(dataset, Simulator):
            raise InputError(f"{path}: only simulated data sets can be cached in a file, whose name must end in .npz")
        if path.exists():
            self._items = _read(path, dataset.key())
            return
        self._items = _compute(dataset)
        x, y = (np.stack([pair[k].numpy() for pair in self._items]) for k in (0, 1))
        with atomic(path) as file:
            np.savez(file, key=np.array(dataset.key()), x=x, y=y)

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, index: int) -> Pair:
        """Item ``index``; the tensors are shared and must not be changed in place."""
        return self._items[index]


def _compute(dataset: PairSource) -> list[Pair]:
    """Every item."""
    return [checked_item(dataset, index) for index in range(len(dataset))]


def _read(path: Path, key: str) -> list[Pair]:
    """The items of a file whose key is ``key``."""
    try:
        with np.load(path, allow_pickle=False) as file:
            stored: Any = str(file["key"])
            x, y = (torch.from_numpy(file[name]) for name in ("x", "y")) if stored == key else ((), ())
    except Exception as error:  # a damaged archive raises many kinds
        raise InputError(f"{path} is damaged or not a data set; delete it and run again") from error
    if stored != key:
        raise InputError(f"{path} holds another data set, {stored}; this one is {key}: give another path or delete it")
    return [Pair(*pair) for pair in zip(x, y, strict=True)]
