"""Detail stage: from the low band of a level to its three high bands."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from wavegen.registry import build, register
from wavegen.types import Details


@register(
    "head",
    "gan",
    "conditional generator of (H, V, D) from LL, y's bands, noise and the coarse network's features",
    paper="MSCGM, arXiv 2407.05259; without noise and critic: regression",
    wiring=("channels", "trunk"),
)
class GanHead(nn.Module):
    """One level's generator. All bands are normalised by their statistics; nothing bounds the output.

    Args:
        channels: image channels C.
        trunk: (feature channels, patch) of the coarse network, or None where there are none to take.
        network: the backbone's specification (kind ``network``), built without time.
        noise: channels of Gaussian noise given to the generator (0: deterministic).
        output: ``absolute`` bands, or ``residual`` bands added to y's own.
        features: channels that the coarse network's features are projected to (0: not used).
    """

    def __init__(
        self,
        channels: int,
        trunk: tuple[int, int] | None,
        network: dict[str, Any] = {"name": "unet", "width": 24, "multipliers": [1, 2]},  # noqa: B006
        noise: Annotated[int, Field(ge=0, le=16)] = 1,
        output: Literal["absolute", "residual"] = "absolute",
        features: Annotated[int, Field(ge=0, le=256)] = 0,
    ) -> None:
        super().__init__()
        self.noise_channels, self.output = noise, output
        self.project: nn.Module | None = None
        self.patch = 1
        taken = 0
        if features and trunk is not None:
            trunk_channels, self.patch = trunk
            self.project = nn.Conv2d(trunk_channels, features * self.patch**2, 1)
            taken = features
        self.network = build(
            "network",
            network,
            in_channels=5 * channels + noise + taken,
            out_channels=3 * channels,
            time=False,
        )

    def forward(
        self, ll: Tensor, y_ll: Tensor, y_details: Details, noise: Tensor, features: Tensor | None = None
    ) -> Details:
        """Generate the bands of one level.

        Args:
            ll: low band of this level, (B, C, h, w), restored or true.
            y_ll: the same band of the degraded image.
            y_details: its high bands, each (B, C, h, w).
            noise: (B, noise channels, h, w), standard normal.
            features: the coarse network's last feature maps (B, F, >= h / patch, >= w / patch), if shared.
        """
        inputs = [ll, y_ll, *y_details, noise]
        if self.project is not None and features is not None:
            grown = F.pixel_shuffle(self.project(features), self.patch)
            inputs.append(grown[..., : ll.shape[-2], : ll.shape[-1]])
        out = self.network(
            torch.cat([i.to(ll.dtype) for i in inputs], dim=1).contiguous(memory_format=torch.channels_last)
        )[0].float()
        bands = Details(*out.chunk(3, dim=1))
        if self.output == "residual":
            return Details(*(band + own for band, own in zip(bands, y_details, strict=True)))
        return bands
