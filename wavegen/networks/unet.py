"""A U-Net whose every operation is local: finite receptive field, any image size."""

from __future__ import annotations

from typing import Annotated, Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from wavegen.core.errors import InputError
from wavegen.core.registry import register
from wavegen.networks.base import Network
from wavegen.networks.blocks import BLOCKS, Kind, Style
from wavegen.networks.convolutions import Enter, Leave, Shrink
from wavegen.networks.norms import Norm
from wavegen.networks.times import Modulation, TimeEmbedding

Count = Annotated[int, Field(ge=1, le=8)]


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
        width: channels that the image enters into.
        multipliers: channels of each level as multiples of ``width``; each further level halves the grid.
        blocks: residual blocks per level on the way down, and as many on the way up; one number for all levels, or
            one for each.
        patch: the network works on patch x patch pixels rearranged into channels, so that its
            feature maps are (B, multipliers[0] width, ceil(H / patch), ceil(W / patch)).
        block: the residual block (:mod:`wavegen.networks.blocks`).
        norm: its normalisation, of each pixel over the channels: ``layer``, ``rms``, or ``none``.
        branch: how its residual branches begin: ``small``, ``zero``, ``unit``, or the first value of a learned gain.
        modulation: how t enters: as scale and shift in each block (``film``), as shift in each block (``shift``), or
            added once where a level begins on the way down (``input``).
        join: what a level on the way up begins with: its maps from the way down beside those from below (``concat``),
            or added to them (``add``).

    Raises:
        InputError: a list of blocks that has not one number for each level; gates without a norm.
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
        blocks: Count | Annotated[list[Count], Field(min_length=1, max_length=6)] = 1,
        patch: Annotated[int, Field(ge=1, le=16)] = 1,
        block: Kind = "residual",
        norm: Norm = "layer",
        branch: Literal["small", "zero", "unit"] | Annotated[float, Field(gt=0, le=1)] = "small",
        modulation: Modulation = "film",
        join: Literal["concat", "add"] = "concat",
    ) -> None:
        super().__init__()
        self.patch, self.levels, self.feature_channels = patch, len(multipliers), width * multipliers[0]
        self.blocks = _for_each(multipliers, blocks)
        if block == "nafnet" and norm == "none":
            raise InputError("block = nafnet multiplies its maps with each other, which grow without a norm; give one")
        self.block, self.join, self.inject = BLOCKS[block], join, inject
        embed = 4 * width if time else 0
        branches = self.block.branches * (2 * sum(self.blocks) - self.blocks[-1])
        self.embedding = TimeEmbedding(embed) if time else None
        widths = [width * m for m in multipliers]
        self.enter = Enter(in_channels, width, patch)
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        self.shrink, self.grow = nn.ModuleList(), nn.ModuleList()
        self._add_levels(width, widths, embed, Style(norm, branch, modulation, branches))
        entering = [width, *widths[1:]]  # channels in which a level begins
        self.mix = nn.ModuleList(nn.Conv2d(inject, w, 1, bias=False) for w in entering) if inject else None
        told = time and modulation == "input"
        self.times = nn.ModuleList(nn.Linear(embed, w) for w in entering) if told else None
        self.leave = Leave(widths[0], out_channels, patch)

    def _add_levels(self, first: int, widths: list[int], embed: int, style: Style) -> None:
        """The blocks of all levels, down and up again, and what leads from one level to the next."""

        def stage(entering: int, level: int) -> nn.ModuleList:
            sizes = [entering] + [widths[level]] * (self.blocks[level] - 1)
            return nn.ModuleList(self.block(size, widths[level], embed, style) for size in sizes)

        for level, width in enumerate(widths):
            if level:
                self.shrink.append(Shrink(widths[level - 1], width))
            self.down.append(stage(width if level else first, level))
        for level in range(len(widths) - 2, -1, -1):
            width = widths[level]
            self.grow.append(nn.Conv2d(widths[level + 1], width, 1))
            self.up.append(stage(2 * width if self.join == "concat" else width, level))

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
        for level, count in enumerate(self.blocks):
            passes = count if level == self.levels - 1 else 2 * count
            radius += self.block.radius * passes * 2**level
        # Within a coarsest cell, the farthest pixel is one cell less one pixel away.
        return int(self.patch * (radius + 2 ** (self.levels - 1)) - 1)

    def forward(self, x: Tensor, t: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """See :meth:`Network.forward`; the feature maps are on the patch grid, padded to whole cells."""
        height, width = x.shape[-2:]
        x = pad_to_multiple(x, self.multiple)
        noise = x[:, x.shape[1] - self.inject :]
        embedding = self.embedding(t) if self.embedding is not None else None
        h = self.enter(x)
        skips = []
        for level, stage in enumerate(self.down):
            if level:
                h = self.shrink[level - 1](h)
            h = self._begin(h, noise, embedding, level)
            for block in stage:  # type: ignore[attr-defined]
                h = block(h, embedding)
            skips.append(h)
        skips.pop()
        for grow, stage in zip(self.grow, self.up, strict=True):
            h = F.interpolate(grow(h), scale_factor=2.0, mode="nearest")
            h = torch.cat([h, skips.pop()], dim=1) if self.join == "concat" else h + skips.pop()
            for block in stage:  # type: ignore[attr-defined]
                h = block(h, embedding)
        return self.leave(h)[..., :height, :width], h

    def _begin(self, h: Tensor, noise: Tensor, embedding: Tensor | None, level: int) -> Tensor:
        """Add what a level begins with: the noise of its scale and the time, where it has them."""
        if self.mix is not None:
            cell = self.patch * 2**level
            h = h + self.mix[level](F.avg_pool2d(noise, cell) * cell)
        if self.times is not None and embedding is not None:
            h = h + self.times[level](embedding)[:, :, None, None]
        return h


def _for_each(multipliers: list[int], blocks: int | list[int]) -> list[int]:
    """The number of blocks of each level."""
    counts = [blocks] * len(multipliers) if isinstance(blocks, int) else blocks
    if len(counts) != len(multipliers):
        raise InputError(
            f"blocks = {blocks}: {len(counts)} numbers for the {len(multipliers)} levels of multipliers = "
            f"{multipliers}; give one for each, or one number"
        )
    return counts


def pad_to_multiple(x: Tensor, multiple: int) -> Tensor:
    """Repeat the last row and column of (B, C, H, W) until both sizes are multiples."""
    bottom, right = -x.shape[-2] % multiple, -x.shape[-1] % multiple
    return F.pad(x, (0, right, 0, bottom), mode="replicate") if bottom or right else x
