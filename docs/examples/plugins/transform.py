"""A transform in one file: Haar without its factor 1/2, an unnormalised sum and differences."""

from torch import Tensor

from wavegen import register
from wavegen.transforms import DyadicTransform


@register("transform", "plain_sums", "sums and differences of 2 x 2 pixels; LL is twice the mean")
class PlainSums(DyadicTransform):
    """LL is half the sum of four pixels; the details are their plain differences.

    Args:
        levels: number of levels.
    """

    orthonormal = False  # the details are twice those of the orthonormal Haar transform

    def __init__(self, levels: int = 2) -> None:
        super().__init__(levels)

    def analyse(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Split one level: (B, C, 2h, 2w) to LL, H, V, D."""
        a, b = x[..., 0::2, 0::2], x[..., 0::2, 1::2]
        c, d = x[..., 1::2, 0::2], x[..., 1::2, 1::2]
        return (a + b + c + d) / 2, a + b - c - d, a - b + c - d, a - b - c + d

    def synthesise(self, ll: Tensor, h: Tensor, v: Tensor, d: Tensor) -> Tensor:
        """The inverse of :meth:`analyse`."""
        x = ll.new_empty(*ll.shape[:2], 2 * ll.shape[2], 2 * ll.shape[3])
        x[..., 0::2, 0::2] = (2 * ll + h + v + d) / 4
        x[..., 0::2, 1::2] = (2 * ll + h - v - d) / 4
        x[..., 1::2, 0::2] = (2 * ll - h + v - d) / 4
        x[..., 1::2, 1::2] = (2 * ll - h - v + d) / 4
        return x
