"""A network and what it predicts, as one function: the estimate of x0 that every sampler and every loss asks for."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from wavegen.bridges import Bridge, to_x0
from wavegen.pipeline.precision import Precision, autocast


class Estimate(NamedTuple):
    """One network call: E[x0 | x_t, y], the output in the network's own prediction, and the last feature maps."""

    x0: Tensor
    output: Tensor
    features: Tensor


class Denoiser:
    """(x_t, t, y) -> x0, as :func:`~wavegen.bridges.sample` calls it.

    Args:
        network: the coarse network.
        prediction: what it predicts (a name of :func:`~wavegen.bridges.to_x0`).
        bridge: the process that the states belong to.
        condition: (B, K, h, w), what the network sees beside the state.
        precision: the arithmetic of the network.

    Attributes:
        features: the feature maps of the last call, for heads that share the trunk; None before the first.
    """

    def __init__(
        self, network: nn.Module, prediction: str, bridge: Bridge, condition: Tensor, precision: Precision = "auto"
    ) -> None:
        self.network, self.prediction, self.bridge = network, prediction, bridge
        self.condition, self.precision = condition, precision
        self.features: Tensor | None = None

    def estimate(self, x_t: Tensor, t: Tensor, y: Tensor) -> Estimate:
        """Call the network once.

        Args:
            x_t: (B, C, h, w), the state, normalised.
            t: (B,), times; float64 where the coefficients should be exact.
            y: (B, C, h, w), the degraded band, normalised.
        """
        inputs = torch.cat([x_t, self.condition], dim=1).contiguous(memory_format=torch.channels_last)
        with autocast(self.precision, inputs.device):
            output, features = self.network(inputs, t.float().to(inputs.device))
        output, self.features = output.float(), features
        coefficients = self.bridge.coefficients(t.cpu().double()) if self.prediction in ("eps", "v") else None
        return Estimate(to_x0(self.prediction, output, x_t, y, coefficients), output, features)

    def __call__(self, x_t: Tensor, t: Tensor, y: Tensor) -> Tensor:
        """The estimate of x0 alone."""
        return self.estimate(x_t, t, y).x0
