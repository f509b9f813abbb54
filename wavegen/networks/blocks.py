"""Residual blocks whose receptive field is bounded, so that restoring an image in tiles can be exact."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from wavegen.networks.convolutions import Depthwise
from wavegen.networks.norms import Norm, normalisation
from wavegen.networks.times import Film, Modulation

Branch = Literal["small", "zero", "unit"] | float


@dataclass(frozen=True)
class Style:
    """What all blocks of a network share.

    ``branch`` says how the last convolution of a residual branch begins: ``small``, normal with a standard deviation of
    0.001; ``zero``; ``unit``, as torch does, divided by sqrt(``depth``), the number of branches of the network, so that
    the variance of their sum does not depend on it; or a number: as torch does, times a gain for each channel that
    begins at it and is learned (layer scale, Touvron et al., arXiv 2103.17239, eq. 4).
    """

    norm: Norm = "layer"
    branch: Branch = "small"
    modulation: Modulation = "film"
    depth: int = 1


PLAIN = Style()


class BranchEnd(nn.Conv2d):
    """The last convolution of a residual branch, which decides how far a block begins from its skip."""

    def __init__(self, in_channels: int, channels: int, kernel: int, style: Style) -> None:
        super().__init__(in_channels, channels, kernel, padding=kernel // 2)
        assert self.bias is not None
        self.gain = nn.Parameter(torch.full((channels,), style.branch)) if isinstance(style.branch, float) else None
        if style.branch in ("small", "zero"):
            nn.init.normal_(self.weight, std=1e-3) if style.branch == "small" else nn.init.zeros_(self.weight)
            nn.init.zeros_(self.bias)
        elif style.branch == "unit":
            with torch.no_grad():
                self.weight.div_(math.sqrt(style.depth))
                self.bias.div_(math.sqrt(style.depth))

    def forward(self, input: Tensor) -> Tensor:
        """(B, in, H, W) -> (B, channels, H, W); the gain is put into the weights, which are fewer than pixels."""
        if self.gain is None:
            return super().forward(input)
        assert self.bias is not None
        weight, bias = self.weight * self.gain[:, None, None, None], self.bias * self.gain
        return F.conv2d(input, weight, bias, padding=self.padding)


class Block(nn.Module, ABC):
    """(B, in_channels, H, W) -> (B, channels, H, W): a skip, and a branch or several in a row.

    Attributes:
        radius: pixels on each side of an output pixel that can influence it.
        branches: residual branches of the block.
    """

    radius: ClassVar[int]
    branches: ClassVar[int] = 1
    film: Film | None

    def __init__(self, in_channels: int, channels: int, time_channels: int = 0, style: Style = PLAIN) -> None:
        super().__init__()

    @abstractmethod
    def forward(self, x: Tensor, embedding: Tensor | None = None) -> Tensor:
        """Apply the block; ``embedding`` is (B, time_channels)."""

    def modulate(self, h: Tensor, embedding: Tensor | None) -> Tensor:
        """Let the time act on ``h``, where the block is told of it."""
        return h if self.film is None or embedding is None else self.film.modulate(h, embedding)


def _film(time_channels: int, channels: int, style: Style) -> Film | None:
    told = time_channels and style.modulation != "input"
    return Film(time_channels, channels, style.modulation == "shift") if told else None


def _skip(in_channels: int, channels: int) -> nn.Module:
    return nn.Conv2d(in_channels, channels, 1) if in_channels != channels else nn.Identity()


class ResidualBlock(Block):
    """x + conv(silu(film(conv(norm(x))))), with 3 x 3 convolutions."""

    radius = 2

    def __init__(self, in_channels: int, channels: int, time_channels: int = 0, style: Style = PLAIN) -> None:
        super().__init__(in_channels, channels, time_channels, style)
        self.norm = normalisation(style.norm, in_channels)
        self.conv1 = nn.Conv2d(in_channels, channels, 3, padding=1)
        self.film = _film(time_channels, channels, style)
        self.conv2 = BranchEnd(channels, channels, 3, style)
        self.skip = _skip(in_channels, channels)

    def forward(self, x: Tensor, embedding: Tensor | None = None) -> Tensor:
        """See :meth:`Block.forward`."""
        h = F.silu(self.modulate(self.conv1(self.norm(x)), embedding))
        result: Tensor = self.skip(x) + self.conv2(h)
        return result


class PreactivationBlock(Block):
    """x + conv(silu(film(norm(conv(silu(norm(x))))))), with 3 x 3 convolutions: two norms, two activations.

    He et al., arXiv 1603.05027; with the time after the second norm, Dhariwal and Nichol, arXiv 2105.05233.
    """

    radius = 2

    def __init__(self, in_channels: int, channels: int, time_channels: int = 0, style: Style = PLAIN) -> None:
        super().__init__(in_channels, channels, time_channels, style)
        self.norm1 = normalisation(style.norm, in_channels)
        self.conv1 = nn.Conv2d(in_channels, channels, 3, padding=1)
        self.norm2 = normalisation(style.norm, channels)
        self.film = _film(time_channels, channels, style)
        self.conv2 = BranchEnd(channels, channels, 3, style)
        self.skip = _skip(in_channels, channels)

    def forward(self, x: Tensor, embedding: Tensor | None = None) -> Tensor:
        """See :meth:`Block.forward`."""
        h = self.norm2(self.conv1(F.silu(self.norm1(x))))
        result: Tensor = self.skip(x) + self.conv2(F.silu(self.modulate(h, embedding)))
        return result


class NafBlock(Block):
    """Two branches without an activation but products: gate(depthwise(expand(norm(x)))), then gate(expand(norm(x))).

    NAFNet, Chen et al., arXiv 2204.04676, with twice the channels before each gate. Its channel attention is left out:
    it takes means over the whole image, and a tile would not know them.
    """

    radius = 1
    branches = 2

    def __init__(self, in_channels: int, channels: int, time_channels: int = 0, style: Style = PLAIN) -> None:
        super().__init__(in_channels, channels, time_channels, style)
        self.norm1 = normalisation(style.norm, in_channels)
        self.film = _film(time_channels, in_channels, style)
        self.expand1 = nn.Conv2d(in_channels, 2 * channels, 1)
        self.depthwise = Depthwise(2 * channels, 3)
        self.contract1 = BranchEnd(channels, channels, 1, style)
        self.skip = _skip(in_channels, channels)
        self.norm2 = normalisation(style.norm, channels)
        self.expand2 = nn.Conv2d(channels, 2 * channels, 1)
        self.contract2 = BranchEnd(channels, channels, 1, style)

    def forward(self, x: Tensor, embedding: Tensor | None = None) -> Tensor:
        """See :meth:`Block.forward`."""
        h = self.depthwise(self.expand1(self.modulate(self.norm1(x), embedding)))
        x = self.skip(x) + self.contract1(_gate(h))
        result: Tensor = x + self.contract2(_gate(self.expand2(self.norm2(x))))
        return result


def _gate(h: Tensor) -> Tensor:
    """Half of the channels times the other half."""
    one, other = h.chunk(2, dim=1)
    return one * other


class ConvNextBlock(Block):
    """x + contract(gelu(expand(film(norm(depthwise(x)))))): 7 x 7 kernels, four times the channels in between.

    ConvNeXt, Liu et al., arXiv 2201.03545.
    """

    radius = 3

    def __init__(self, in_channels: int, channels: int, time_channels: int = 0, style: Style = PLAIN) -> None:
        super().__init__(in_channels, channels, time_channels, style)
        self.depthwise = Depthwise(in_channels, 7)
        self.norm = normalisation(style.norm, in_channels)
        self.film = _film(time_channels, in_channels, style)
        self.expand = nn.Conv2d(in_channels, 4 * channels, 1)
        self.contract = BranchEnd(4 * channels, channels, 1, style)
        self.skip = _skip(in_channels, channels)

    def forward(self, x: Tensor, embedding: Tensor | None = None) -> Tensor:
        """See :meth:`Block.forward`."""
        h = self.expand(self.modulate(self.norm(self.depthwise(x)), embedding))
        result: Tensor = self.skip(x) + self.contract(F.gelu(h))
        return result


class PartialBlock(Block):
    """x + contract(silu(expand(film(partial(norm(x)))))): a 3 x 3 convolution of a quarter of the channels.

    The others pass, and 1 x 1 convolutions over twice the channels mix all. Partial convolution: FasterNet, Chen et
    al., arXiv 2303.03667, eq. 4; the norm stands before it, as in the other blocks.
    """

    radius = 1

    def __init__(self, in_channels: int, channels: int, time_channels: int = 0, style: Style = PLAIN) -> None:
        super().__init__(in_channels, channels, time_channels, style)
        self.part = -(-in_channels // 4)
        self.norm = normalisation(style.norm, in_channels)
        self.partial = nn.Conv2d(self.part, self.part, 3, padding=1)
        self.film = _film(time_channels, in_channels, style)
        self.expand = nn.Conv2d(in_channels, 2 * channels, 1)
        self.contract = BranchEnd(2 * channels, channels, 1, style)
        self.skip = _skip(in_channels, channels)

    def forward(self, x: Tensor, embedding: Tensor | None = None) -> Tensor:
        """See :meth:`Block.forward`."""
        h = self.norm(x)
        near, rest = h[:, : self.part], h[:, self.part :]
        h = torch.cat([self.partial(near), rest], dim=1)
        result: Tensor = self.skip(x) + self.contract(F.silu(self.expand(self.modulate(h, embedding))))
        return result


Kind = Literal["residual", "preactivation", "nafnet", "convnext", "partial"]
BLOCKS: dict[Kind, type[Block]] = {
    "residual": ResidualBlock,
    "preactivation": PreactivationBlock,
    "nafnet": NafBlock,
    "convnext": ConvNextBlock,
    "partial": PartialBlock,
}
