"""Which metrics there are, by the keys of result files, and which of them are scored unless others are named."""

from __future__ import annotations

import inspect

from wavegen.core.errors import InputError, near_matches
from wavegen.core.registry import entry, names
from wavegen.metrics.base import Metric

# Registered names, in the order of result files.
STANDARD = (
    "psnr",
    "range_invariant_psnr",
    "ssim",
    "ms_ssim",
    "spectrum_error",
    "lpips",
    "rmse",
    "spread",
    "crps",
    "spread_skill",
    "kid_effnet_lite0",
)
OWN = "wavegen."


def is_declared(name: str) -> bool:
    """Whether a registered metric is a class that declares what tables and the scorer read."""
    factory = entry("metric", name).factory
    return inspect.isclass(factory) and issubclass(factory, Metric)


def declared(name: str) -> type[Metric]:
    """The class of a registered metric, with its declarations.

    Raises:
        InputError: an unknown name, or a metric that declares nothing.
    """
    factory = entry("metric", name).factory
    if not (inspect.isclass(factory) and issubclass(factory, Metric)):
        raise InputError(
            f"metric {name!r} ({factory.__module__}) is no subclass of wavegen.metrics.PairedMetric, SingleMetric, "
            "EnsembleMetric or DistributionMetric, which declare direction and column; derive it from one"
        )
    return factory


def key_of(name: str) -> str:
    """What result files call a registered metric."""
    return declared(name).key or name


def catalogue() -> dict[str, type[Metric]]:
    """The declarations of all registered metrics by the key of result files: the standard ones first."""
    known = [name for name in names("metric") if is_declared(name)]
    ordered = [*STANDARD, *(name for name in known if name not in STANDARD)]
    return {key_of(name): declared(name) for name in ordered}


def outside() -> list[str]:
    """Sorted names of the metrics that are registered from outside the package."""
    return [name for name in names("metric") if not entry("metric", name).factory.__module__.startswith(OWN)]


def default_metrics() -> list[str]:
    """The standard metrics, and all from outside the package."""
    return [*STANDARD, *outside()]


def named(text: str) -> str:
    """The registered name that a name, or a key of result files, stands for.

    Raises:
        InputError: neither is known, with the near matches.
    """
    known = names("metric")
    if text in known:
        return text
    for name in known:
        if is_declared(name) and declared(name).key == text:
            return name
    raise InputError(f"unknown metric {text!r}; {near_matches(text, known)}")
