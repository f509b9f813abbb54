"""Any system with tiny networks: what every recipe's smoke preset trains."""

from __future__ import annotations

from wavegen.core.config import Spec, merge
from wavegen.pipeline.pipeline import Pipeline


def small(spec: Spec) -> Spec:
    """The same structure with networks that run in seconds."""
    config = Pipeline.configure(spec)
    made = merge(spec, {"network": {"width": 8, "multipliers": [1, 2]}})
    if config.head is not None and "network" in config.head:
        made = merge(made, {"head": {**config.head, "network": {**config.head["network"], "width": 8}}})
    return merge(made, {"critic": {"width": 8, "layers": 2}}) if config.critic is not None else made
