"""Convolutions in the forms that are fast on processors; each computes what its parent class does, to rounding."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn


def cells(x: Tensor, side: int) -> Tensor:
    """The pixels of each cell as channels, (B, C, H, W) -> (B, side² C, H / side, W / side), in channels_last memory.

    The order of channels is (row, column, channel), not :func:`torch.nn.functional.pixel_unshuffle`'s: pixels and
    channels of one row of a cell then lie together, and copies are fast.
    """
    return rearrange(x, "b c (h p) (w q) -> b h w (p q c)", p=side, q=side).permute(0, 3, 1, 2)


class Shrink(nn.Conv2d):
    """A convolution with a 2 x 2 kernel and stride 2: (B, in, H, W) -> (B, out, H / 2, W / 2), H and W even.

    Computed as a 1 x 1 convolution of the four pixels of a cell, with the same weights. Under bf16, the strided kernels
    of torch 2.14 for processors with AMX read memory that nobody wrote where their output is one pixel wide.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels, 2, stride=2)

    def forward(self, input: Tensor) -> Tensor:
        """Halve both sides."""
        return F.conv2d(cells(input, 2), rearrange(self.weight, "o c p q -> o (p q c) 1 1"), self.bias)


class Enter(nn.Conv2d):
    """A 3 x 3 convolution of an image's patches: (B, in, H, W) -> (B, out, H / patch, W / patch).

    The weights are those for channels in the order of :func:`torch.nn.functional.pixel_unshuffle`.
    """

    def __init__(self, in_channels: int, out_channels: int, patch: int) -> None:
        super().__init__(in_channels * patch * patch, out_channels, 3, padding=1)
        self.patch = patch

    def forward(self, input: Tensor) -> Tensor:
        """Take H and W that are multiples of the patch."""
        if self.patch == 1:
            return super().forward(input)
        weight = rearrange(self.weight, "o (c p q) i j -> o (p q c) i j", p=self.patch, q=self.patch)
        return F.conv2d(cells(input, self.patch), weight, self.bias, padding=1)


class Leave(nn.Conv2d):
    """A 3 x 3 convolution that makes patches of an image: (B, in, h, w) -> (B, out, h patch, w patch).

    The weights are those for channels in the order of :func:`torch.nn.functional.pixel_shuffle`.
    """

    def __init__(self, in_channels: int, out_channels: int, patch: int) -> None:
        super().__init__(in_channels, out_channels * patch * patch, 3, padding=1)
        self.patch = patch

    def forward(self, input: Tensor) -> Tensor:
        """Give an image, in channels_last memory."""
        if self.patch == 1:
            return super().forward(input)
        side = {"p": self.patch, "q": self.patch}
        weight = rearrange(self.weight, "(c p q) i h w -> (p q c) i h w", **side)
        bias = None if self.bias is None else rearrange(self.bias, "(c p q) -> (p q c)", **side)
        out = F.conv2d(input, weight, bias, padding=1)
        return rearrange(out, "b (p q c) h w -> b (h p) (w q) c", **side).permute(0, 3, 1, 2)


class Depthwise(nn.Conv2d):
    """A convolution of each channel with its own kernel: (B, C, H, W) -> the same.

    Computed in float32 with weights in channels_last memory: oneDNN's gradients of bf16 kernels of 7 x 7 take four
    times as long, and torch lays weights of one input channel out as planes unless told otherwise.
    """

    def __init__(self, channels: int, kernel: int) -> None:
        super().__init__(channels, channels, kernel, padding=kernel // 2, groups=channels)

    def forward(self, input: Tensor) -> Tensor:
        """Return maps of the type of the input."""
        with torch.autocast(input.device.type, enabled=False):
            wide = input.float() if input.dtype in (torch.bfloat16, torch.float16) else input
            weight = self.weight.contiguous(memory_format=torch.channels_last)
            out = F.conv2d(wide, weight, self.bias, padding=self.padding, groups=self.groups)
        return out.to(input.dtype)
