"""A solver in one file: the weights of one reverse step."""

from wavegen import register
from wavegen.bridges import Bridge, Coordinates, Solver, Step, first_order


@register("solver", "fading_noise", "first order; fresh noise in proportion to the time that is left")
class FadingNoise(Solver):
    """The generic step with eta = t: stochastic at the start, deterministic at the end."""

    def steps(self, bridge: Bridge, before: Coordinates | None, t: Coordinates, s: Coordinates) -> tuple[Step, ...]:
        """One step from t to s."""
        return (first_order(bridge, t, s, eta=t.t),)
