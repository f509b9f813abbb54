"""A bridge in one file: three coefficients of time, and the settings that it is used with."""

from torch import Tensor

from wavegen import register
from wavegen.bridges import Bridge, Coefficients, Native


@register("bridge", "slow_start", "straight line from clean to degraded that leaves the clean image slowly")
class SlowStart(Bridge):
    """x_t = (1 - m) x0 + m y + s sqrt(m (1 - m)) eps with m = t²; it starts exactly at y.

    Args:
        s: noise half-way, times two, in units of the normalised band.
    """

    native = Native(steps=10, target="x0")
    targets = frozenset({"x0", "residual", "grad"})  # eps and v cannot be converted at a start without noise

    def __init__(self, s: float = 0.5) -> None:
        self.s = s

    def coefficients(self, t: Tensor) -> Coefficients:
        """a, b, c at times t in [0, 1]; c(1) is exactly 0."""
        m = t.square()
        return Coefficients(1 - m, m, self.s * (m * (1 - m)).sqrt())
