"""The intensity scale that targets train on: what ``intensity.target`` says or, where it is ``auto``, the pairs do."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

from wavegen.core.errors import InputError, some
from wavegen.core.files import write_text
from wavegen.core.types import PairSource
from wavegen.data.matched import Matched, summary, unrelated_scales
from wavegen.data.matching import UNKNOWN, Match
from wavegen.pipeline.pipeline import Pipeline

FILE = "intensity.json"


class Scaled(NamedTuple):
    """Data on the scale that a pipeline trains on, and what was chosen and why; ``remark`` is empty if told before."""

    data: PairSource
    remark: str


def scaled(pipeline: Pipeline, data: PairSource) -> Scaled:
    """Lay the targets on their inputs where the configuration says so, or is ``auto`` and the pairs need it.

    Sets the pipeline's ``intensity.target`` to what was chosen; a second call changes nothing.

    Raises:
        InputError: where pairs are looked at: some that have nothing in common or are negatives of each other, or
            targets that equal their inputs.
    """
    intensity = pipeline.config.intensity
    if intensity.target not in ("auto", "matched") or isinstance(data, Matched):
        return Scaled(data, "")
    asked = intensity.target == "auto"
    if asked and (intensity.mode == "fixed" or getattr(data, "one_scale", False)):
        _set_target(pipeline, "input")
        return Scaled(data, "")
    matched = Matched(data)
    _check(matched)
    needed = not asked or unrelated_scales(matched.matches)
    if needed:
        _refuse(matched, "are constant, so that nothing matches them", lambda m: m == UNKNOWN, "")
    _set_target(pipeline, "matched" if needed else "input")
    line = f"{len(matched)} pair{'s' if len(matched) > 1 else ''}: {summary(matched.matches)}"
    if needed:
        why = "unrelated scales, so that " if asked else ""
        return Scaled(matched, f"{line}: {why}targets are matched to their inputs (intensity.target = matched)")
    return Scaled(data, f"{line}: one scale, so that targets stay as they are (intensity.target = input)")


def _set_target(pipeline: Pipeline, target: str) -> None:
    intensity = pipeline.config.intensity.model_copy(update={"target": target})
    pipeline.config = pipeline.config.model_copy(update={"intensity": intensity})


def _check(matched: Matched) -> None:
    """Refuse pairs that have little in common, and data with nothing to learn."""
    hint = ", or say how their intensities are related: intensity.target = own (unrelated) or input"
    negative = "have a vanishing or negative correlation of target and input"
    _refuse(matched, negative, lambda m: m != UNKNOWN and not m.usable, hint)
    if all(m.equal for pair in matched.matches for m in pair):
        raise InputError(
            "the targets equal their inputs, but for a gain and an offset: nothing can be learned; "
            "give degraded images as inputs"
        )


def _refuse(matched: Matched, what: str, is_bad: Callable[[Match], bool], hint: str) -> None:
    """Raise InputError if any pair has a bad channel, with names and correlations."""
    pairs = zip(matched.names, matched.matches, strict=True)
    bad = [f"{name} ({min(m.correlation for m in pair):.2f})" for name, pair in pairs if any(map(is_bad, pair))]
    if bad:
        raise InputError(f"{len(bad)} of {len(matched)} pairs {what}: {some(bad)}; leave them out{hint}")


def write(data: PairSource, out: Path) -> None:
    """Write the lines of matched data to ``intensity.json`` in the run's folder; of other data nothing."""
    if isinstance(data, Matched):
        pairs = [
            {"name": name, "channels": [asdict(match) for match in pair]}
            for name, pair in zip(data.names, data.matches, strict=True)
        ]
        held = {"summary": summary(data.matches), "pairs": pairs}
        write_text(out / FILE, json.dumps(held, indent=1) + "\n")
