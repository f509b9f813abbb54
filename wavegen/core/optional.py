"""Packages that only an extra of wavegen installs, asked for where they are used."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from wavegen.core.errors import InputError


def need(module: str, extra: str) -> Any:
    """Import a module of an optional package; ``extra`` is the extra of wavegen that installs it.

    Raises:
        InputError: the package, or one that it needs, is not installed; the message names the remedy.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        missing = (error.name or module).partition(".")[0]
        raise InputError(f'this needs {missing}, which is not installed; run: pip install "wavegen[{extra}]"') from None
