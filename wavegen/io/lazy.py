"""Arrays that are read or computed when somebody asks for their values."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wavegen.core.guard import guarded
from wavegen.core.limits import check_declared

Load = Callable[[], NDArray[Any]]


class LazyFile:
    """The pixels of a file that can only be decoded as a whole: decoded once, when they are first indexed.

    Args:
        path: the file, for messages.
        shape: what the header says.
        dtype: what the header says.
        load: returns the pixels.

    Raises:
        InputError: more pixels than the limit allows, or none.
    """

    def __init__(self, path: Path, shape: tuple[int, ...], dtype: Any, load: Load) -> None:
        check_declared(path, shape, dtype)
        self.path, self.shape, self.dtype = path, shape, np.dtype(dtype)
        self._load = load
        self._pixels: NDArray[Any] | None = None

    def __getitem__(self, index: Any) -> NDArray[Any]:
        if self._pixels is None:
            self._pixels = guarded(self.path, lambda _: self._checked())
        part: NDArray[Any] = self._pixels[index]
        return part

    def _checked(self) -> NDArray[Any]:
        pixels = self._load()
        if pixels.shape != self.shape:
            raise ValueError(f"it holds {pixels.shape} values, its header says {self.shape}")
        return pixels


class Changed:
    """An array whose values go through a function when they are read.

    Args:
        array: anything with ``shape`` and numpy indexing.
        change: elementwise; keeps shapes.
        dtype: of the changed values.
    """

    def __init__(self, array: Any, change: Callable[[NDArray[Any]], NDArray[Any]], dtype: Any) -> None:
        self.array, self.change = array, change
        self.shape, self.dtype = tuple(array.shape), np.dtype(dtype)

    def __getitem__(self, index: Any) -> NDArray[Any]:
        return self.change(np.asarray(self.array[index]))
