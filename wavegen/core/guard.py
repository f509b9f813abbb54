"""One guard around every parser of files: what a damaged file makes it raise becomes one line that names the file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from wavegen.core import interrupt
from wavegen.core.errors import InputError

Result = TypeVar("Result")
OWN = str(Path(__file__).parents[1])
DAMAGED = "damaged or not of the format that its extension says"
LONGEST = 160  # characters of a parser's message that are repeated
# What no file should be able to cause in code that checks what it reads.
MISTAKES = (TypeError, AttributeError, NameError, AssertionError, ImportError, NotImplementedError)


def guarded(
    path: Path, read: Callable[[Path], Result], what: str = DAMAGED, remedy: str = "copy or export it again"
) -> Result:
    """Call a reader and turn whatever a damaged file makes it raise into one line with the true cause.

    An error of :data:`MISTAKES` that arises in wavegen's own code, not in the parser that it calls, is a mistake of
    wavegen and passes through, so that it is seen and mended.

    Args:
        path: the file, for the message.
        read: called with ``path``.
        what: what a file that the parser refuses is, for the message.
        remedy: what to do about it.

    Raises:
        InputError: the reader failed.
    """
    try:
        return read(path)
    except InputError as error:
        if str(path) in str(error):
            raise
        raise InputError(f"cannot read {path}: {error}") from None
    except Exception as error:
        interrupt.check()  # of which a compiled parser may have made this error
        if isinstance(error, MISTAKES) and _own(error.__traceback__):
            raise
        raise InputError(f"cannot read {path}: {_cause(path, error, what, remedy)}") from error


def _own(trace: TracebackType | None) -> bool:
    """Whether the innermost frame is in this package."""
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and trace.tb_frame.f_code.co_filename.startswith(OWN)


def _cause(path: Path, error: Exception, what: str, remedy: str) -> str:
    if isinstance(error, PermissionError):
        return "permission denied; change its permissions"
    if isinstance(error, FileNotFoundError):
        other = error.filename is not None and str(error.filename) != str(path)
        return f"there is no {f'file {error.filename}' if other else 'such file'}; {remedy}"
    if isinstance(error, OSError) and error.errno is not None:
        return f"{error.strerror or error}; {remedy}"
    if isinstance(error, MemoryError):
        return "it does not fit in memory; read it in parts, or on a larger machine"
    if isinstance(error, RecursionError):
        return f"it is nested too deeply for any valid file; {remedy}"
    return f"{what} ({reason(error)}); {remedy}"


def reason(error: BaseException) -> str:
    """The message of a parser on one line, shortened; with the name of the error where it says too little by itself."""
    text, name = " ".join(str(error).split()), type(error).__name__
    if isinstance(error, KeyError) or not any(letter.isalpha() for letter in text):
        text = f"{name}: {text}" if text else name
    return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."
