"""What a validation shows: its learning curve, and the worst, the median and the best image."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from wavegen.core.intensity import unit_range
from wavegen.core.types import Pair
from wavegen.metrics.scales import Scale, scaled
from wavegen.reports.learning_curve import draw_learning_curve
from wavegen.reports.pictures import picture_grid
from wavegen.training.history import History

DIFFERENCE = 4  # how much brighter differences are shown


def draw_curve(path: Path, history: History) -> Path:
    """The score of each average against core-minutes, with the baselines as lines.

    Raises:
        InputError: matplotlib is not installed, or the file cannot be written.
    """
    curves: dict[str, list[tuple[float, float]]] = {}
    for look in history.looks:
        curves.setdefault(f"average {look.average}", []).append((look.core_minutes, look.score))
    count = len(history.images)
    unit = f"PSNR, dB, mean of {count} validation image{'s' if count > 1 else ''}"
    return draw_learning_curve(path, curves, {row.label: row.score for row in history.baselines}, unit)


def draw_images(
    path: Path,
    names: Sequence[str],
    pairs: Sequence[Pair],
    restored: Sequence[Tensor],
    psnr: Sequence[float],
    scale: Scale,
) -> Path:
    """Input, restored, truth and difference of the images with the least, the middle and the largest PSNR.

    Args:
        path: the file, a PNG.
        names: of the images.
        pairs: targets and inputs (C, H, W); the first channel is shown.
        restored: each (1, C, H, W).
        psnr: in dB.
        scale: on which restored image and truth are compared; the input is stretched by its own percentiles.

    Raises:
        InputError: matplotlib is not installed, or the file cannot be written.
    """
    order = sorted(range(len(psnr)), key=lambda i: psnr[i])
    # Of one or two images some are the same: each is shown once.
    chosen = {i: title for title, i in (("median", order[len(order) // 2]), ("best", order[-1]), ("worst", order[0]))}
    rows, places = [], sorted(chosen, key=order.index)
    for i in places:
        image, truth = (part[0, 0].numpy() for part in scaled(scale, restored[i], pairs[i].x[None]))
        rows.append([_unit(pairs[i].y[0]), image, truth, np.abs(image - truth) * DIFFERENCE])
    labels = [f"{chosen[i]}: {names[i]}\n{psnr[i]:.2f} dB" for i in places]
    return picture_grid(path, rows, ["input", "restored", "truth", f"|difference| × {DIFFERENCE}"], labels)


def _unit(image: Tensor) -> NDArray[Any]:
    return unit_range(image.numpy())
