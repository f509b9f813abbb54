"""Averages of the weights over a training, of which one becomes the model."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

import torch
from torch import Tensor, nn

Weight = Callable[[int], float]


class Averages:
    """Running averages of a module's parameters, each of a length relative to the training so far.

    After n updates the average of length s weighs the parameters of update k in proportion to (k / n)^g: the standard
    deviation of k / n under these weights is s (arXiv 2312.02696, eqs. 3 and 5). Longer averages are less noisy and
    lag behind; which is best is known after the training, so two are tracked, and lengths between them are combined
    from these (:meth:`of`).

    Args:
        module: whose parameters.
        lengths: of the tracked averages, in (0, 0.289); or the decay of one exponential average with a warm-up,
            min(decay, (1 + n) / (10 + n)), as version 0.1.0 had it.

    Attributes:
        values: one list of tensors for each tracked average.
        chosen: the length that :meth:`shown` and :meth:`put` take; it is tracked, or lies between the two.
    """

    def __init__(self, module: nn.Module, lengths: float | Sequence[float]) -> None:
        self.lengths = (0.0,) if isinstance(lengths, float) else tuple(lengths)
        self.chosen = self.lengths[0]
        self.weights: list[Weight] = (
            [partial(_decayed, lengths)]
            if isinstance(lengths, float)
            else [partial(_power, exponent(s)) for s in lengths]
        )
        self.values = [[p.detach().clone() for p in module.parameters()] for _ in self.weights]

    @property
    def candidates(self) -> tuple[float, ...]:
        """Lengths worth trying after the training: the tracked ones, and their geometric mean between two."""
        return (*self.lengths, *([math.prod(self.lengths) ** 0.5] if len(self.lengths) == 2 else []))

    @torch.no_grad()
    def update(self, module: nn.Module, step: int, own: list[Tensor] | None = None) -> None:
        """Move every average; ``step`` counts from 0. An optimizer's ``own`` average takes their place."""
        now = [p.detach() for p in module.parameters()]
        for weight, values in zip(self.weights, self.values, strict=True):
            torch._foreach_lerp_(values, now, weight(step)) if own is None else torch._foreach_copy_(values, own)

    @torch.no_grad()
    def of(self, length: float) -> list[Tensor]:
        """The average of a length: a tracked one itself, or the nearest combination of the two."""
        if length in self.lengths:
            return self.values[self.lengths.index(length)]
        share = share_of_first(length, *self.lengths)
        return list(torch._foreach_lerp(self.values[1], self.values[0], share))

    @contextmanager
    def shown(self, module: nn.Module, length: float | None = None) -> Iterator[None]:
        """The module holds an average inside the block, and its own parameters after it."""
        kept = [p.detach().clone() for p in module.parameters()]
        self.put(module, length)
        try:
            yield
        finally:
            _set(module, kept)

    def put(self, module: nn.Module, length: float | None = None) -> None:
        """Give the module an average of its parameters."""
        _set(module, self.of(self.chosen if length is None else length))


@torch.no_grad()
def _set(module: nn.Module, values: list[Tensor]) -> None:
    torch._foreach_copy_([p.detach() for p in module.parameters()], values)


def _decayed(decay: float, step: int) -> float:
    return 1 - min(decay, (1 + step) / (10 + step))


def _power(gamma: float, step: int) -> float:
    """The share of the newest parameters: 1 - (1 - 1/n)^(gamma + 1) after n = step + 1 updates."""
    return float(1 - (1 - 1 / (step + 1)) ** (gamma + 1))


def exponent(length: float) -> float:
    """g of a length s: the root of s^2 = (g + 1) / ((g + 2)^2 (g + 3)) above 0, by bisection."""
    low, high = 0.0, 1.0
    while _variance(high) > length**2:
        high *= 2
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if _variance(middle) > length**2 else (low, middle)
    return (low + high) / 2


def _variance(gamma: float) -> float:
    return (gamma + 1) / ((gamma + 2) ** 2 * (gamma + 3))


def share_of_first(length: float, first: float, second: float) -> float:
    """The share of the average of length ``first``, the rest being that of ``second``, that comes nearest to a length.

    In the mean square over the training: with p_g(k) = (g + 1) k^g on [0, 1], the inner product of two such profiles
    is (g + 1)(h + 1) / (g + h + 1).
    """
    f, s, g = (exponent(value) for value in (first, second, length))

    def product(a: float, b: float) -> float:
        return (a + 1) * (b + 1) / (a + b + 1)

    distance = product(f, f) - 2 * product(f, s) + product(s, s)
    return (product(g, f) - product(g, s) - product(s, f) + product(s, s)) / distance
