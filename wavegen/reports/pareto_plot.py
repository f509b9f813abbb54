"""Quality against time, with the front drawn."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from wavegen.core.optional import need
from wavegen.reports.columns import Column, ranked
from wavegen.reports.fronts import front, timed

Result = dict[str, Any]
MARKERS = "osD^vPX<>*"
INK = "#010203"  # stands for the colour of the text around an SVG


def draw(rows: Sequence[Result], batch: int, kind: str = "png") -> bytes:
    """A panel for each quality, better upwards, as PNG or SVG; filled points are on the front.

    The SVG takes the colour of the text around it, has no fixed size and nothing that is loaded.
    """
    matplotlib = need("matplotlib", "plot", "a figure")
    shown = timed(rows, batch)
    # Of all rows, so that a system has one colour at every batch.
    looks = {name: _look(at) for at, name in enumerate(dict.fromkeys(row["system"] for row in rows))}
    ink = INK if kind == "svg" else "#222222"
    colours = ["text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color"]
    settings = {**dict.fromkeys(colours, ink), "svg.hashsalt": f"batch {batch}", "svg.fonttype": "none", "font.size": 8}
    with matplotlib.rc_context(settings):
        figure = _figure(shown, batch, looks, ink)
        file = io.BytesIO()
        if kind == "svg":
            figure.savefig(file, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
            return _inline(file.getvalue().decode(), f"b{batch}-{len(shown)}-").encode()
        figure.savefig(file, format="png", dpi=100, metadata={"Software": None})
        return file.getvalue()


def _figure(rows: Sequence[Result], batch: int, looks: Mapping[str, tuple[str, str]], ink: str) -> Any:
    """All panels, with a legend of the systems below."""
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    shown = [column for column in ranked("fronts") if any(math.isfinite(row.get(column.key, math.inf)) for row in rows)]
    across = min(3, len(shown))
    lines = math.ceil(len(shown) / across)
    names = list(dict.fromkeys(row["system"] for row in rows))
    legend = math.ceil(len(names) / 4)
    figure = Figure(figsize=(9.6, 2.6 * lines + 0.2 * legend + 0.3), layout="constrained")
    axes = figure.subplots(lines, across, squeeze=False).ravel()
    for axis, column in zip(axes, shown, strict=False):
        _panel(axis, rows, column, batch, looks, ink)
    for axis in axes[len(shown) :]:
        axis.set_visible(False)
    handles = [Line2D([], [], ls="", marker=looks[n][0], color=looks[n][1], ms=5, label=n) for n in names]
    figure.legend(handles=handles, loc="outside lower center", ncols=4, frameon=False)
    return figure


def _look(at: int) -> tuple[str, str]:
    """Marker and colour of the ``at``-th system."""
    return MARKERS[at // 10 % len(MARKERS)], f"C{at % 10}"


def _panel(
    axis: Any, rows: Sequence[Result], column: Column, batch: int, looks: Mapping[str, tuple[str, str]], ink: str
) -> None:
    from matplotlib.ticker import LogLocator, NullFormatter

    best, trained = [], []
    for row, on_front in zip(rows, front(rows, (column.key,), batch), strict=True):
        x, value = row[f"ms_batch_{batch}"], row.get(column.key)
        if value is None or not math.isfinite(value):
            continue
        y = column.factor * value
        marker, colour = looks[row["system"]]
        axis.plot(x, y, marker, color=colour, mfc=colour if on_front else "none", ms=5)
        best += [(x, y)] if on_front else []
        if row["steps"]:
            trained.append(y)
            axis.annotate(str(row["steps"]), (x, y), (3, 3), textcoords="offset points", fontsize=6, color=ink)
    axis.step(*zip(*sorted(best), strict=True), where="post", color=ink, lw=0.7, alpha=0.6, zorder=0)
    if trained:  # others may be so far off that nothing could be told apart
        margin = 0.08 * (max(trained) - min(trained)) or 0.05 * abs(trained[0]) or 1.0
        axis.set_ylim(min(trained) - margin, max(trained) + margin)
    axis.set_xscale("log")
    low, high = axis.get_xlim()
    axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < 100 * low else (1,)))
    axis.xaxis.set_major_formatter("{x:g}")
    axis.xaxis.set_minor_formatter(NullFormatter())
    axis.set_xlabel(f"ms per image, batch {batch}")
    axis.set_title(column.title, fontsize=9)
    if not column.higher_is_better:
        axis.invert_yaxis()
    axis.grid(alpha=0.25, lw=0.5)
    axis.spines[["top", "right"]].set_visible(False)


def _inline(svg: str, prefix: str) -> str:
    """An SVG for the inside of a page: names of its own, nothing from elsewhere, the page's colour."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r' xmlns(:\w+)?="[^"]*"', "", svg).replace("xlink:href", "href")
    svg = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'\b(id="|href="#|url\(#)', rf"\g<1>{prefix}", svg)
    return svg.replace(INK, "currentColor").rstrip() + "\n"
