"""The contract of data sets, and the one place where items are held to it."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.utils.data import Dataset

from wavegen.core.errors import InputError
from wavegen.core.types import Pair, PairSource


class PairDataset(Dataset[Pair], ABC):
    """Pairs of a clean target x and a degraded input y, both (C, H, W) float32, of one shape within a pair.

    Item ``index`` is the same at every call, and past the end ``__getitem__`` raises IndexError. Intensities have any
    units; a pipeline normalises them itself. Deriving from this class is not required: any sized and indexed object
    will do (:class:`~wavegen.core.types.PairSource`). Channels and values that it declares are checked.

    Attributes:
        channels: C of every item; None where files decide it.
        values: the least and the largest possible intensity.
        one_scale: whether x and y of a pair share one intensity scale by construction; otherwise a training looks
            (``intensity.target: auto``).
    """

    channels: int | None = None
    values: tuple[float, float] = (-math.inf, math.inf)
    one_scale: bool = False

    @abstractmethod
    def __len__(self) -> int:
        """Number of items."""

    @abstractmethod
    def __getitem__(self, index: int) -> Pair:
        """One pair.

        Raises:
            IndexError: past the end.
        """


def checked_item(data: PairSource, index: int) -> Pair:
    """``data[index]``, refused where it does not keep the contract. Training and evaluation take all items from here.

    Raises:
        InputError: what is wrong with it: no pair of tensors, another dtype than float32, other than three dimensions,
            unequal shapes, values that are not finite, or what the data set declared and does not keep.
    """
    item = data[index]
    where = f"data set {type(data).__name__}: item {index}"
    if not isinstance(item, tuple) or len(item) != 2:
        raise InputError(f"{where} is {_called(item)}; give a pair (target x, input y)")
    pair = Pair(*item)
    for name, image in zip(Pair._fields, pair, strict=True):
        _check_image(f"{where}: {name}", image)
    if pair.x.shape != pair.y.shape:
        shapes = f"x has shape {tuple(pair.x.shape)} and y {tuple(pair.y.shape)}"
        raise InputError(f"{where}: {shapes}; both must have one size")
    channels = getattr(data, "channels", None)
    if channels is not None and pair.x.shape[0] != channels:
        raise InputError(f"{where} has {pair.x.shape[0]} channel(s); the data set declares channels = {channels}")
    low, high = getattr(data, "values", (-math.inf, math.inf))
    if math.isfinite(low) or math.isfinite(high):
        for name, image in zip(Pair._fields, pair, strict=True):
            least, largest = float(image.min()), float(image.max())
            if least < low or largest > high:
                found, declared = f"{least:g} to {largest:g}", f"[{low:g}, {high:g}]"
                raise InputError(f"{where}: {name} goes from {found}; the data set declares values in {declared}")
    return pair


def _check_image(where: str, image: object) -> None:
    if not isinstance(image, Tensor):
        raise InputError(f"{where} is {_called(image)}; give a torch tensor (C, H, W), float32")
    if image.dtype != torch.float32:
        dtype = str(image.dtype).removeprefix("torch.")
        raise InputError(f"{where} is {dtype}; give float32, in any units (for example image.float())")
    if image.ndim != 3 or image.numel() == 0:
        raise InputError(f"{where} has shape {tuple(image.shape)}; give (C, H, W), every size >= 1")
    if not bool(torch.isfinite(image).all()):
        raise InputError(f"{where} holds values that are NaN or infinite; replace or leave out such images")


def _called(value: object) -> str:
    dtype = getattr(value, "dtype", None)
    return f"of type {type(value).__name__}" + (f" ({dtype})" if dtype is not None else "")


def names_of(data: PairSource) -> list[str]:
    """The names that a data set gives to its pairs, or their numbers."""
    names: Sequence[str] | None = getattr(data, "names", None)
    return [f"item {i}" for i in range(len(data))] if names is None else list(names)
