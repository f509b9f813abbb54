"""Output that survives every encoding of the terminal and every name of a file."""

from __future__ import annotations

import sys
import warnings


def print_anything() -> None:
    """Let standard output and standard error write what their encoding lacks as ``\\xe9`` or ``\\u65e5``.

    Names of files may hold any character, and bytes that are none. Warnings of libraries become one line without the
    place in the library's code.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    warnings.formatwarning = lambda message, *_, **__: f"remark: {' '.join(str(message).split())}\n"
