"""Discriminators: logits of neighbourhoods, conditioned on the degraded image; safe at any batch size."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from itertools import pairwise
from typing import Annotated

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm as spectrally_normalised

from wavegen.core.registry import register
from wavegen.metrics import feature_pyramid

Width = Annotated[int, Field(ge=4, le=512)]
Layers = Annotated[int, Field(ge=1, le=5)]


def in_float32(images: Tensor) -> AbstractContextManager[object]:
    """Keeps autocast out of convolutions of stride 2.

    Under bf16, torch 2.14 reads memory that nobody wrote where the output of one is a pixel wide, on processors with
    AMX.
    """
    return torch.autocast(images.device.type, enabled=False)


@register(
    "critic",
    "patch",
    "logits of patches of the image",
    paper="Isola et al., arXiv 1611.07004",
    supplied=("in_channels",),
)
class PatchDiscriminator(nn.Module):
    """(candidate, condition), each (B, c, H, W), to logits (B, 1, ~H / 2^layers, ~W / 2^layers).

    Isola et al., arXiv 1611.07004, without normalisation layers (safe at any batch size); with
    spectral norm on every convolution (Miyato et al., arXiv 1802.05957) if asked for.
    """

    def __init__(self, in_channels: int, width: Width = 32, layers: Layers = 3, spectral_norm: bool = True) -> None:
        super().__init__()
        sizes = [in_channels] + [width * 2 ** min(i, 3) for i in range(layers)]
        convolutions = [nn.Conv2d(a, b, 4, stride=2, padding=1) for a, b in pairwise(sizes)]
        convolutions.append(nn.Conv2d(sizes[-1], 1, 3, padding=1))
        self.convolutions = nn.ModuleList(spectrally_normalised(c) if spectral_norm else c for c in convolutions)
        self.least = 2**layers

    def forward(self, candidate: Tensor, condition: Tensor) -> Tensor:
        """Return the logits; images smaller than the stride are repeated at their border up to it."""
        h = torch.cat([candidate, condition], dim=1)
        bottom, right = max(0, self.least - h.shape[-2]), max(0, self.least - h.shape[-1])
        if bottom or right:
            h = F.pad(h, (0, right, 0, bottom), mode="replicate")
        with in_float32(h):
            h = h.float()
            for convolution in self.convolutions[:-1]:
                h = F.leaky_relu(convolution(h), 0.2)
            logits: Tensor = self.convolutions[-1](h)
        return logits


@register(
    "critic",
    "multiscale",
    "patches of the image at several resolutions",
    paper="Wang et al., arXiv 1711.11585",
    supplied=("in_channels",),
)
class MultiScaleDiscriminator(nn.Module):
    """Patch discriminators of the image and of its averages over 2 x 2, 4 x 4, ... pixels.

    Wang et al., arXiv 1711.11585. Logits (B, scales, h, w): each scale's are repeated to the finest's size, so that
    a mean weighs the scales alike.
    """

    def __init__(
        self,
        in_channels: int,
        width: Width = 32,
        layers: Layers = 3,
        spectral_norm: bool = True,
        resolutions: Annotated[int, Field(ge=1, le=4)] = 2,
    ) -> None:
        super().__init__()
        self.scales = nn.ModuleList(
            PatchDiscriminator(in_channels, width, layers, spectral_norm) for _ in range(resolutions)
        )
        self.least = 2 ** (layers + resolutions - 1)

    def forward(self, candidate: Tensor, condition: Tensor) -> Tensor:
        """Return the logits of all scales."""
        logits: list[Tensor] = []
        for index, critic in enumerate(self.scales):
            if index:
                candidate, condition = (F.avg_pool2d(k, 2, ceil_mode=True) for k in (candidate, condition))
            logits.append(critic(candidate, condition))
        return torch.cat([F.interpolate(k, logits[0].shape[-2:]) for k in logits], dim=1)


class ProjectedDiscriminator(nn.Module):
    """Small critics on the feature maps of a frozen network, of the candidate and of the condition together.

    Sauer et al., arXiv 2111.01007, with one 1 x 1 projection that is learnt for each map in the place of random
    mixing. Logits (B, maps, h, w) of the finest map's size.

    Args:
        features: frozen; images (B, 3, H, W) in [0, 1] to feature maps, finest first. It is not part of this
            module's state.
        channels: channels of each map.
        width: channels of the small critics.
        spectral_norm: on every convolution.
    """

    least = 32

    def __init__(
        self,
        features: nn.Module,
        channels: Sequence[int],
        width: int = 32,
        spectral_norm: bool = True,
    ) -> None:
        super().__init__()
        self._features = (features,)  # in a tuple: neither trained nor stored
        wrap: Callable[[nn.Conv2d], nn.Module] = spectrally_normalised if spectral_norm else (lambda c: c)
        self.critics = nn.ModuleList(
            nn.Sequential(
                wrap(nn.Conv2d(2 * count, width, 1)),
                nn.LeakyReLU(0.2),
                wrap(nn.Conv2d(width, width, 3, padding=1)),
                nn.LeakyReLU(0.2),
                wrap(nn.Conv2d(width, 1, 3, padding=1)),
            )
            for count in channels
        )

    def forward(self, candidate: Tensor, condition: Tensor) -> Tensor:
        """Return the logits; grey images are repeated to three channels."""
        network = self._features[0].to(candidate.device)
        with in_float32(candidate):
            maps = [network(image.float().expand(-1, 3, -1, -1)) for image in (candidate, condition)]
            pairs = [torch.cat(pair, dim=1) for pair in zip(*maps, strict=True)]
            logits = [critic(pair) for critic, pair in zip(self.critics, pairs, strict=True)]
        return torch.cat([F.interpolate(k, logits[0].shape[-2:]) for k in logits], dim=1)


@register(
    "critic",
    "projected",
    "small critics on feature maps of a frozen network; judges images only",
    paper="Sauer et al., arXiv 2111.01007",
    capabilities=("images-only",),
    supplied=("in_channels",),
)
def projected(in_channels: int, width: Width = 32, spectral_norm: bool = True) -> ProjectedDiscriminator:
    """A :class:`ProjectedDiscriminator` on the feature pyramid that the metrics share.

    Raises:
        InputError: the weights of the frozen network are not found.
    """
    return ProjectedDiscriminator(*feature_pyramid(), width, spectral_norm)
