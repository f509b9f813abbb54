"""Solvers of first order, from the estimate at hand alone: the generic one, BBDM's, and the published Euler steps."""

from __future__ import annotations

from wavegen.bridges.base import Bridge, Step
from wavegen.bridges.solvers.base import Coordinates, Eta, Solver, first_order
from wavegen.core.registry import register


@register("solver", "generic", "first order, any eta: the posterior step of BBDM, DDPM and I2SB; DDIM's at eta = 0")
class Generic(Solver):
    """:func:`~wavegen.bridges.solvers.base.first_order`; it keeps the marginals of the process.

    Args:
        eta: 0 = deterministic (DDIM), 1 = fully stochastic step.
    """

    def __init__(self, eta: Eta = 1.0) -> None:
        self.eta = eta

    def steps(self, bridge: Bridge, before: Coordinates | None, t: Coordinates, s: Coordinates) -> tuple[Step, ...]:
        """See :meth:`Solver.steps`."""
        return (first_order(bridge, t, s, self.eta),)


@register("solver", "bbdm", "BBDM's own: eta scales the noise and leaves the mean as it is", paper="arXiv 2205.07680")
class BBDM(Solver):
    """The mean of the fully stochastic step and ``eta`` times its noise.

    Below eta = 1 the marginals are no longer the process's; use it for reproduction.

    Args:
        eta: factor of the noise.
    """

    def __init__(self, eta: Eta = 1.0) -> None:
        self.eta = eta

    def steps(self, bridge: Bridge, before: Coordinates | None, t: Coordinates, s: Coordinates) -> tuple[Step, ...]:
        """See :meth:`Solver.steps`."""
        step = first_order(bridge, t, s, 1.0)
        return (step._replace(z=self.eta * step.z),)


class Euler(Solver):
    """The Euler steps that a process's publication takes, of its reverse SDE (``stochastic``) or ODE.

    A start pinned at y, where the score is infinite, draws all the noise of the next time.
    """

    needs = frozenset({"published-euler"})
    stochastic: bool

    def steps(self, bridge: Bridge, before: Coordinates | None, t: Coordinates, s: Coordinates) -> tuple[Step, ...]:
        """See :meth:`Solver.steps`."""
        return (bridge.euler(t.t, s.t, noise=self.stochastic) if t.c > 0 else first_order(bridge, t, s, 1.0),)


@register(
    "solver", "euler-sde", "Euler steps of IR-SDE's and GOUB's reverse SDE", capabilities=("needs:published-euler",)
)
class EulerSDE(Euler):
    """See :class:`Euler`."""

    stochastic = True


@register(
    "solver", "euler-ode", "Euler steps of IR-SDE's ODE, GOUB's mean ODE", capabilities=("needs:published-euler",)
)
class EulerODE(Euler):
    """See :class:`Euler`."""

    stochastic = False
