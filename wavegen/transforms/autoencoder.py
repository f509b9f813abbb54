"""A learned auto-encoder in the place of a wavelet transform: the control for latent diffusion."""

from __future__ import annotations

from typing import Annotated

import torch
import torch.nn.functional as F
from einops import rearrange
from pydantic import Field
from torch import Tensor, nn

from wavegen.errors import InputError
from wavegen.registry import register
from wavegen.transforms.base import Transform, check_image, check_size
from wavegen.transforms.patches import check_bare
from wavegen.types import Subbands

SIDE = 4  # pixels of a side that one latent pixel stands for


class _Block(nn.Module):
    """Two convolutions beside the identity, without normalisation, so that every output stays local."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, width, h, w) to the same."""
        made: Tensor = self.second(F.silu(self.first(F.silu(x))))
        return x + made


@register(
    "transform",
    "autoencoder",
    "a learned, lossy auto-encoder of 4 x 4 pixels: the control for latent diffusion",
    paper="LDM, Rombach et al., arXiv 2112.10752",
    capabilities=("trainable", "lossy"),
)
class AutoEncoder(Transform):
    """``ll`` is (B, C * latent, ceil(H / 4), ceil(W / 4)); there are no details.

    Convolutions of stride 2 down and pixel shuffles up, each channel of the image on its own. A size that is not a
    multiple of 4 is continued by its last row and column. The loss term ``autoencoder`` trains it in a first stage;
    it does not change afterwards. All start alike, from a fixed seed, and work in the dtype of their weights.

    Args:
        latent: latent channels for each channel of the image, for 16 pixels; the source's has 1 at this size.
        width: channels at half the resolution; twice as many at a quarter.
    """

    levels = 0
    orthonormal = False
    lossy = True

    def __init__(
        self, latent: Annotated[int, Field(ge=1, le=16)] = 4, width: Annotated[int, Field(ge=4, le=512)] = 32
    ) -> None:
        super().__init__()
        self.latent, self.width = latent, width
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.encoder = nn.Sequential(
                nn.Conv2d(1, width, 4, stride=2, padding=1),
                _Block(width),
                nn.Conv2d(width, 2 * width, 4, stride=2, padding=1),
                _Block(2 * width),
                nn.Conv2d(2 * width, latent, 3, padding=1),
            )
            self.decoder = nn.Sequential(
                nn.Conv2d(latent, 2 * width, 3, padding=1),
                _Block(2 * width),
                nn.Conv2d(2 * width, 4 * width, 3, padding=1),
                nn.PixelShuffle(2),
                _Block(width),
                nn.Conv2d(width, 4, 3, padding=1),
                nn.PixelShuffle(2),
            )

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
        planes = rearrange(x, "b c h w -> (b c) 1 h w").to(self._dtype)
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
        x: Tensor = rearrange(self.decoder(planes), "(b c) 1 h w -> b c h w", b=len(ll))
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
