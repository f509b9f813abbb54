"""The contract of networks: what a pipeline and its heads may expect of any architecture."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor, nn


class Network(nn.Module, ABC):
    """A network on images of any size, with the feature maps that its output was computed from.

    A registered network takes the constructor arguments ``in_channels``, ``out_channels`` and ``time`` (whether it is
    conditioned on t) beside its own options; one that also takes ``inject`` can be given noise at all its scales.
    Its behaviour must not depend on other items of a batch (no batch normalisation).

    Attributes:
        feature_channels: channels of the feature maps.
        patch: input pixels, on each side, that one pixel of the feature maps stands for.
    """

    feature_channels: int
    patch: int = 1

    @abstractmethod
    def forward(self, x: Tensor, t: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Map an image to the output and the last feature maps.

        Args:
            x: (B, in_channels, H, W), any H, W >= 1.
            t: (B,) in [0, 1]; None for a network built with ``time=False``.

        Returns:
            The output, (B, out_channels, H, W), and feature maps (B, feature_channels, h, w) with
            h >= ceil(H / patch) and w >= ceil(W / patch), from the top left corner on.
        """

    @property
    @abstractmethod
    def radius(self) -> int | None:
        """Radius of the receptive field: input pixels on each side of an output pixel that can influence it.

        Never too small: tiles overlap by it. None where it is the whole image.
        """

    @property
    def edges(self) -> tuple[Tensor, ...]:
        """Weights of the first and last layers, which map pixels to features and back: optimisers may treat them so."""
        return ()

    @property
    def multiple(self) -> int:
        """Shifts of the input by a multiple of this shift the output: what tile origins must be multiples of."""
        return self.patch
