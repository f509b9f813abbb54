"""A U-Net whose every operation is local: finite receptive field, any image size."""

from __future__ import annotations

from typing import Annotated

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from wavegen.core.registry import register
from wavegen.networks.base import Network
from wavegen.networks.blocks import ResidualBlock, Shrink, TimeEmbedding


@register(
    "network",
    "unet",
    "time-conditioned U-Net of local operations only, on patches of the input grid",
    paper="Ronneberger et al., arXiv 1505.04597",
    capabilities=("local", "time"),
    supplied=("in_channels", "out_channels", "time", "inject"),
)
class UNet(Network):
    """Map (B, in_channels, H, W) and t (B,) to (B, out_channels, H, W) and the last feature maps.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        time: whether the network is conditioned on t.
        inject: how many of the last input channels are noise that is also added at every scale, through learned
            weights. Its mean over a cell of n x n pixels is multiplied by n, and so is standard normal at every scale.
        width: channels of the finest level.
        multipliers: channels of each level as multiples of ``width``; each further level halves the grid.
        blocks: residual blocks per level on the way down, and as many on the way up.
        patch: the network works on patch x patch pixels rearranged into channels, so that its
            feature maps are (B, width, ceil(H / patch), ceil(W / patch)).
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        time: bool = True,
        inject: int = 0,
        width: Annotated[int, Field(ge=4, le=1024)] = 32,
        multipliers: Annotated[list[Annotated[int, Field(ge=1, le=16)]], Field(min_length=1, max_length=6)] = [  # noqa: B006
            1,
            2,
            3,
        ],
        blocks: Annotated[int, Field(ge=1, le=8)] = 1,
        patch: Annotated[int, Field(ge=1, le=16)] = 1,
    ) -> None:
        super().__init__()
        self.patch, self.levels, self.feature_channels = patch, len(multipliers), width
        self.blocks = blocks
        area = patch * patch
        embed = 4 * width if time else 0
        self.embedding = TimeEmbedding(embed) if time else None
        widths = [width * m for m in multipliers]
        self.enter = nn.Conv2d(in_channels * area, width, 3, padding=1)
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        self.shrink, self.grow = nn.ModuleList(), nn.ModuleList()
        channels = width
        for level, w in enumerate(widths):
            if level:
                self.shrink.append(Shrink(channels, w))
                channels = w
            self.down.append(nn.ModuleList(ResidualBlock(channels if i == 0 else w, w, embed) for i in range(blocks)))
            channels = w
        for level in range(len(widths) - 2, -1, -1):
            w = widths[level]
            self.grow.append(nn.Conv2d(channels, w, 1))
            self.up.append(nn.ModuleList(ResidualBlock(2 * w if i == 0 else w, w, embed) for i in range(blocks)))
            channels = w
        self.inject = inject
        entering = [width, *widths[1:]]  # channels in which a level begins
        self.mix = nn.ModuleList(nn.Conv2d(inject, w, 1, bias=False) for w in entering) if inject else None
        self.leave = nn.Conv2d(width, out_channels * area, 3, padding=1)

    @property
    def edges(self) -> tuple[Tensor, ...]:
        """See :attr:`Network.edges`."""
        return self.enter.weight, self.leave.weight

    @property
    def multiple(self) -> int:
        """See :attr:`Network.multiple`: the side of a cell of the coarsest level."""
        return int(self.patch * 2 ** (self.levels - 1))

    @property
    def radius(self) -> int:
        """See :attr:`Network.radius`; an upper bound from the structure, tight to a cell."""
        radius = 2  # the first and the last 3x3 convolution
        for level in range(self.levels):
            passes = self.blocks if level == self.levels - 1 else 2 * self.blocks
            radius += 2 * passes * 2**level
        # Within a coarsest cell, the farthest pixel is one cell less one pixel away.
        return int(self.patch * (radius + 2 ** (self.levels - 1)) - 1)

    def forward(self, x: Tensor, t: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """See :meth:`Network.forward`; the feature maps are on the patch grid, padded to whole cells."""
        height, width = x.shape[-2:]
        x = pad_to_multiple(x, self.multiple)
        noise = x[:, x.shape[1] - self.inject :]
        embedding = self.embedding(t) if self.embedding is not None else None
        h = self.enter(F.pixel_unshuffle(x, self.patch) if self.patch > 1 else x)
        skips = []
        for level, stage in enumerate(self.down):
            if level:
                h = self.shrink[level - 1](h)
            h = self._inject(h, noise, level)
            for block in stage:  # type: ignore[attr-defined]
                h = block(h, embedding)
            skips.append(h)
        skips.pop()
        for grow, stage in zip(self.grow, self.up, strict=True):
            h = F.interpolate(grow(h), scale_factor=2.0, mode="nearest")
            h = torch.cat([h, skips.pop()], dim=1)
            for block in stage:  # type: ignore[attr-defined]
                h = block(h, embedding)
        out = self.leave(h)
        if self.patch > 1:
            out = F.pixel_shuffle(out, self.patch)
        return out[..., :height, :width], h

    def _inject(self, h: Tensor, noise: Tensor, level: int) -> Tensor:
        """Add the noise of this scale, if there is any."""
        if self.mix is None:
            return h
        cell = self.patch * 2**level
        result: Tensor = h + self.mix[level](F.avg_pool2d(noise, cell) * cell)
        return result


def pad_to_multiple(x: Tensor, multiple: int) -> Tensor:
    """Repeat the last row and column of (B, C, H, W) until both sizes are multiples."""
    bottom, right = -x.shape[-2] % multiple, -x.shape[-1] % multiple
    return F.pad(x, (0, right, 0, bottom), mode="replicate") if bottom or right else x
