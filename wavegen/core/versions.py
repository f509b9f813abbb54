"""Formats of written files: each carries its number; newer ones are refused with the remedy, older ones migrated."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from wavegen.core.errors import InputError, near_matches

KEY = "format"
Values = dict[str, Any]


@dataclass(frozen=True)
class Format:
    """The form of one kind of file.

    Args:
        what: the kind, with its article, for messages.
        older: ``older[n]`` turns the values of format n into those of format n + 1. Version 0.1.0 wrote no number,
            which is format 0.
    """

    what: str
    older: tuple[Callable[[Values], Values], ...]

    @property
    def number(self) -> int:
        """The format that is written."""
        return len(self.older)

    def stamped(self, values: Mapping[str, Any]) -> Values:
        """The values with the number of their format before them."""
        return {KEY: self.number, **values}

    def read(self, values: Any, where: object, names: Iterable[str] | None = None) -> Values:
        """The values of a file in the present format, without its number.

        Args:
            values: what the file holds.
            where: the file, for messages.
            names: all that may stand at the top; None where these are free.

        Raises:
            InputError: no mapping, a newer format, a number that is none, or an unknown name (with near matches).
        """
        if not isinstance(values, Mapping):
            raise InputError(f"{where} is not {self.what}: it holds no names with values; copy or make it again")
        found = values.get(KEY, 0)
        if not isinstance(found, int) or isinstance(found, bool) or found < 0:
            raise InputError(f"{where}: format {str(found)[:40]!r} is no number of a format; copy or make it again")
        if found > self.number:
            raise InputError(
                f"{where} is {self.what} of format {found}, written by a newer wavegen (this one reads up to "
                f"{self.number}); run: pip install --upgrade wavegen"
            )
        present = {name: value for name, value in values.items() if name != KEY}
        for migrate in self.older[found:]:
            present = migrate(present)
        known = present.keys() if names is None else {*names}
        for name in present:
            if name not in known:
                raise InputError(f"{where}: unknown name {name[:60]!r}; {near_matches(name, {*known, KEY})}")
        return present


def unchanged(values: Values) -> Values:
    """The migration of a format that differs from the next in its number alone."""
    return values
