"""Named components: a constructor's arguments are its configuration, validated before use."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from threading import RLock
from typing import Any, TypeVar, get_type_hints

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from wavegen.core.capabilities import KNOWN, check_declared
from wavegen.core.errors import LONGEST, InputError, near_matches, shown

KINDS = tuple(KNOWN)
GROUP = "wavegen.components"  # entry points of this group name modules that register components
BUILT_IN = "wavegen.components"  # the module that imports the package's own; by name, since they import this one
OWN = "wavegen"
MISTAKES = 8  # that one message lists
T = TypeVar("T", bound=Callable[..., Any])


@dataclass(frozen=True)
class Entry:
    """The frozen record of one component; ``origin`` says who registered it, for messages."""

    kind: str
    name: str
    factory: Callable[..., Any]
    summary: str
    paper: str
    capabilities: frozenset[str]
    supplied: frozenset[str]
    fixed: Mapping[str, Any] = field(default_factory=dict)
    origin: str = OWN

    def options(self) -> type[BaseModel]:
        """The pydantic model of the options a configuration may give."""
        return self._options

    @cached_property
    def _options(self) -> type[BaseModel]:
        target = self.factory.__init__ if inspect.isclass(self.factory) else self.factory
        hints = get_type_hints(target, include_extras=True)
        fields: dict[str, Any] = {}
        for name, parameter in inspect.signature(self.factory).parameters.items():
            if name in self.supplied or name in self.fixed:
                continue
            required = parameter.default is inspect.Parameter.empty
            fields[name] = (hints.get(name, Any), ... if required else parameter.default)
        return create_model(f"{self.kind}_{self.name}", __config__=ConfigDict(extra="forbid"), **fields)


_entries: dict[tuple[str, str], Entry] = {}
_failed: list[str] = []  # plug-ins that could not be loaded, with the reason
_lock = RLock()  # a thread that asks while another loads waits for all components
_built_ins_loaded = False
_plugins_loaded = False
_plugin: str | None = None  # the plug-in that is being loaded


def register(
    kind: str,
    name: str,
    summary: str,
    *,
    paper: str = "",
    capabilities: tuple[str, ...] = (),
    supplied: tuple[str, ...] = (),
    fixed: Mapping[str, Any] | None = None,
) -> Callable[[T], T]:
    """Add a class or function to the registry under ``(kind, name)``.

    Args:
        kind: one of :data:`KINDS`.
        name: what configurations call it.
        summary: one line.
        paper: source.
        capabilities: what it can do, in the words of :data:`wavegen.core.capabilities.KNOWN`.
        supplied: arguments filled in by the pipeline (e.g. channel counts); not user options.
        fixed: arguments with their values, so that one class serves several names.

    Raises:
        ValueError: the kind or a capability is unknown, the class contradicts its capabilities, or the name is taken.
    """
    if kind not in KINDS:
        raise ValueError(f"unknown kind {kind!r}; {near_matches(kind, KINDS)}")

    def add(factory: T) -> T:
        module = factory.__module__
        built_in = module.startswith(OWN + ".")
        if not built_in:
            _load_built_ins()  # so that a name that is taken is refused here, not there
        origin = OWN if built_in else _plugin or module
        if (kind, name) in _entries:
            raise ValueError(
                f"{kind} {name!r} of {origin} is registered already by {_entries[kind, name].origin}, which is kept; "
                "give it another name"
            )
        check_declared(kind, name, capabilities, factory)
        _entries[kind, name] = Entry(
            kind, name, factory, summary, paper, frozenset(capabilities), frozenset(supplied), fixed or {}, origin
        )
        return factory

    return add


def _load() -> None:
    """Import the built-in components, then those of plug-ins, once."""
    global _plugins_loaded
    with _lock:
        _load_built_ins()
        if not _plugins_loaded:
            _plugins_loaded = True
            for point in sorted(entry_points(group=GROUP), key=_called):
                _load_plugin(point)


def _load_built_ins() -> None:
    global _built_ins_loaded
    with _lock:
        if not _built_ins_loaded:
            _built_ins_loaded = True
            try:
                import_module(BUILT_IN)
            except BaseException:
                _built_ins_loaded = False  # the next question tells of the same error
                raise


def _load_plugin(point: EntryPoint) -> None:
    """Load one plug-in. One that fails leaves nothing behind, and is named in a warning of one line."""
    global _plugin
    before, _plugin = dict(_entries), _called(point)
    try:
        point.load()
    except (Exception, SystemExit) as error:
        _entries.clear()
        _entries.update(before)
        reason = " ".join(str(error).split())
        _failed.append(f"the plug-in {_plugin} could not be loaded ({type(error).__name__}: {reason})")
        logging.getLogger(OWN).warning("%s; its components are left out", _failed[-1])
    finally:
        _plugin = None


def _called(point: EntryPoint) -> str:
    """What a plug-in is called in messages: its distribution and its entry point."""
    distribution = f"{point.dist.name} {point.dist.version}: " if point.dist else ""
    return f"{distribution}{point.name} = {point.value}"


def names(kind: str) -> list[str]:
    """Sorted names of all components of a kind."""
    if kind not in KINDS:
        raise InputError(f"unknown kind {kind!r}; {near_matches(kind, KINDS)}")
    _load()
    return sorted(name for k, name in _entries if k == kind)


def entry(kind: str, name: str) -> Entry:
    """The record of one component.

    Raises:
        InputError: an unknown name (with the near matches, and the plug-ins that could not be loaded).
    """
    _load()
    if not isinstance(name, str) or (kind, name) not in _entries:
        near = near_matches(str(name), names(kind))
        raise InputError("; ".join([f"unknown {kind} {shown(name)}", near, *_failed]))
    return _entries[kind, name]


def with_capability(kind: str, capability: str) -> list[str]:
    """Sorted names of the components that declare a capability."""
    return [name for name in names(kind) if capability in _entries[kind, name].capabilities]


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


def build(kind: str, spec: Mapping[str, Any] | str, **supplied: Any) -> Any:
    """Build a component from ``{"name": ..., **options}``; the pipeline fills in the ``supplied`` arguments.

    Raises:
        InputError: as :func:`validate`.
    """
    record, options = validate(kind, spec)
    return record.factory(**record.fixed, **options, **supplied)


def explain(error: ValidationError, known: list[str]) -> str:
    """A pydantic error as one line: where, what was given, what is allowed."""
    parts = []
    for item in error.errors():
        where = ".".join(str(part) for part in item["loc"])
        if item["type"] == "extra_forbidden":
            last = str(item["loc"][-1])
            parts.append(f"unknown option {shown(where)}; {near_matches(last, known)}")
        elif item["type"] == "missing":
            parts.append(f"option {shown(where)} is missing")
        elif item["type"] == "value_error" and isinstance(item.get("ctx", {}).get("error"), InputError):
            parts.append(f"{where}: {item['ctx']['error']}")  # it says itself what was given
        else:
            message = item["msg"].removeprefix("Value error, ")
            message = message[0].lower() + message[1:]
            # What is wrong with the whole names its part itself.
            parts.append(f"{where[:LONGEST]} = {shown(item.get('input'))}: {message}" if where else message)
    more = [f"and {len(parts) - MISTAKES} more"] if len(parts) > MISTAKES else []
    return "; ".join([*parts[:MISTAKES], *more])
