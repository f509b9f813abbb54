"""The networks of a configuration, sized by its transform and its conditioning."""

from __future__ import annotations

from torch import nn

from wavegen.bridges import Bridge
from wavegen.core.errors import InputError
from wavegen.core.registry import build, validate
from wavegen.pipeline.config import PipelineConfig
from wavegen.transforms import Transform


def coarse_network(config: PipelineConfig, transform: Transform, bridge: Bridge) -> nn.Module:
    """The network of the coarsest band, which sees the state, the conditioning and its own noise.

    Raises:
        InputError: a target that the bridge does not have, or a conditioning that the transform cannot give.
    """
    if config.prediction not in bridge.targets:
        raise InputError(
            f"bridge {config.bridge['name']!r} has no prediction {config.prediction!r}; "
            f"it has {', '.join(sorted(bridge.targets))}"
        )
    band = transform.coarse_channels(config.channels)
    network: nn.Module = build(
        "network",
        config.network,
        in_channels=band + _condition_channels(config, transform) + config.coarse_noise,
        out_channels=band,
        time=not bridge.one_step,
        **({"inject": config.coarse_noise} if config.coarse_noise else {}),
    )
    return network


def _condition_channels(config: PipelineConfig, transform: Transform) -> int:
    """How many channels of y the coarse network sees."""
    if config.conditioning == "none":
        return 0
    if config.conditioning == "ll" or not transform.levels:
        return transform.coarse_channels(config.channels)
    cell = transform.ratio**transform.levels
    if transform.sizes((64 * cell, 64 * cell))[-1] != (64, 64):
        raise InputError(
            f"pipeline {config.name!r}: conditioning 'full' needs bands of ceil(size / 2) at each level; "
            "use the transform's mode 'periodization', or conditioning 'll'"
        )
    return int(config.channels * cell**2)


def heads(config: PipelineConfig, transform: Transform, coarse: nn.Module) -> nn.ModuleList:
    """One head for each level, coarsest first, or one that all levels share; none without levels.

    Raises:
        InputError: no head for a transform with levels.
    """
    if not transform.levels:
        if config.head is not None:
            validate("head", config.head)  # unused here, but validated
        return nn.ModuleList()
    if config.head is None:
        raise InputError(f"pipeline {config.name!r}: a transform with levels needs a head for its details")
    trunk = (coarse.feature_channels, coarse.patch)
    return nn.ModuleList(
        build("head", config.head, channels=config.channels, trunk=trunk if index == 0 else None)
        for index in range(1 if config.shared_head else transform.levels)
    )
