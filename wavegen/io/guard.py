"""One guard around every parser of files: whatever a parser raises becomes one line that names the file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from wavegen.core.errors import InputError

Result = TypeVar("Result")


def guarded(path: Path, read: Callable[[Path], Result]) -> Result:
    """Call a reader and turn whatever a damaged file makes it raise into one line.

    Raises:
        InputError: the reader failed.
    """
    try:
        return read(path)
    except InputError as error:
        if str(path) in str(error):
            raise
        raise InputError(f"cannot read {path}: {error}") from None
    except PermissionError:
        raise InputError(f"cannot read {path}: permission denied; change its permissions") from None
    except Exception as error:
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise InputError(
            f"cannot read {path}: damaged or not of the format that its extension says ({reason}); export it again"
        ) from error
