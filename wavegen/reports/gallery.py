"""An evaluation as files: JSON, a table of every image, and one self-contained page with pictures."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from wavegen.core.files import write_text
from wavegen.core.intensity import unit_range
from wavegen.core.types import Pair
from wavegen.metrics.catalogue import catalogue
from wavegen.metrics.means import left_out_lines
from wavegen.metrics.scales import Scale, scaled
from wavegen.reports.blocks import Block, Code, Heading, Picture, Table, Text, kept, to_html

SHOWN, SIDE = 12, 256  # pictures, and their largest side in pixels


class Gallery:
    """What :func:`~wavegen.inference.evaluate.evaluate` tells of every image: all scores, and the first pictures."""

    def __init__(self, scale: Scale) -> None:
        self.scale: Scale = scale
        self.rows: list[dict[str, Any]] = []
        self.pictures: list[dict[str, bytes]] = []

    def __call__(self, index: int, pair: Pair, samples: Tensor, scores: Mapping[str, float]) -> None:
        """Keep one image."""
        self.rows.append({"image": index, **scores})
        if len(self.pictures) >= SHOWN:
            return
        restored, truth = scaled(self.scale, samples[:1], pair.x[None])
        shown = {"input": _stretched(pair.y), "restored": restored[0], "truth": truth[0]}
        if len(samples) > 1:
            deviation = samples.std(dim=0)
            shown["spread"] = deviation / deviation.max().clamp_min(1e-12)
        self.pictures.append({name: _png(image) for name, image in shown.items()})


def write_evaluation(folder: Path, report: Mapping[str, Any], gallery: Gallery) -> None:
    """Write ``evaluation.json``, ``evaluation.csv`` (a line for each image) and ``evaluation.html`` to ``folder``.

    ``report`` holds plain values; entries that are mappings of scores become the page's table.
    """
    write_text(folder / "evaluation.json", json.dumps(report, indent=1, allow_nan=False) + "\n")
    write_text(folder / "evaluation.csv", _csv(gallery.rows))
    write_text(folder / "evaluation.html", _page(report, gallery))


def _csv(rows: Sequence[Mapping[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: _cell(value) for key, value in row.items()} for row in rows)
    return text.getvalue()


def _cell(value: Any) -> Any:
    """A score that is not defined as an empty cell."""
    return "" if isinstance(value, float) and math.isnan(value) else value


def _stretched(image: Tensor) -> Tensor:
    """An input between its own percentiles, for display."""
    return torch.from_numpy(unit_range(image.numpy()))


def _png(image: Tensor) -> bytes:
    """(C, H, W) with 0 black and 1 white as PNG; the first channel where there are not three."""
    from PIL import Image

    eight = (image[..., :SIDE, :SIDE].clamp(0, 1) * 255).round().byte().numpy()
    image_file = Image.fromarray(np.moveaxis(eight, 0, -1) if len(eight) == 3 else eight[0])
    buffer = io.BytesIO()
    image_file.save(buffer, format="PNG")
    return buffer.getvalue()


def _page(report: Mapping[str, Any], gallery: Gallery) -> str:
    methods = {k: v for k, v in report.items() if isinstance(v, Mapping) and "ms_per_image" in v}
    facts = {k: v for k, v in report.items() if k not in methods}
    blocks: list[Block] = [
        Heading("Evaluation", 1),
        _table(methods),
        *(Text(f"{name}: {line}.") for name, row in methods.items() for line in left_out_lines(row)),
        Text(
            f"Scores are for one draw, on the intensity scale {gallery.scale}. Inputs are stretched in contrast for "
            "display; restored images and truth share one scale; the spread is scaled to its own maximum. Pictures "
            f"show the first {SIDE} × {SIDE} pixels."
        ),
        Code(json.dumps(facts, indent=1)),
    ]
    for row, pictures in zip(gallery.rows, gallery.pictures, strict=False):
        scores = ", ".join(f"{_title(key)} {_figure(value, key)}" for key, value in row.items() if key != "image")
        blocks += [Heading(f"image {row['image']}", 3), Text(scores)]
        blocks += [Picture(f"{name}.png", name, partial(kept, png), wide=False) for name, png in pictures.items()]
    return to_html("wavegen evaluation", blocks)


def _table(methods: Mapping[str, Mapping[str, Any]]) -> Table:
    """One row of scores for each method, without empty columns."""
    rows = methods.values()
    keys = [key for key in next(iter(rows)) if key != "left_out" and any(row.get(key) is not None for row in rows)]
    lines = [(name, *(_figure(row.get(key), key) for key in keys)) for name, row in methods.items()]
    return Table(("method", *map(_title, keys)), tuple(lines))


def _title(key: str) -> str:
    """A metric's column title; other keys as they are."""
    known = catalogue()
    return known[key].heading() if key in known else key


def _figure(value: Any, key: str) -> str:
    """A score in its metric's format, other figures with four digits."""
    if not isinstance(value, float):
        return "–" if value is None else str(value)
    if not math.isfinite(value):
        return "not defined" if math.isnan(value) else "infinite"
    metric = catalogue().get(key)
    return f"{value:.4g}" if metric is None else format(value * metric.factor, metric.form)
