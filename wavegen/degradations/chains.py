"""Sequences of degradations: fixed, or with random members, strengths and order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import torch
from pydantic import Field
from torch import Generator, Tensor

from wavegen.core.errors import InputError
from wavegen.core.registry import build, describe, register
from wavegen.core.types import LinearOperator
from wavegen.degradations.base import Degradation, Shape, Size

Spec = dict[str, Any]


class Composed:
    """The product of linear operators; the first is applied first."""

    def __init__(self, operators: Sequence[LinearOperator]) -> None:
        self.operators = list(operators)

    def apply(self, x: Tensor) -> Tensor:
        """A_n … A_1 x."""
        for operator in self.operators:
            x = operator.apply(x)
        return x

    def adjoint(self, y: Tensor) -> Tensor:
        """A_1^T … A_n^T y."""
        for operator in reversed(self.operators):
            y = operator.adjoint(y)
        return y


def _build(spec: Mapping[str, Any] | str, where: str) -> Degradation:
    try:
        part: Degradation = build("degradation", spec)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None
    return part


@register("degradation", "chain", "several degradations in order; linear if all of them are")
class Chain(Degradation):
    """Degradations that are applied one after another.

    The input must be within the limits of all parts. Values that ringing or noise of an earlier part takes out of
    range are clipped by the part that cannot use them.

    Args:
        parts: one or more configurations, each a name or ``{"name": ..., **options}``.

    Raises:
        InputError: no part, or an invalid one.
    """

    def __init__(self, parts: list[Spec | str]) -> None:
        if not parts:
            raise InputError("a chain needs at least one part")
        self.specs = list(parts)
        self.parts = [_build(spec, f"part {i + 1} of the chain") for i, spec in enumerate(parts)]
        self.random = any(part.random for part in self.parts)
        self.linear = all(part.linear for part in self.parts)
        self.limits = _common(self.parts)

    def degrade(self, x: Tensor, generator: Generator) -> Tensor:
        """All parts in order on (B, C, H, W)."""
        for part in self.parts:
            x = part.degrade(x, generator)
        return x

    def operator(self, shape: Shape, generator: Generator | int | None = None) -> Composed:
        """The product of the parts' operators, drawn in order.

        Raises:
            InputError: a part is not linear.
        """
        source = self._source(generator)
        operators: list[LinearOperator] = []
        probe = torch.zeros(shape)
        for part in self.parts:
            operators.append(part.operator((*probe.shape[:2], probe.shape[2], probe.shape[3]), source))
            probe = operators[-1].apply(probe)
        return Composed(operators)

    def apply(self, x: Tensor) -> Tensor:
        """A x, if every part is linear and not random."""
        return Composed(self.parts).apply(x)

    def adjoint(self, y: Tensor) -> Tensor:
        """A^T y, if every part is linear and not random."""
        return Composed(self.parts).adjoint(y)


@register(
    "degradation",
    "random_chain",
    "degradations of random strength, number and order, drawn for each image",
    paper="the idea: Zhang et al. 2021, arXiv 2103.14006",
    capabilities=("random",),
)
class RandomChain(Degradation):
    """A random selection of parts for each image, in random order and with options drawn from ranges.

    Args:
        parts: configurations as for :class:`Chain`, in which a numerical option may be a pair ``[low, high]``, from
            which it is drawn uniformly (whole numbers: both ends included).
        least: minimum number of parts.
        most: maximum number of parts; default: all.
        shuffle: whether the order is random; otherwise that of ``parts``.

    Raises:
        InputError: no part, one that is invalid at an end of its ranges, a range with low > high, or numbers
            ``least`` and ``most`` that do not fit the number of parts.
    """

    random = True

    def __init__(
        self,
        parts: list[Spec | str],
        least: Annotated[int, Field(ge=0)] = 1,
        most: Annotated[int, Field(ge=1)] | None = None,
        shuffle: bool = True,
    ) -> None:
        self.specs: list[Spec] = [{"name": part} if isinstance(part, str) else dict(part) for part in parts]
        self.least, self.most, self.shuffle = least, len(parts) if most is None else most, shuffle
        if not parts or not least <= self.most <= len(parts):
            raise InputError(f"random_chain: least = {least}, most = {self.most} do not fit {len(parts)} parts")
        ends = [[_build(_at(spec, end, f"part {i + 1}"), f"part {i + 1}") for i, spec in enumerate(self.specs)]
                for end in (0, 1)]  # fmt: skip
        self.linear = all(part.linear for part in ends[0])
        self.limits = _common(ends[0])

    def draw(self, generator: Generator | int) -> Chain | None:
        """One chain, with its configuration in ``specs``; None if no part was drawn."""
        source = self._source(generator)
        count = self.least + int(_uniform(source) * (self.most - self.least + 1))
        order = torch.randperm(len(self.specs), generator=source, device=source.device)[:count].tolist()
        chosen = order if self.shuffle else sorted(order)
        parts: list[Spec | str] = [_drawn(self.specs[i], source) for i in chosen]
        return Chain(parts) if parts else None

    def degrade(self, x: Tensor, generator: Generator) -> Tensor:
        """Degrade each image of (B, C, H, W) by a chain drawn for it.

        Raises:
            InputError: the results differ in size.
        """
        degraded = []
        for image in torch.split(x, 1):
            chain = self.draw(generator)
            degraded.append(image if chain is None else chain.degrade(image, generator))
        sizes: set[Size] = {(y.shape[2], y.shape[3]) for y in degraded}
        if len(sizes) > 1:
            raise InputError(f"random_chain gave images of different sizes, {sorted(sizes)}: degrade them one by one")
        return torch.cat(degraded)

    def operator(self, shape: Shape, generator: Generator | int | None = None) -> LinearOperator:
        """The operator of the chain drawn for one image.

        Raises:
            InputError: a part is not linear, or ``shape`` has more than one image (each has another chain).
        """
        if shape[0] != 1:
            raise InputError(
                f"random_chain draws a chain for each image: ask for one operator at a time, not {shape[0]}"
            )
        source = self._source(generator)
        chain = self.draw(source)
        return Composed([]) if chain is None else chain.operator(shape, source)


def _common(parts: Sequence[Degradation]) -> tuple[float, float]:
    return max(part.limits[0] for part in parts), min(part.limits[1] for part in parts)


def _is_range(value: Any) -> bool:
    return (
        isinstance(value, list | tuple)
        and len(value) == 2
        and all(isinstance(v, int | float) and not isinstance(v, bool) for v in value)
    )


def _at(spec: Spec, end: int, where: str) -> Spec:
    """The configuration at one end (0 or 1) of its ranges."""
    for key, value in spec.items():
        if _is_range(value) and value[0] > value[1]:
            raise InputError(f"{where}: {key} = {value}: a range goes from low to high")
    return {key: value[end] if _is_range(value) else value for key, value in spec.items()}


def _drawn(spec: Spec, generator: Generator) -> Spec:
    options = describe("degradation", spec["name"])["options"]
    return {
        key: _between(value[0], value[1], options[key].get("type") == "integer", generator)
        if _is_range(value)
        else value
        for key, value in spec.items()
    }


def _between(low: float, high: float, whole: bool, generator: Generator) -> float:
    u = _uniform(generator)
    return int(low + u * (high - low + 1)) if whole else low + u * (high - low)


def _uniform(generator: Generator) -> float:
    return float(torch.rand(1, generator=generator, device=generator.device))
