"""The pipeline: one class that composes transform, bridge, network and heads, and restores."""

from wavegen.pipeline.pipeline import Pipeline
from wavegen.pipeline.storage import configure_sampler

__all__ = ["Pipeline", "configure_sampler"]
