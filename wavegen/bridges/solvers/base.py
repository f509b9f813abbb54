"""What a solver is: the numbers of one reverse step from the coefficients of a process at its two times."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Annotated, ClassVar, NamedTuple

import torch
from pydantic import Field

from wavegen.bridges.base import Bridge, Step
from wavegen.core.capabilities import KNOWN, NEEDS

# 0: no fresh noise (deterministic, DDIM); 1: as much as the process itself draws (fully stochastic).
Eta = Annotated[float, Field(ge=0, le=1)]


class Coordinates(NamedTuple):
    """A time of the grid with the coefficients there."""

    t: float
    a: float
    b: float
    c: float


class Solver(ABC):
    """How a walk gets from one time of the grid to the next.

    All that :func:`wavegen.bridges.sample` does between two network calls is linear in the state, the estimates of
    x0, y and fresh noise. A solver gives the weights and keeps no state. Its constructor's arguments are its options;
    one with an ``eta`` (:data:`Eta`) also takes the shorthand ``eta=`` of ``sample``.

    Class attribute: ``needs``, capabilities that a process must have; declared at registration as ``needs:NAME``.
    """

    needs: ClassVar[frozenset[str]] = frozenset()

    @abstractmethod
    def steps(self, bridge: Bridge, before: Coordinates | None, t: Coordinates, s: Coordinates) -> tuple[Step, ...]:
        """The step from t to s > 0, or a step and its corrector.

        Args:
            bridge: the process.
            before: the time before t; None at the start.
            t: where the walk is, and the estimate of x0 was made.
            s: where it goes, 0 < s < t. The sampler takes the last step, to t = 0, by itself.

        Returns:
            One step; or two, of which the second starts from the state at t again and takes the estimate at s, made
            from the first one's result, as its ``x0`` and the estimate at t as its ``previous``.
        """

    @classmethod
    def facts(cls) -> dict[str, bool]:
        """What the class itself shows of its capabilities."""
        return {name: name.removeprefix(NEEDS) in cls.needs for name in KNOWN["solver"] if name.startswith(NEEDS)}


def coordinates(bridge: Bridge, grid: Sequence[float]) -> list[Coordinates]:
    """a, b, c at every time of a grid, in float64."""
    a, b, c = (k.tolist() for k in bridge.coefficients(torch.tensor(list(grid), dtype=torch.float64)))
    return [Coordinates(*values) for values in zip(grid, a, b, c, strict=True)]


def ratio(t: Coordinates, s: Coordinates) -> float:
    """e^-h = (a_t c_s) / (a_s c_t), h = L_s - L_t and L = ln(a / c); a process without noise has b in place of c."""
    over = s.b / t.b if t.c == s.c == 0 else s.c / t.c
    return t.a * over / s.a


def first_order(bridge: Bridge, t: Coordinates, s: Coordinates, eta: float) -> Step:
    """x_s = a_s x0^ + b_s y + sqrt(c_s² - w²) eps^ + w z, with w = eta w_max and eps^ = (x_t - a_t x0^ - b_t y) / c_t.

    Where c_t = 0 (a start pinned at y) eps^ is undefined and all of c_s is drawn anew. In a process without any noise
    the part of y in x_t takes its place.
    """
    if t.c == 0 and s.c > 0:
        return Step(0.0, s.a, s.b, s.c)
    if t.c == 0:
        return Step(s.b / t.b, s.a - s.b / t.b * t.a, 0.0, 0.0)
    w = eta * math.sqrt(max(0.0, bridge.fresh_variance(ratio(t, s), t.c, s.c)))
    state = math.sqrt(max(0.0, s.c * s.c - w * w)) / t.c
    return Step(state, s.a - state * t.a, s.b - state * t.b, w)
