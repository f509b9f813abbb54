"""Rows of pictures beside each other, as one file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from wavegen.core.files import atomic
from wavegen.core.optional import need


def picture_grid(
    path: Path, pictures: Sequence[Sequence[Any]], titles: Sequence[str], labels: Sequence[str] = ()
) -> Path:
    """Write rows of pictures in [0, 1], (H, W) or (H, W, 3), as a PNG: titles of the columns, labels of the rows."""
    heights = [2.2 * row[0].shape[0] / row[0].shape[1] for row in pictures]
    size = (2.2 * len(titles), sum(heights) + 0.15 * len(pictures) + 0.4)
    grid = need("matplotlib.figure", "plot").Figure(figsize=size, layout="constrained")
    axes = grid.subplots(len(pictures), len(titles), squeeze=False, height_ratios=heights)
    for row, shown in zip(axes, pictures, strict=True):
        for axis, picture in zip(row, shown, strict=True):
            axis.imshow(picture, cmap="magma", vmin=0, vmax=1, interpolation="nearest")
            axis.set(xticks=[], yticks=[], frame_on=False)
    for axis, title in zip(axes[0], titles, strict=True):
        axis.set_title(title, fontsize=8)
    for axis, label in zip(axes[:, 0], labels, strict=False):
        axis.set_ylabel(label, fontsize=8)
    with atomic(path) as file:
        grid.savefig(file, dpi=110, format="png")
    return path
