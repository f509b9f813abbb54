"""Missing pixels, for inpainting."""

from __future__ import annotations

import math
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Generator, Tensor

from wavegen.core.registry import register
from wavegen.degradations.base import RandomDiagonal, Shape

LONGEST = 6  # longest straight part of a stroke, in widths


@register(
    "degradation", "mask", "pixels, boxes or strokes set to 0, drawn for each image", capabilities=("linear", "random")
)
class Mask(RandomDiagonal):
    """x · m, with m = 0 where the image is hidden and 1 elsewhere, the same for all channels.

    Args:
        fraction: fraction of the pixels to hide. Exact (rounded) for ``pixels``; boxes and strokes are added until
            it is reached, so the last one may exceed it.
        shape: ``pixels``, independent; ``boxes``, sides from size / 2 to size; ``strokes``, curved lines of width size.
        size: in pixels.
    """

    def __init__(
        self,
        fraction: Annotated[float, Field(ge=0, le=0.95)] = 0.25,
        shape: Literal["pixels", "boxes", "strokes"] = "boxes",
        size: Annotated[int, Field(ge=2)] = 16,
    ) -> None:
        self.fraction, self.shape, self.size = fraction, shape, size

    def factors(self, shape: Shape, generator: Generator) -> Tensor:
        """(B, 1, H, W) of 0 and 1."""
        add = {"pixels": self._pixels, "boxes": self._box, "strokes": self._stroke}[self.shape]
        masks = []
        for _ in range(shape[0]):
            hidden = torch.zeros(shape[2:], dtype=torch.bool)
            while int(hidden.sum()) < round(self.fraction * hidden.numel()):
                add(hidden, generator)
            masks.append(~hidden)
        return torch.stack(masks)[:, None].float()

    def _pixels(self, hidden: Tensor, generator: Generator) -> None:
        order = torch.randperm(hidden.numel(), generator=generator, device=generator.device).cpu()
        hidden.view(-1)[order[: round(self.fraction * hidden.numel())]] = True

    def _box(self, hidden: Tensor, generator: Generator) -> None:
        a, b, c, d = _uniform(4, generator)
        sides = [min(n, round(self.size * (1 + u) / 2)) for n, u in zip(hidden.shape, (a, b), strict=True)]
        # Corners may lie outside, so that pixels at the border are hidden as often as others.
        top, left = (
            math.floor(u * (n + side)) - side + 1 for n, side, u in zip(hidden.shape, sides, (c, d), strict=True)
        )
        hidden[max(top, 0) : max(top + sides[0], 0), max(left, 0) : max(left + sides[1], 0)] = True

    def _stroke(self, hidden: Tensor, generator: Generator) -> None:
        height, width = hidden.shape
        rows, columns = torch.arange(height)[:, None].float(), torch.arange(width).float()
        u, v, turn, parts = _uniform(4, generator)
        y, x, angle = u * height, v * width, turn * 2 * math.pi
        for _ in range(2 + int(parts * 4)):
            bend, stretch = _uniform(2, generator)
            angle += (bend - 0.5) * math.pi / 2
            length = self.size * (1 + stretch * (LONGEST - 1))
            dy, dx = math.sin(angle), math.cos(angle)
            along = ((rows - y) * dy + (columns - x) * dx).clamp(0, length)
            distance = torch.hypot(rows - y - along * dy, columns - x - along * dx)
            hidden |= distance <= self.size / 2
            y, x = y + length * dy, x + length * dx


def _uniform(n: int, generator: Generator) -> list[float]:
    """n numbers in [0, 1)."""
    return [float(v) for v in torch.rand(n, generator=generator, device=generator.device)]
