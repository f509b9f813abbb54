"""Detail stage: a bridge from y's high bands to the clean ones, given the low band."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import torch
from pydantic import Field
from torch import Tensor

from wavegen.bridges import Bridge, make_grid, sample, stratified
from wavegen.core.draws import normal, own, uniform, whole
from wavegen.core.errors import InputError
from wavegen.core.registry import build, register
from wavegen.core.types import Details
from wavegen.gans.base import LevelInput, NetworkHead, stack


@register(
    "head",
    "bridge",
    "any process of the kind 'bridge' on the three bands together, from y's bands, given LL",
    paper="BBDM, arXiv 2205.07680, on wavelet details",
    supplied=("channels", "trunk"),
)
class BridgeHead(NetworkHead):
    """One level's bridge. The network predicts x0; the state is (H, V, D) along the channels.

    Args:
        channels: image channels C.
        trunk: (feature channels, patch) of the coarse network, or None where there are none to take.
        bridge: the process (kind ``bridge``).
        network: the backbone's specification (kind ``network``).
        steps: network calls of one draw.
        eta: share of a step's noise that is drawn anew (1: the process itself).
        start_fraction: share of training items exactly at t = 1.
        features: channels that the coarse network's features are projected to (0: not used).
        noise_level: tell the network the estimated noise level of y.
    """

    process: ClassVar[bool] = True

    def __init__(
        self,
        channels: int,
        trunk: tuple[int, int] | None,
        bridge: dict[str, Any] = {"name": "bbdp", "s": 0.1},  # noqa: B006
        network: dict[str, Any] = {"name": "unet", "width": 24, "multipliers": [1, 2]},  # noqa: B006
        steps: Annotated[int, Field(ge=1, le=1000)] = 2,
        eta: Annotated[float, Field(ge=0, le=1)] = 1.0,
        start_fraction: Annotated[float, Field(ge=0, le=1)] = 0.375,
        features: Annotated[int, Field(ge=0, le=256)] = 0,
        noise_level: bool = False,
    ) -> None:
        super().__init__(channels, trunk, features, noise_level)
        self.bridge: Bridge = build("bridge", bridge)
        self.steps, self.eta = steps, eta
        self.start_fraction = 1.0 if self.bridge.max_steps == 1 else start_fraction
        if self.bridge.max_steps is not None and steps > self.bridge.max_steps:
            raise InputError(f"head.steps = {steps}: {bridge['name']} takes at most {self.bridge.max_steps}")
        # A set of channels for each draw of the sampler: the start's, where it is random, and each step's but the last.
        self.first_stream = 1 if self.bridge.pinned else 0
        self.noise_channels = 3 * channels * (steps - self.first_stream)
        self.time = self.bridge.max_steps != 1
        self.network = build(
            "network",
            network,
            in_channels=8 * channels + self.extra_channels,
            out_channels=3 * channels,
            time=self.time,
        )

    def forward(self, given: LevelInput, noise: Tensor) -> Details:
        """Walk from y's bands; every stretch of 3 C noise channels serves one draw of the sampler."""
        y = torch.cat(given.y_details, dim=1).float()
        width = y.shape[1]

        def draw(stream: int) -> Tensor:
            first = (stream - self.first_stream) * width
            return noise[:, first : first + width].to(y)

        def predict_x0(x_t: Tensor, t: Tensor, _: Tensor) -> Tensor:
            return self._predict(x_t, t, given)

        grid = make_grid("uniform", self.steps)
        return Details(*sample(self.bridge, predict_x0, y, grid=grid, eta=self.eta, draw=draw).x.chunk(3, dim=1))

    def estimate(self, given: LevelInput, truth: Details, noise: Tensor, generator: torch.Generator) -> Details:
        """The estimate of the clean bands from a state at a random time, stratified over the batch."""
        x0, y = torch.cat(truth, dim=1), torch.cat(given.y_details, dim=1).float()
        count = len(x0)
        t = own(stratified(whole(count, generator), generator), generator)
        start = uniform((count,), generator) < self.start_fraction
        t = torch.where(start, torch.ones(()), t.clamp_min(1e-3)).double()  # float64: stays on the CPU
        eps = normal(x0.shape, generator).to(y)
        state = self.bridge.state(x0, y, t, eps)
        return Details(*self._predict(state, t.float().to(y.device), given).chunk(3, dim=1))

    def _predict(self, state: Tensor, t: Tensor, given: LevelInput) -> Tensor:
        """x0 from a state (B, 3 C, h, w) at times (B,)."""
        inputs = stack([state, given.ll, given.y_ll, *given.y_details, *self.extras(given)])
        out: Tensor = self.network(inputs, t if self.time else None)[0]
        return out.float()
