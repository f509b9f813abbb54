"""Packages that only some functions need: imported where they are used, and asked for in one line where missing."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from wavegen.core.errors import InputError


class MissingPackageError(InputError):
    """An optional package is not installed; the message says how to get it."""


def need(module: str, extra: str, purpose: str = "this") -> Any:
    """Import an optional package and return the module.

    Args:
        module: what is imported, such as ``lpips`` or ``matplotlib.figure``.
        extra: the extra of wavegen that brings it, such as ``eval``.
        purpose: what it is for, at the start of the message: "LPIPS".

    Raises:
        MissingPackageError: the package, or one that it needs itself, is not installed; names it and the pip command.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        missing = (error.name or module).partition(".")[0]
        raise MissingPackageError(
            f'{purpose} needs the package {missing}, which is not installed: pip install "wavegen[{extra}]"'
        ) from None
