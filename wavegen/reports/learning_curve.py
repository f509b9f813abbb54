"""A score against the processor time of training, beside methods that learn nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from wavegen.core.files import atomic
from wavegen.core.optional import need

Points = Sequence[tuple[float, float]]


def draw_learning_curve(path: Path, curves: Mapping[str, Points], levels: Mapping[str, float], unit: str) -> Path:
    """Write a PNG: each curve's points (core-minutes, score) on a logarithmic axis, each level as a line across.

    Points before the first thousandth of a minute, which such an axis cannot show, are drawn there. The vertical axis
    holds the later half of each curve and the better half of the levels: the rest would flatten them.

    Args:
        path: the file.
        curves: by name, in the order of time.
        levels: by name.
        unit: of the scores.

    Raises:
        InputError: matplotlib is not installed, or the file cannot be written.
    """
    figure = need("matplotlib.figure", "plot").Figure(figsize=(6.4, 4.8), layout="constrained")
    axis = figure.subplots()
    for name, points in curves.items():
        axis.plot([max(x, 1e-3) for x, _ in points], [y for _, y in points], marker=".", label=name)
    ranked = sorted(levels.items(), key=lambda item: -item[1])
    for at, (name, level) in enumerate(ranked):
        axis.axhline(level, color=f"C{(at + len(curves)) % 10}", lw=1, ls="--", label=f"{name}: {level:.2f}")
    ends = [y for points in curves.values() for _, y in points[len(points) // 2 :]]
    ends += [level for _, level in ranked[: (len(ranked) + 1) // 2]]
    margin = 0.08 * (max(ends) - min(ends)) or 0.5
    axis.set_ylim(min(ends) - margin, max(ends) + margin)
    axis.set_xscale("log")
    axis.set(xlabel="core-minutes of training", ylabel=unit)
    axis.grid(alpha=0.25, lw=0.5)
    figure.legend(fontsize=8, loc="outside lower center", ncols=2, frameon=False)
    with atomic(path) as file:
        figure.savefig(file, dpi=110, format="png")
    return path
