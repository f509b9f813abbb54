"""Texts without the folders of the machine that they were written on."""

from __future__ import annotations

import re
from typing import Any

# An absolute folder at the start of a path; not what follows "//" in an address or a letter in a fraction.
FOLDER = re.compile(r"(?<![\w.:/~-])/(?:[^/\s,;='\"]+/)+")


def portable(value: Any) -> Any:
    """JSON values in which every absolute path is shortened to its last part."""
    if isinstance(value, str):
        return FOLDER.sub("", value)
    if isinstance(value, dict):
        return {key: portable(item) for key, item in value.items()}
    return [portable(item) for item in value] if isinstance(value, list | tuple) else value
