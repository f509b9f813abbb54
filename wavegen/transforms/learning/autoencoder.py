"""A learned auto-encoder in place of a wavelet transform: the control for latent diffusion."""

from __future__ import annotations

import math
from itertools import product
from typing import Annotated

import torch
import torch.nn.functional as F
from einops import rearrange
from pydantic import Field
from torch import Tensor, nn

from wavegen.core.errors import InputError
from wavegen.core.registry import register
from wavegen.core.types import Subbands
from wavegen.transforms.base import Transform, check_image, check_size
from wavegen.transforms.patches import check_bare

SIDE = 4  # side in pixels of the block that one latent pixel represents


def _cosines(count: int) -> Tensor:
    """(count, 16): the smoothest DCT-II basis functions of 4 x 4 pixels, flattened by rows."""
    k = torch.arange(SIDE)
    one = torch.cos(math.pi / SIDE * (k[None] + 0.5) * k[:, None]) * (2 / SIDE) ** 0.5
    one[0] /= 2**0.5
    order = sorted(product(range(SIDE), repeat=2), key=lambda ij: (sum(ij), max(ij), ij))
    return torch.stack([torch.outer(one[i], one[j]).flatten() for i, j in order[:count]])


class _Coder(nn.Module):
    """A linear map of the channels plus a convolutional correction; without normalisation, so every output is local."""

    def __init__(self, matrix: Tensor, width: int) -> None:
        super().__init__()
        outputs, inputs = matrix.shape
        self.linear = nn.Conv2d(inputs, outputs, 1)
        self.enter = nn.Conv2d(inputs, width, 3, padding=1)
        self.blocks = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in range(4))
        self.leave = nn.Conv2d(width, outputs, 3, padding=1)
        with torch.no_grad():
            self.linear.weight.copy_(matrix[:, :, None, None])
            self.linear.bias.zero_()  # type: ignore[union-attr]
            self.leave.weight.mul_(0.1)  # start near the linear map

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, h, w) to (B, outputs, h, w)."""
        h = self.enter(x)
        for first, second in zip(self.blocks[::2], self.blocks[1::2], strict=True):
            h = h + second(F.silu(first(F.silu(h))))
        coded: Tensor = self.linear(x) + self.leave(F.silu(h))
        return coded


@register(
    "transform",
    "autoencoder",
    "a learned, lossy auto-encoder of 4 x 4 pixels: the control for latent diffusion",
    paper="LDM, Rombach et al., arXiv 2112.10752",
    capabilities=("trainable", "lossy"),
)
class AutoEncoder(Transform):
    """``ll`` is (B, C * latent, ceil(H / 4), ceil(W / 4)); there are no details.

    Each block of 4 x 4 pixels becomes 16 channels, which a linear map and convolutions turn into latents, separately
    for each channel of the image; the decoder mirrors this. The initial linear map keeps the smoothest cosines of
    each block. A size that is not a multiple of 4 is padded with its last row and column. The loss term
    ``autoencoder`` trains it in a first stage, after which it is frozen. The initial weights come from a fixed seed;
    computations use the dtype of the weights.

    Args:
        latent: latent channels per image channel, for 16 pixels (1 in the cited model at this downsampling).
        width: channels of the hidden convolutions.
    """

    levels = 0
    orthonormal = False
    lossy = True

    def __init__(
        self, latent: Annotated[int, Field(ge=1, le=16)] = 4, width: Annotated[int, Field(ge=4, le=512)] = 64
    ) -> None:
        super().__init__()
        self.latent, self.width = latent, width
        cosines = _cosines(latent)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.encoder, self.decoder = _Coder(cosines, width), _Coder(cosines.T, width)

    def forward(self, x: Tensor) -> Subbands:
        """Encode (B, C, H, W), any H, W >= 1.

        Raises:
            InputError: ``x`` is not 4-D, is empty, or is not of a real floating-point dtype.
        """
        check_image(x)
        size = (x.shape[-2], x.shape[-1])
        bottom, right = -size[0] % SIDE, -size[1] % SIDE
        if bottom or right:
            x = F.pad(x, (0, right, 0, bottom), mode="replicate")
        planes = F.pixel_unshuffle(rearrange(x, "b c h w -> (b c) 1 h w").to(self._dtype), SIDE)
        ll = rearrange(self.encoder(planes), "(b c) k h w -> b (c k) h w", b=len(x))
        return Subbands(ll.to(x.dtype), (), size)

    def inverse(self, bands: Subbands) -> Tensor:
        """Decode to (B, C, H, W) with (H, W) = ``bands.size``: close to what was encoded, not equal.

        Raises:
            InputError: there are details, or the shape of ``ll`` does not fit ``bands.size``.
        """
        check_bare(bands, self.sizes(bands.size)[-1])
        ll = bands.ll
        if ll.shape[1] % self.latent:
            raise InputError(f"band ll has {ll.shape[1]} channels; expected a multiple of {self.latent}")
        planes = rearrange(ll, "b (c k) h w -> (b c) k h w", k=self.latent).to(self._dtype)
        x: Tensor = rearrange(F.pixel_shuffle(self.decoder(planes), SIDE), "(b c) 1 h w -> b c h w", b=len(ll))
        return x[..., : bands.size[0], : bands.size[1]].to(ll.dtype)

    def sizes(self, size: tuple[int, int]) -> list[tuple[int, int]]:
        """The image's size and that of ``ll``.

        Raises:
            InputError: ``size`` is not a pair of positive integers.
        """
        check_size(size)
        return [(size[0], size[1]), (-(-size[0] // SIDE), -(-size[1] // SIDE))]

    def coarse_channels(self, channels: int) -> int:
        """``channels * latent``."""
        return channels * self.latent

    @property
    def _dtype(self) -> torch.dtype:
        return next(self.parameters()).dtype

    def extra_repr(self) -> str:
        """Its options, for ``print``."""
        return f"latent={self.latent}, width={self.width}"
