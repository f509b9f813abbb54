"""A degradation in one file: a fixed linear model; its transpose comes by itself."""

from typing import Annotated

from pydantic import Field
from torch import Tensor

from wavegen import register
from wavegen.degradations import LinearDegradation


@register("degradation", "motion_stripe", "the mean of neighbouring pixels along a row", capabilities=("linear",))
class MotionStripe(LinearDegradation):
    """Each pixel becomes the mean of itself and those to its left, around the border.

    Args:
        pixels: length of the motion.
    """

    def __init__(self, pixels: Annotated[int, Field(ge=1, le=64)] = 5) -> None:
        self.pixels = pixels

    def apply(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape."""
        return sum((x.roll(shift, dims=-1) for shift in range(self.pixels)), x.new_zeros(())) / self.pixels
