"""A time grid in one file: a function of the number of steps."""

from typing import Annotated

from pydantic import Field

from wavegen import register


@register("grid", "geometric", "each time a fixed share of the one before, then 0", supplied=("steps",))
def geometric(steps: int, share: Annotated[float, Field(gt=0, lt=1)] = 0.5) -> list[float]:
    """``steps`` + 1 times from 1 to 0."""
    return [*(share**i for i in range(steps)), 0.0]
