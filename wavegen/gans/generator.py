"""Detail stage: the heads that make bands in one call of a network."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field
from torch import Tensor

from wavegen.core.errors import InputError
from wavegen.core.registry import build, entry, register
from wavegen.core.types import Details
from wavegen.gans.base import LevelInput, NetworkHead, stack


@register(
    "head",
    "regression",
    "one network call without noise: the bands' median or mean, as the loss asks",
    supplied=("channels", "trunk"),
    fixed={"noise": 0, "inject": False},
)
@register(
    "head",
    "gan",
    "conditional generator of (H, V, D) from LL, y's bands, noise and the coarse network's features",
    paper="MSCGM, arXiv 2407.05259; without noise and critic: regression",
    supplied=("channels", "trunk"),
)
class GanHead(NetworkHead):
    """One level's generator. All bands are normalised by their statistics; nothing bounds the output.

    Args:
        channels: image channels C.
        trunk: (feature channels, patch) of the coarse network, or None where there are none to take.
        network: the backbone's specification (kind ``network``), built without time.
        noise: channels of Gaussian noise given to the generator (0: deterministic).
        inject: also add the noise, through learnt weights, at every scale of the network.
        output: ``absolute`` bands, or ``residual`` bands added to y's own.
        features: channels that the coarse network's features are projected to (0: not used).
        noise_level: tell the network the estimated noise level of y.
    """

    def __init__(
        self,
        channels: int,
        trunk: tuple[int, int] | None,
        network: dict[str, Any] = {"name": "unet", "width": 24, "multipliers": [1, 2]},  # noqa: B006
        noise: Annotated[int, Field(ge=0, le=16)] = 1,
        inject: bool = False,
        output: Literal["absolute", "residual"] = "absolute",
        features: Annotated[int, Field(ge=0, le=256)] = 0,
        noise_level: bool = False,
    ) -> None:
        super().__init__(channels, trunk, features, noise_level)
        self.noise_channels, self.inject, self.output = noise, inject and noise > 0, output
        supplied: dict[str, Any] = {}
        if self.inject:
            if "inject" not in entry("network", network.get("name", "")).supplied:
                raise InputError(f"network {network.get('name')!r} cannot inject noise at its scales; use unet")
            supplied["inject"] = noise
        self.network = build(
            "network",
            network,
            in_channels=5 * channels + noise + self.extra_channels,
            out_channels=3 * channels,
            time=False,
            **supplied,
        )

    def forward(self, given: LevelInput, noise: Tensor) -> Details:
        """Generate the bands of one level; ``noise`` is (B, noise channels, h, w), standard normal."""
        bands, extras = [given.ll, given.y_ll, *given.y_details], self.extras(given)
        # The network injects its last channels.
        inputs = [*bands, *extras, noise] if self.inject else [*bands, noise, *extras]
        out = self.network(stack(inputs))[0].float()
        drawn = Details(*out.chunk(3, dim=1))
        if self.output == "residual":
            return Details(*(band + of_y for band, of_y in zip(drawn, given.y_details, strict=True)))
        return drawn
