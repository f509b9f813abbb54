"""Systems and data made small, so that a recipe runs in seconds."""

from __future__ import annotations

from wavegen.core.config import Spec, merge
from wavegen.pipeline.pipeline import Pipeline


def shrunk(spec: Spec) -> Spec:
    """The same structure with networks that run in seconds."""
    config = Pipeline.configure(spec)
    small = merge(spec, {"network": {"width": 8, "multipliers": [1, 2]}})
    if config.head is not None and "network" in config.head:
        small = merge(small, {"head": {**config.head, "network": {**config.head["network"], "width": 8}}})
    return merge(small, {"critic": {"width": 8, "layers": 2}}) if config.critic is not None else small


def few(spec: Spec) -> Spec:
    """The same data, with a few small specimens where they are simulated and then degraded."""
    return {**spec, "source": {**spec["source"], "length": 2, "size": 64}} if "source" in spec else spec
