"""Run code as if only the base dependencies of wavegen were installed.

    python tests/install/lean.py CODE

Every package outside their closure, as the metadata of what is installed here states it, is hidden: it can be neither
imported nor found, nor asked for its version.
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]


def closure(requirements: list[str]) -> set[str]:
    """Names of all distributions that these need, with what those need, as far as they are installed."""
    todo = [(Requirement(text), frozenset({""})) for text in requirements]
    done: set[tuple[str, str]] = set()
    while todo:
        need, extras = todo.pop()
        wanted = not need.marker or any(need.marker.evaluate({"extra": extra}) for extra in extras)
        for extra in {"", *need.extras} if wanted else ():
            if (key := (canonicalize_name(need.name), extra)) in done:
                continue
            done.add(key)
            try:
                further = metadata.requires(need.name) or []
            except metadata.PackageNotFoundError:
                continue  # for another platform
            todo += [(Requirement(text), frozenset({extra})) for text in further]
    return {name for name, _ in done}


def hidden() -> tuple[set[str], set[str]]:
    """The distributions that a lean installation lacks, and their top-level modules."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    kept = closure(project["dependencies"]) | {"wavegen", "wavegen-models"}
    homes = {
        module: {canonicalize_name(n) for n in names} for module, names in metadata.packages_distributions().items()
    }
    distributions = {name for names in homes.values() for name in names} - kept
    return distributions, {module for module, names in homes.items() if names <= distributions}


class Blinkered:
    """A finder of modules that does not see the hidden ones."""

    def __init__(self, finder: Any, distributions: set[str], modules: set[str]) -> None:
        self.finder, self.distributions, self.modules = finder, distributions, modules

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        return None if name.partition(".")[0] in self.modules else self.finder.find_spec(name, path, target)

    def find_distributions(self, context: Any) -> Iterator[metadata.Distribution]:
        finder = getattr(self.finder, "find_distributions", None)
        for found in finder(context) if finder else ():
            if canonicalize_name(found.metadata["Name"]) not in self.distributions:
                yield found

    def invalidate_caches(self) -> None:
        getattr(self.finder, "invalidate_caches", lambda: None)()


def hide() -> None:
    """Hide them from this process."""
    distributions, modules = hidden()
    assert not modules & sys.modules.keys(), modules & sys.modules.keys()
    sys.meta_path[:] = [Blinkered(finder, distributions, modules) for finder in sys.meta_path]


if __name__ == "__main__":
    hide()
    exec(sys.argv[1], {"__name__": "__main__"})
