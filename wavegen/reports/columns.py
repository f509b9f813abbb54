"""Columns of tables: what the registered metrics declare, and what else rows tell."""

from __future__ import annotations

from typing import NamedTuple

from wavegen.metrics.base import EVERYWHERE, Metric, Place
from wavegen.metrics.catalogue import catalogue


class Column(NamedTuple):
    """How the figures of one key of a row are shown: title, format, and the factor to multiply by.

    ``higher_is_better`` is None where neither is; ``places`` are the parts of a report that show it.
    """

    key: str
    title: str
    form: str
    factor: float = 1.0
    higher_is_better: bool | None = None
    places: tuple[Place, ...] = ("table",)


FIRST = ("psnr", "ssim", "lpips", "kid_effnet_lite0", "spectrum_error")  # metrics, before all others
LAST = ("spread", "spread_skill")
KEPT = Column("kept", "spread kept", ".2f")
SPREAD_ERROR = Column("spread_error", "spread error", ".2f", 1.0, False, EVERYWHERE)
FACTS = (
    Column("nfe", "calls", ".0f"),
    Column("ms_batch_1", "ms, batch 1", ".1f"),
    Column("ms_batch_8", "ms, batch 8", ".1f"),
    Column("parameters", "parameters M", ".2f", 1e-6),
    Column("minutes", "core min", ".1f"),
    Column("training_steps", "steps trained", ".0f"),
    Column("s", "S", ".3g"),
    Column("s_over_v", "S/v", ".1f"),
    Column("images", "images", ".0f"),
    Column("seeds", "seeds", ".0f"),
)


def columns() -> list[Column]:
    """All columns of tables in their order: metrics, spread, then facts of the row."""
    known = {key: _column(key, metric) for key, metric in catalogue().items() if metric.places}
    others = [column for key, column in known.items() if key not in FIRST + LAST]
    spread, skill = (known[key] for key in LAST)
    ordered = [*(known[key] for key in FIRST), *others, spread, KEPT, skill, SPREAD_ERROR, *FACTS]
    return [column for column in ordered if "table" in column.places]


def quality() -> list[Column]:
    """The columns that measure quality: those of metrics, and the spread error. Their means have intervals."""
    facts = {KEPT.key, *(column.key for column in FACTS)}
    return [column for column in columns() if column.key not in facts]


def ranked(place: Place) -> list[Column]:
    """The columns of quality that a part of a report shows and that say which of two values is better."""
    return [column for column in quality() if place in column.places and column.higher_is_better is not None]


def _column(key: str, metric: type[Metric]) -> Column:
    return Column(key, metric.heading(), metric.form, metric.factor, metric.higher_is_better, metric.places)
