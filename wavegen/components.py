"""Importing this module registers every component of the package; nothing else lists them."""

from wavegen import (
    bridge_head,
    bridges,
    data,
    degradations,
    gans,
    metrics,
    networks,
    presets,
    presets_rivals,
    transforms,
)

__all__ = [
    "bridge_head",
    "bridges",
    "data",
    "degradations",
    "gans",
    "metrics",
    "networks",
    "presets",
    "presets_rivals",
    "transforms",
]
