"""The one error that a user can cause: wrong input or configuration."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

LONGEST = 120  # characters of a value in a message
FEW = 3  # names listed in a message


class InputError(ValueError):
    """Wrong input or configuration; the message says what, where and what would be right.

    The command line prints it as one line and exits with code 2.
    """


def shown(value: object) -> str:
    """A value for a message, shortened."""
    text = repr(value)
    return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."


def some(names: Sequence[str]) -> str:
    """The first few names for a message, and the number of the others."""
    more = f" and {len(names) - FEW} more" if len(names) > FEW else ""
    return ", ".join(names[:FEW]) + more


def near_matches(word: str, known: Iterable[str]) -> str:
    """Return a hint such as ``did you mean 'db4'?`` or the list of what is known."""
    names = sorted(known)
    close = get_close_matches(word[:LONGEST], names, n=3, cutoff=0.6)
    if close:
        return "did you mean " + " or ".join(repr(name) for name in close) + "?"
    shown = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
    return f"known: {shown or 'none'}"
