"""The built-in components: importing this module registers them all.

The registry imports it by itself, before it answers its first question.
"""

from wavegen import bridges, data, degradations, gans, losses, metrics, networks, optimizers, transforms
from wavegen.pipeline.presets import hybrids, rivals

__all__ = [
    "bridges",
    "data",
    "degradations",
    "gans",
    "hybrids",
    "losses",
    "metrics",
    "networks",
    "optimizers",
    "rivals",
    "transforms",
]
