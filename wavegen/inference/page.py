"""An evaluation as files: JSON, a table of every image, and one page with pictures that needs nothing else."""

from __future__ import annotations

import base64
import csv
import html
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from wavegen.checkpoint import write_text
from wavegen.inference.scales import Scale, scaled
from wavegen.types import Pair

SHOWN, SIDE = 12, 256  # pictures, and their largest side in pixels
STYLE = """body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:72rem;padding:0 1rem;color:#222}
table{border-collapse:collapse}td,th{padding:.2rem .8rem;text-align:right;border-bottom:1px solid #ddd}
th:first-child,td:first-child{text-align:left}figure{display:inline-block;margin:0 .5rem .5rem 0}
img{width:256px;image-rendering:pixelated;background:#000}figcaption{font-size:13px;color:#555}
pre{background:#f5f5f5;padding:.6rem;overflow:auto}"""


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
    writer.writerows(rows)
    return text.getvalue()


def _stretched(image: Tensor) -> Tensor:
    """An input by its own percentiles, for looking at."""
    low, high = np.percentile(image.numpy(), [0.1, 99.9])
    return (image - float(low)) / max(float(high - low), 1e-12)


def _png(image: Tensor) -> bytes:
    """(C, H, W) with 0 black and 1 white as PNG; the first channel where there are not three."""
    from PIL import Image

    eight = (image[..., :SIDE, :SIDE].clamp(0, 1) * 255).round().byte().numpy()
    made = Image.fromarray(np.moveaxis(eight, 0, -1) if len(eight) == 3 else eight[0])
    buffer = io.BytesIO()
    made.save(buffer, format="PNG")
    return buffer.getvalue()


def _page(report: Mapping[str, Any], gallery: Gallery) -> str:
    tables = {k: v for k, v in report.items() if isinstance(v, Mapping) and "psnr" in v}
    facts = {k: v for k, v in report.items() if k not in tables}
    columns = [key for key in next(iter(tables.values())) if any(t.get(key) is not None for t in tables.values())]
    head = "".join(f"<th>{html.escape(c)}</th>" for c in ["method", *columns])
    body = "".join(
        f"<tr><td>{html.escape(name)}</td>" + "".join(f"<td>{_figure(row.get(c))}</td>" for c in columns) + "</tr>"
        for name, row in tables.items()
    )
    strips = []
    for row, picture in zip(gallery.rows, gallery.pictures, strict=False):
        figures = "".join(
            f'<figure><img alt="{name}" src="data:image/png;base64,{base64.b64encode(data).decode()}">'
            f"<figcaption>{name}</figcaption></figure>"
            for name, data in picture.items()
        )
        scores = ", ".join(f"{key} {_figure(value)}" for key, value in row.items() if key != "image")
        strips.append(f"<h3>image {row['image']}</h3><p>{scores}</p>{figures}")
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>wavegen evaluation</title><style>{STYLE}</style>'
        f"<h1>Evaluation</h1><table><tr>{head}</tr>{body}</table>"
        f"<p>Scores are of one draw, on the scale <b>{html.escape(gallery.scale)}</b>; inputs are stretched for "
        "looking at, restored images and truth share one scale, the spread is shown up to its own largest value. "
        f"Pictures show the first {SIDE} × {SIDE} pixels.</p>"
        f"<pre>{html.escape(json.dumps(facts, indent=1))}</pre>{''.join(strips)}</html>\n"
    )


def _figure(value: Any) -> str:
    return "–" if value is None else f"{value:.4g}" if isinstance(value, float) else html.escape(str(value))
