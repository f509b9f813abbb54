"""Solvers of second order: from the estimate before, or from a second call in each step."""

from __future__ import annotations

import math
from typing import ClassVar

from wavegen.bridges.base import Bridge, Step
from wavegen.bridges.solvers.base import Coordinates, Eta, Solver, first_order, ratio
from wavegen.core.registry import register

START = 2.0  # L_t - L_u that stands for infinity; spreads are kept best with 1 to 3 (docs/reference/planner.md)


@register("solver", "multistep", "second order from the estimate before (DPM-Solver++ 2M)", paper="arXiv 2211.01095")
class Multistep(Solver):
    """x0^ is taken as linear in L = ln(a / c), through this estimate and the one before.

    x_s = generic's + a_s h (1 - (1 - q) / -ln q) (x0^_t - x0^_u) / (L_t - L_u), with q the share of a_s that comes
    from the state. At eta = 0 that is q = e^-h and a_s (e^-h + h - 1), at eta = 1 q = e^-2h and
    a_s (h - (1 - e^-2h) / 2), the stochastic form. First order at the start, and where L_u is infinite.

    Args:
        eta: 0 = deterministic (DDIM), 1 = fully stochastic step.
    """

    infinity: ClassVar[float] = math.inf  # stands for L_t - L_u where u is a pinned start

    def __init__(self, eta: Eta = 1.0) -> None:
        self.eta = eta

    def steps(self, bridge: Bridge, before: Coordinates | None, t: Coordinates, s: Coordinates) -> tuple[Step, ...]:
        """See :meth:`Solver.steps`."""
        step = first_order(bridge, t, s, self.eta)
        if before is None:
            return (step,)
        shrunk = 0.0 if before.c == 0 and t.c > 0 else ratio(before, t)
        distance = -math.log(shrunk) if shrunk > 0 else self.infinity
        share = step.state * t.a / s.a
        mean = (1 - share) / -math.log(share) if share > 0 else 0.0
        extra = s.a * -math.log(ratio(t, s)) / distance * (1 - mean)
        return (step._replace(x0=step.x0 + extra, previous=-extra),)


@register("solver", "multistep-start", "multistep that extrapolates from the estimate at a pinned start as well")
class MultistepStart(Multistep):
    """The estimate at a pinned start is E[x0 | y], to which estimates tend for L -> -inf: it counts as made at L_t - 2.

    Args:
        eta: 0 = deterministic (DDIM), 1 = fully stochastic step.
    """

    infinity = START


@register("solver", "heun", "second order from two calls in each step (Heun's method)", capabilities=("two-calls",))
class Heun(Solver):
    """With u = (x - b y) / c and k = a / c the process without fresh noise is du/dk = x0^.

    One generic step (Euler's), then the mean of both estimates in the place of the first. Both use the same draw of
    the noise that eta > 0 asks for.

    Args:
        eta: 0 = deterministic, 1 = fully stochastic step.
    """

    def __init__(self, eta: Eta = 1.0) -> None:
        self.eta = eta

    def steps(self, bridge: Bridge, before: Coordinates | None, t: Coordinates, s: Coordinates) -> tuple[Step, ...]:
        """See :meth:`Solver.steps`."""
        step = first_order(bridge, t, s, self.eta)
        return step, step._replace(x0=step.x0 / 2, previous=step.x0 / 2)
