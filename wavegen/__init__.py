"""Generative image restoration in wavelet subbands.

Public names are imported at their first use, so that ``import wavegen`` takes no time: nor then does the program, which
answers signals in its own way from its first line on.
"""

from __future__ import annotations

from importlib import import_module

from wavegen.version import __version__

TYPE_CHECKING = False  # type checkers know the name; the module that has it takes time
if TYPE_CHECKING:
    from typing import Any

    from wavegen.bridges import sample
    from wavegen.core.errors import InputError
    from wavegen.core.memory import keep_freed_memory
    from wavegen.core.registry import build, describe, names, register
    from wavegen.core.types import Details, Pair, Restoration, Subbands
    from wavegen.pipeline.pipeline import Pipeline

__all__ = [
    "Details",
    "InputError",
    "Pair",
    "Pipeline",
    "Restoration",
    "Subbands",
    "__version__",
    "build",
    "describe",
    "keep_freed_memory",
    "names",
    "register",
    "sample",
]

_REGISTRY = "wavegen.core.registry"
_HOMES = {
    "Details": "wavegen.core.types",
    "InputError": "wavegen.core.errors",
    "Pair": "wavegen.core.types",
    "Pipeline": "wavegen.pipeline",
    "Restoration": "wavegen.core.types",
    "Subbands": "wavegen.core.types",
    "build": _REGISTRY,
    "describe": _REGISTRY,
    "keep_freed_memory": "wavegen.core.memory",
    "names": _REGISTRY,
    "register": _REGISTRY,
    "sample": "wavegen.bridges",
}


def __getattr__(name: str) -> Any:
    """Import a public name at its first use (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module 'wavegen' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
