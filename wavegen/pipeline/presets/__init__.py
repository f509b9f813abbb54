"""The named systems: each is one configuration of the one Pipeline."""

from __future__ import annotations

from typing import Any

from wavegen.core.errors import InputError
from wavegen.core.registry import entry


def preset(name: Any) -> dict[str, Any]:
    """The configuration registered under a pipeline's name.

    Raises:
        InputError: no name, or an unknown one (with the near matches).
    """
    if not isinstance(name, str):
        raise InputError("a pipeline configuration needs a 'name'; see wavegen.names('pipeline')")
    made: dict[str, Any] = entry("pipeline", name).factory()
    return {"name": name, **made}
