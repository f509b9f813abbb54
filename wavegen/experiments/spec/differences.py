"""Differences between configurations, by dotted keys: laid on a base, named, and told apart from sampling."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from wavegen.core.config import Spec, merge
from wavegen.core.errors import InputError
from wavegen.core.registry import entry
from wavegen.pipeline.config import PipelineConfig
from wavegen.pipeline.presets import preset
from wavegen.pipeline.stages import stage_needs

COMPONENTS = ("transform", "bridge", "network", "head")
SAMPLING = ("steps", "eta", "eta_bbdm", "grid", "solver", "temperature")  # parts of ``sampler`` that a row can set


def differ(base: Spec, changes: Mapping[str, Any]) -> Spec:
    """A configuration with changes laid on it, in their order; keys are dotted or nested.

    A component whose ``name`` is changed by a dotted key keeps the options that the new one has, too, so that one thing
    changes; a nested specification replaces it, as everywhere.

    Raises:
        InputError: a key below a single value, an unknown component.
    """
    config = dict(base)
    for key, value in changes.items():
        change = _nested(config, key, value)
        config = _later_eta(merge(config, change), change)
    return config


def _later_eta(config: Spec, change: Spec) -> Spec:
    """Of ``sampler.eta`` and ``sampler.solver.eta``, which are one setting, the one that was changed last."""
    sampler, changed = config.get("sampler"), change.get("sampler")
    if not isinstance(changed, Mapping) or not isinstance(sampler, Mapping) or "eta" not in sampler:
        return config
    solver = sampler.get("solver")
    if not isinstance(solver, Mapping) or "eta" not in solver:
        return config
    eta = changed.get("eta", solver["eta"])
    rest = {key: part for key, part in sampler.items() if key != "eta"}
    return {**config, "sampler": {**rest, "solver": {**solver, "eta": eta}}}


def _nested(config: Spec, key: str, value: Any) -> Spec:
    *outer, last = key.split(".")
    if not all([*outer, last]):
        raise InputError(f"{key!r} is no key; give names with a dot between each two, as transform.name")
    here: Any = merge(preset(config.get("name")), config)
    for part in outer:
        here = here.get(part) if isinstance(here, Mapping) else here
        if not isinstance(here, Mapping | None):
            raise InputError(f"{key}: {part} is the single value {here!r} and has no {last!r}")
        here = here or {}
    leaf: Spec = {last: value}
    if last == "name" and outer and outer[-1] in COMPONENTS and here.get("name") not in (None, value):
        options = entry(outer[-1], str(value)).options().model_fields
        leaf = {**{k: v for k, v in here.items() if k in options}, "name": value}
    for part in reversed(outer):
        leaf = {part: leaf}
    return leaf


def sampling_only(config: PipelineConfig) -> bool:
    """Whether training does not look at the sampler: then one training serves all ways of sampling."""
    used = config.times == "grid" or any(
        stage_needs(s, "needs:teacher") or s.low_band == "sampled" for s in config.stages
    )
    return not used


def without_sampler(changes: Mapping[str, Any]) -> Spec:
    """The changes that concern more than sampling."""
    rest: Spec = {}
    for key, value in changes.items():
        if key == "sampler" and isinstance(value, Mapping):
            other = {k: v for k, v in value.items() if k not in SAMPLING}
            rest |= {key: other} if other else {}
        elif not any(key == f"sampler.{part}" or key.startswith(f"sampler.{part}.") for part in SAMPLING):
            rest[key] = value
    return rest


def labelled(name: str, varied: Mapping[str, Any]) -> str:
    """What a system is called: its name, and the keys and values in which it differs."""
    return ", ".join([*([name] if name else []), *(f"{key}={words(value)}" for key, value in varied.items())])


def words(value: Any) -> str:
    """A value in few words."""
    if isinstance(value, Mapping):
        rest = [f"{k}={words(v)}" for k, v in value.items() if k != "name"]
        return " ".join([*([str(value["name"])] if "name" in value else []), *rest])
    return json.dumps(value) if isinstance(value, list | bool) or value is None else str(value)
