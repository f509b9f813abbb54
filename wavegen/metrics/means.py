"""Means over images, without those whose score is not finite: these are named and counted instead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from wavegen.core.errors import some
from wavegen.metrics.catalogue import catalogue

REASONS = {
    "undefined": "not defined, as where a target is constant",
    "infinite": "infinite, as where an image equals its target",
}


def means(scores: Mapping[str, Sequence[Tensor]]) -> dict[str, float | None]:
    """The mean of each score over all batches, of the images whose score is finite; None where there is none."""
    found: dict[str, float | None] = {}
    for key, values in scores.items():
        every = _joined(values)
        known = every[every.isfinite()]
        found[key] = float(known.mean()) if len(known) else None
    return found


def without_mean(scores: Mapping[str, Sequence[Tensor]]) -> dict[str, dict[str, list[int]]]:
    """The places of images that :func:`means` leaves out, by key and reason.

    ``undefined`` is NaN, as of a constant target; ``infinite`` is the PSNR of an image that equals its target, say.
    """
    found: dict[str, dict[str, list[int]]] = {}
    for key, values in scores.items():
        every = _joined(values)
        reasons = {"undefined": every.isnan(), "infinite": every.isinf()}
        places = {reason: which.nonzero().flatten().tolist() for reason, which in reasons.items() if bool(which.any())}
        found |= {key: places} if places else {}
    return found


def _joined(values: Sequence[Tensor]) -> Tensor:
    return torch.cat([torch.zeros(0, dtype=torch.float64), *(batch.double() for batch in values)])


def left_out_lines(scores: Mapping[str, Any]) -> list[str]:
    """What a row of scores says under ``left_out``, a line for each reason and set of images.

    Args:
        scores: with ``images``, their number, and perhaps ``left_out``: names of images by reason, by key.
    """
    titles = {key: metric.title for key, metric in catalogue().items()}
    groups: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for key, reasons in scores.get("left_out", {}).items():
        for reason, images in reasons.items():
            groups.setdefault((reason, tuple(images)), []).append(titles.get(key, key))
    return [
        f"{', '.join(metrics)}: without {len(images)} of {scores['images']} images ({some(images)}), "
        f"whose score is {REASONS.get(reason, reason)}"
        for (reason, images), metrics in groups.items()
    ]
