"""Importing this module registers every component of the package; nothing else lists them."""

from wavegen import bridges, data, degradations, gans, metrics, networks, presets, transforms

__all__ = ["bridges", "data", "degradations", "gans", "metrics", "networks", "presets", "transforms"]
