"""Transforms without detail bands, for baselines and controls: identity and space-to-depth."""

from __future__ import annotations

from typing import Annotated

import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from wavegen.core.errors import InputError
from wavegen.core.registry import register
from wavegen.core.types import Subbands
from wavegen.transforms.base import Transform, check_image, check_size


@register(
    "transform",
    "space_to_depth",
    "factor x factor pixels rearranged into channels: the control without wavelets",
    paper="Shi et al., arXiv 1609.05158",
    capabilities=("orthonormal",),
)
class SpaceToDepth(Transform):
    """``ll`` is (B, C * factor^2, ceil(H / factor), ceil(W / factor)); there are no details.

    Channel (c * factor + i) * factor + j of ``ll`` holds the pixels in row i and column j of each
    patch of channel c. A size that is not a multiple of ``factor`` is padded at the bottom and
    right with its last row and column, which the inverse removes.

    Args:
        factor: side of a patch in pixels.
    """

    levels = 0
    orthonormal = True

    def __init__(self, factor: Annotated[int, Field(ge=2, le=8)] = 4) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: Tensor) -> Subbands:
        """Rearrange (B, C, H, W), any H, W >= 1.

        Raises:
            InputError: ``x`` is not 4-D, is empty, or is not of a real floating-point dtype.
        """
        check_image(x)
        size = (x.shape[-2], x.shape[-1])
        bottom, right = -size[0] % self.factor, -size[1] % self.factor
        if bottom or right:
            x = F.pad(x, (0, right, 0, bottom), mode="replicate")
        return Subbands(F.pixel_unshuffle(x, self.factor), (), size)

    def inverse(self, bands: Subbands) -> Tensor:
        """Put the pixels back: (B, C, H, W) with (H, W) = ``bands.size``.

        Raises:
            InputError: there are details, or the shape of ``ll`` does not fit ``bands.size``.
        """
        area = self.factor**2
        check_bare(bands, self.sizes(bands.size)[-1])
        if bands.ll.shape[1] % area:
            raise InputError(f"band ll has {bands.ll.shape[1]} channels; expected a multiple of {area}")
        return F.pixel_shuffle(bands.ll, self.factor)[..., : bands.size[0], : bands.size[1]]

    def sizes(self, size: tuple[int, int]) -> list[tuple[int, int]]:
        """The image's size and that of ``ll``.

        Raises:
            InputError: ``size`` is not a pair of positive integers.
        """
        check_size(size)
        return [(size[0], size[1]), (-(-size[0] // self.factor), -(-size[1] // self.factor))]

    def coarse_channels(self, channels: int) -> int:
        """``channels * factor^2``."""
        return channels * self.factor**2

    def extra_repr(self) -> str:
        """Factor, for ``print``."""
        return f"factor={self.factor}"


@register(
    "transform",
    "identity",
    "the image itself as the only band: for methods at full resolution",
    capabilities=("orthonormal",),
)
class Identity(Transform):
    """``ll`` is the image; there are no details."""

    levels = 0
    orthonormal = True

    def __init__(self) -> None:
        super().__init__()

    def forward(self, x: Tensor) -> Subbands:
        """(B, C, H, W) as the only band.

        Raises:
            InputError: ``x`` is not 4-D, is empty, or is not of a real floating-point dtype.
        """
        check_image(x)
        return Subbands(x, (), (x.shape[-2], x.shape[-1]))

    def inverse(self, bands: Subbands) -> Tensor:
        """The only band, (B, C, H, W).

        Raises:
            InputError: there are details, or ``ll`` has another size than ``bands.size``.
        """
        check_bare(bands, self.sizes(bands.size)[-1])
        return bands.ll

    def sizes(self, size: tuple[int, int]) -> list[tuple[int, int]]:
        """The image's size only.

        Raises:
            InputError: ``size`` is not a pair of positive integers.
        """
        check_size(size)
        return [(size[0], size[1])]


def check_bare(bands: Subbands, size: tuple[int, int]) -> None:
    """Raise InputError unless the bands have no details and ``ll`` is (B, C, *size)."""
    if bands.details:
        raise InputError(f"the subbands have {len(bands.details)} detail levels; expected 0")
    check_image(bands.ll, "band ll")
    if tuple(bands.ll.shape[-2:]) != size:
        raise InputError(f"band ll has shape {tuple(bands.ll.shape)}; image size {tuple(bands.size)} needs {size}")
