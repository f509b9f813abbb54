"""The same images under every system, side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from wavegen.core.intensity import unit_range
from wavegen.core.types import PairSource
from wavegen.experiments.spec.comparison import Comparison, Row, restored_by
from wavegen.experiments.spec.folders import run_folder
from wavegen.metrics.scales import Scale, scaled
from wavegen.pipeline.pipeline import Pipeline
from wavegen.reports.pictures import picture_grid


def figure(plan: Comparison, out: Path, data: PairSource, shown: Sequence[Row], images: Sequence[int]) -> Path:
    """Draw input, each shown system's first sample, and truth, on the scale of the scores (luma in colour)."""
    scale: Scale = "fixed" if plan.scale == "luma" else plan.scale  # in colour

    def on_scale(image: Tensor, i: int) -> Any:
        return scaled(scale, image[None], data[i].x[None])[0][0].numpy()

    columns: list[tuple[str, Callable[[int], Any]]] = [("input", lambda i: stretched(data[i].y.numpy(), scale))]
    for row in shown:
        folder = run_folder(out, row.system, plan.seeds_of(row.system)[0]) / "model"
        if folder.exists():
            pipe = Pipeline.from_pretrained(folder)

            def restored(i: int, pipe: Pipeline = pipe, row: Row = row) -> Any:
                return on_scale(restored_by(pipe, row, data[i].y, [i]).image, i)

            columns.append((f"{row.system}\n{row.steps} steps, {row.key()}", restored))
    columns.append(("truth", lambda i: on_scale(data[i].x, i)))
    pictures = [[_middle(draw(image)) for _, draw in columns] for image in images]
    return picture_grid(out / "figure.png", pictures, [title for title, _ in columns])


def _middle(image: Any) -> Any:
    """The middle of (C, H, W), half as wide and at most 256 pixels: (H, W) of the first channel, or (H, W, 3)."""
    sides = [min(max(n // 2, 1), 256) for n in image.shape[-2:]]
    cut = [slice((n - k) // 2, (n - k) // 2 + k) for n, k in zip(image.shape[-2:], sides, strict=True)]
    middle = image[:, cut[0], cut[1]]
    return np.moveaxis(middle, 0, -1).clip(0, 1) if len(middle) == 3 else middle[0]


def stretched(y: Any, scale: str = "target") -> Any:
    """An input for looking at: 8-bit images as they are, others by their own percentiles."""
    return y / 255.0 if scale == "fixed" else unit_range(y)
