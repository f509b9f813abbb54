"""What commands print: tables for people, JSON for programs, notes on standard error."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

Json = Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")]
FACTS = {"nfe": ("calls", ".0f", 1.0), "ms_per_image": ("ms/image", ".0f", 1.0)}  # title, format, factor
LEGEND = {
    "spectrum_error": "LSD: error of the radial power spectrum",
    "kid_effnet_lite0": "KID: EfficientNet-Lite0 features",
    "spread": "spread: rms standard deviation of the draws in the target's range",
    "nfe": "calls: of the network",
    "ms_per_image": "ms/image: time of one draw",
}


def note(text: str) -> None:
    """A line for the person in front of the terminal, never mixed with figures."""
    print(text, file=sys.stderr)


def print_json(figures: Any) -> None:
    """Print figures as JSON; what is not finite becomes null."""
    print(to_json(figures))


def to_json(figures: Any) -> str:
    """Figures as indented JSON text."""
    return json.dumps(finite(figures), indent=1, allow_nan=False)


def finite(value: Any) -> Any:
    """Figures as JSON can hold them: what is not finite becomes None."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {key: finite(item) for key, item in value.items()}
    return [finite(item) for item in value] if isinstance(value, list | tuple) else value


def print_scores(rows: Sequence[Mapping[str, Any]], labels: Sequence[str]) -> None:
    """A table of score rows; a column that no row fills is left out."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from wavegen.metrics.catalogue import catalogue

    titles = {k: (m.heading(), m.form, m.factor) for k, m in catalogue().items() if "evaluate" in m.places} | FACTS
    shown = [key for key in titles if any(row.get(key) is not None for row in rows)]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for label in labels:
        table.add_column(label, no_wrap=True)
    for key in shown:
        table.add_column(titles[key][0], justify="right", no_wrap=True)
    for row in rows:
        table.add_row(*(str(row[label]) for label in labels), *(_figure(row.get(k), *titles[k][1:]) for k in shown))
    # A pipe has no width: let no column be cut there.
    Console(width=None if sys.stdout.isatty() else 200).print(table)
    print("\n".join(LEGEND[key] for key in shown if key in LEGEND))


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table of texts; all columns but the first are aligned to the right."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for index, column in enumerate(columns):
        table.add_column(column, justify="right" if index else "left", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    Console(width=None if sys.stdout.isatty() else 200).print(table)


def _figure(value: float | None, form: str, factor: float) -> str:
    return "-" if value is None else format(value * factor, form)
