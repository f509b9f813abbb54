"""Systems and data made small, so that a recipe runs in seconds."""

from __future__ import annotations

from wavegen.core.config import Spec, merge
from wavegen.pipeline.pipeline import Pipeline


def shrunk(spec: Spec) -> Spec:
    """The same structure with networks that run in seconds."""
    config = Pipeline.configure(spec)
    levels = {"width": 8, "multipliers": [1, 2]}
    small = merge(spec, {"network": levels | _blocks(config.network)})
    if config.head is not None and "network" in config.head:
        small = merge(small, {"head": {**config.head, "network": {**config.head["network"], "width": 8}}})
    return merge(small, {"critic": {"width": 8, "layers": 2}}) if config.critic is not None else small


def _blocks(network: Spec) -> Spec:
    """Numbers of blocks that are given level by level, for the two levels that are left."""
    blocks = network.get("blocks")
    return {"blocks": blocks[:2]} if isinstance(blocks, list) else {}


def few(spec: Spec) -> Spec:
    """The same data, with a few small specimens where they are simulated and then degraded."""
    return {**spec, "source": {**spec["source"], "length": 2, "size": 64}} if "source" in spec else spec
