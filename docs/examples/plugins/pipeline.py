"""A pipeline preset in one file: a function that returns a configuration."""

from typing import Any

from wavegen import register


@register("pipeline", "small_bbdm", "a Brownian bridge on the Haar low band and y's own details, for quick trials")
def small_bbdm() -> dict[str, Any]:
    """The configuration; anything in it can be changed with ``--set``."""
    return {
        "transform": {"name": "haar", "levels": 1},
        "bridge": {"name": "bbdp", "s": 0.1},
        "network": {"name": "unet", "width": 8, "multipliers": [1, 2]},
        "head": {"name": "copy"},
        "prediction": "x0",
        "sampler": {"steps": 2},
        "stages": [{"name": "fit", "share": 1.0, "weights": {"coarse": 1.0}}],
    }
