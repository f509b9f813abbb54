"""Configurations: schemas without unknown keys, and how differences are laid on a base."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, ValidationError

from wavegen.core.errors import InputError
from wavegen.core.registry import explain

Spec = dict[str, Any]


class Schema(BaseModel):
    """Unknown keys are errors and values do not change after validation."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def check(schema: type[BaseModel], values: Any, where: str) -> Any:
    """Validate ``values``; every mistake is named in one line.

    Raises:
        InputError: an unknown key (with near matches), a wrong type, a value out of range.
    """
    if not isinstance(values, Mapping):
        raise InputError(f"{where}: expected options by name, got {type(values).__name__}")
    try:
        return schema.model_validate(dict(values))
    except ValidationError as error:
        raise InputError(f"{where}: {explain(error, _all_fields(schema))}") from None


def _all_fields(schema: type[BaseModel]) -> list[str]:
    """Names of the options at every depth, for near matches."""
    nested = {part for field in schema.model_fields.values() for part in _models(field.annotation)}
    return [*schema.model_fields, *(name for part in nested for name in _all_fields(part))]


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """The schemas that an annotation is made of."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models(part)


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Lay ``over`` on ``base``, key by key; a component with another ``name`` replaces the whole spec."""
    result = dict(base)
    for key, value in over.items():
        old = result.get(key)
        same = isinstance(value, Mapping) and isinstance(old, Mapping)
        if same and value.get("name", old.get("name")) == old.get("name"):  # type: ignore[union-attr]
            result[key] = merge(old, value)  # type: ignore[arg-type]
        else:
            result[key] = value
    return result
