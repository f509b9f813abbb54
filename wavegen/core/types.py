"""The values that travel between stages: subbands, restorations, pairs of images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from torch import Tensor


class Details(NamedTuple):
    """The three detail bands of one level, each (B, C, h, w), as PyWavelets' cH, cV, cD."""

    h: Tensor
    v: Tensor
    d: Tensor


class Subbands(NamedTuple):
    """A decomposed image batch.

    ``ll`` is the coarsest band (B, C', h, w); ``details`` holds one :class:`Details` per level,
    coarsest first; ``size`` is the (H, W) of the image, so that padding can be undone.
    """

    ll: Tensor
    details: tuple[Details, ...]
    size: tuple[int, int]


class Pair(NamedTuple):
    """One training item: clean target ``x`` and degraded input ``y``, both (C, H, W) float32."""

    x: Tensor
    y: Tensor


class PairSource(Protocol):
    """A data set: sized, and indexed from 0."""

    def __len__(self) -> int:
        """Number of items."""

    def __getitem__(self, index: int, /) -> Pair:
        """One pair; IndexError past the end."""


class LinearOperator(Protocol):
    """The linear part of a forward model, as data consistency needs it: images to measurements and its transpose."""

    def apply(self, x: Tensor, /) -> Tensor:
        """A x: (B, C, H, W) to the measurement's (B, C, h, w)."""

    def adjoint(self, y: Tensor, /) -> Tensor:
        """A^T y: (B, C, h, w) back to (B, C, H, W)."""


@dataclass(frozen=True)
class Restoration:
    """What :meth:`wavegen.Pipeline.restore` returns.

    ``image`` (the mean over samples), ``std`` (their standard deviation) and ``samples`` (stacked in front)
    have the units of the input; ``image`` has its dtype and shape too. ``nfe`` counts the
    network calls of one sample, ``seconds`` is the wall time of the whole call.
    """

    image: Any
    std: Any
    samples: Any
    nfe: int
    seconds: float
