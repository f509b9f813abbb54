"""Named components: a constructor's arguments are its configuration, validated before use."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any, TypeVar, get_type_hints

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from wavegen.core.errors import InputError, near_matches

KINDS = (
    "transform",
    "bridge",
    "head",
    "network",
    "degradation",
    "dataset",
    "metric",
    "pipeline",
    "loss",
    "critic",
)
T = TypeVar("T", bound=Callable[..., Any])


@dataclass(frozen=True)
class Entry:
    """The frozen record of one component."""

    kind: str
    name: str
    factory: Callable[..., Any]
    summary: str
    paper: str
    capabilities: frozenset[str]
    wiring: frozenset[str]
    preset: Mapping[str, Any] = field(default_factory=dict)

    def options(self) -> type[BaseModel]:
        """The pydantic model of the options a configuration may give."""
        target = self.factory.__init__ if inspect.isclass(self.factory) else self.factory
        hints = get_type_hints(target, include_extras=True)
        fields: dict[str, Any] = {}
        for name, parameter in inspect.signature(self.factory).parameters.items():
            if name in self.wiring or name in self.preset:
                continue
            required = parameter.default is inspect.Parameter.empty
            fields[name] = (hints.get(name, Any), ... if required else parameter.default)
        return create_model(f"{self.kind}_{self.name}", __config__=ConfigDict(extra="forbid"), **fields)


_entries: dict[tuple[str, str], Entry] = {}
_loaded = False
BUILT_IN = "wavegen.components"  # by name: components import this module


def register(
    kind: str,
    name: str,
    summary: str,
    *,
    paper: str = "",
    capabilities: tuple[str, ...] = (),
    wiring: tuple[str, ...] = (),
    preset: Mapping[str, Any] | None = None,
) -> Callable[[T], T]:
    """Add a class or function to the registry under ``(kind, name)``.

    ``wiring`` names constructor arguments that the pipeline supplies (sizes, sub-modules) and a
    configuration may not; ``preset`` fixes arguments, so that one class serves several names.

    Raises:
        ValueError: the kind is unknown or the name is taken.
    """
    if kind not in KINDS:
        raise ValueError(f"unknown kind {kind!r}; {near_matches(kind, KINDS)}")

    def add(factory: T) -> T:
        if (kind, name) in _entries:
            raise ValueError(f"{kind} {name!r} is registered already")
        _entries[kind, name] = Entry(
            kind, name, factory, summary, paper, frozenset(capabilities), frozenset(wiring), preset or {}
        )
        return factory

    return add


def _load() -> None:
    """Import the built-in components and those of others (entry-point group ``wavegen.components``), once."""
    global _loaded
    if not _loaded:
        _loaded = True
        import_module(BUILT_IN)
        for point in entry_points(group="wavegen.components"):
            point.load()


def names(kind: str) -> list[str]:
    """Sorted names of all components of a kind."""
    if kind not in KINDS:
        raise InputError(f"unknown kind {kind!r}; {near_matches(kind, KINDS)}")
    _load()
    return sorted(name for k, name in _entries if k == kind)


def entry(kind: str, name: str) -> Entry:
    """The record of one component; an unknown name is answered with the near matches."""
    known = names(kind)
    if name not in known:
        raise InputError(f"unknown {kind} {name!r}; {near_matches(str(name), known)}")
    return _entries[kind, name]


def describe(kind: str, name: str) -> dict[str, Any]:
    """One line, paper, options with defaults and ranges, and capabilities of a component."""
    record = entry(kind, name)
    schema = record.options().model_json_schema().get("properties", {})
    return {
        "kind": kind,
        "name": name,
        "summary": record.summary,
        "paper": record.paper,
        "options": {key: {k: v for k, v in value.items() if k != "title"} for key, value in schema.items()},
        "capabilities": sorted(record.capabilities),
    }


def validate(kind: str, spec: Mapping[str, Any] | str) -> tuple[Entry, dict[str, Any]]:
    """Check ``{"name": ..., **options}`` and return its entry and its options with defaults.

    Raises:
        InputError: unknown name or option (with the near matches), or a value out of range.
    """
    given = {"name": spec} if isinstance(spec, str) else dict(spec)
    if "name" not in given:
        raise InputError(f"a {kind} needs a 'name'; known: {', '.join(names(kind))}")
    record = entry(kind, given.pop("name"))
    model = record.options()
    try:
        checked = model.model_validate(given, strict=False)
    except ValidationError as error:
        raise InputError(f"{kind} {record.name!r}: {explain(error, list(model.model_fields))}") from None
    return record, {key: getattr(checked, key) for key in model.model_fields}


def build(kind: str, spec: Mapping[str, Any] | str, **wiring: Any) -> Any:
    """Build a component from ``{"name": ..., **options}``; ``wiring`` comes from the pipeline."""
    record, options = validate(kind, spec)
    return record.factory(**record.preset, **options, **wiring)


def explain(error: ValidationError, known: list[str]) -> str:
    """A pydantic error as one line: where, what was given, what is allowed."""
    parts = []
    for item in error.errors():
        where = ".".join(str(part) for part in item["loc"])
        if item["type"] == "extra_forbidden":
            last = str(item["loc"][-1])
            parts.append(f"unknown option {where!r}; {near_matches(last, known)}")
        else:
            message = item["msg"][0].lower() + item["msg"][1:]
            parts.append(f"{where} = {item.get('input')!r}: {message}")
    return "; ".join(parts)
