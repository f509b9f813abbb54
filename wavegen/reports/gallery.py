"""An evaluation as files: JSON, a table of every image, and one self-contained page with pictures."""

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

from wavegen.core.files import write_text
from wavegen.core.types import Pair
from wavegen.metrics.catalogue import catalogue
from wavegen.metrics.scales import Scale, scaled

SHOWN, SIDE = 12, 256  # pictures, and their largest side in pixels
STYLE = """:root{color-scheme:light dark;--ink:#222;--paper:#fff;--soft:#555;--line:#ddd;--box:#f5f5f5}
@media(prefers-color-scheme:dark){:root{--ink:#ddd;--paper:#161616;--soft:#aaa;--line:#3a3a3a;--box:#242424}}
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:72rem;padding:0 1rem;color:var(--ink);
background:var(--paper)}
.scroll{overflow-x:auto}table{border-collapse:collapse;font-size:14px;font-variant-numeric:tabular-nums}
td,th{padding:.2rem .6rem;text-align:right;border-bottom:1px solid var(--line)}
th:first-child,td:first-child{text-align:left;min-width:11rem}figure{display:inline-block;margin:0 .5rem .5rem 0}
img{width:256px;image-rendering:pixelated;background:#000}figcaption{font-size:13px;color:var(--soft)}
.wide{display:block;margin:1rem 0}.wide img{width:auto;max-width:100%;image-rendering:auto}
.wide svg{width:100%;height:auto}pre{background:var(--box);padding:.6rem;overflow:auto}"""


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
    """An input between its own percentiles, for display."""
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


def html_page(title: str, body: str) -> str:
    """A self-contained page, light or dark as the reader's screen is."""
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(title)}</title><style>{STYLE}</style>\n{body}</html>\n"
    )


def picture(name: str, png: bytes, kind: str = "") -> str:
    """A PNG inside a page, with its name below; of the ``kind`` "wide" up to the page's width."""
    held, shown = base64.b64encode(png).decode(), html.escape(name)
    opened = f'<figure class="{kind}">' if kind else "<figure>"
    return f'{opened}<img alt="{shown}" src="data:image/png;base64,{held}"><figcaption>{shown}</figcaption></figure>'


def _page(report: Mapping[str, Any], gallery: Gallery) -> str:
    tables = {k: v for k, v in report.items() if isinstance(v, Mapping) and "ms_per_image" in v}
    facts = {k: v for k, v in report.items() if k not in tables}
    columns = [key for key in next(iter(tables.values())) if any(t.get(key) is not None for t in tables.values())]
    head = "".join(f"<th>{html.escape(c)}</th>" for c in ["method", *map(_title, columns)])
    body = "".join(
        f"<tr><td>{html.escape(name)}</td>" + "".join(f"<td>{_figure(row.get(c), c)}</td>" for c in columns) + "</tr>"
        for name, row in tables.items()
    )
    strips = []
    for row, pictures in zip(gallery.rows, gallery.pictures, strict=False):
        figures = "".join(picture(name, data) for name, data in pictures.items())
        scores = ", ".join(f"{_title(key)} {_figure(value, key)}" for key, value in row.items() if key != "image")
        strips.append(f"<h3>image {row['image']}</h3><p>{scores}</p>{figures}")
    return html_page(
        "wavegen evaluation",
        f'<h1>Evaluation</h1><div class="scroll"><table><tr>{head}</tr>{body}</table></div>'
        f"<p>Scores are for one draw, on the intensity scale <b>{html.escape(gallery.scale)}</b>. Inputs are stretched "
        "in contrast for display; restored images and truth share one scale; the spread is scaled to its own maximum. "
        f"Pictures show the first {SIDE} × {SIDE} pixels.</p>"
        f"<pre>{html.escape(json.dumps(facts, indent=1))}</pre>{''.join(strips)}",
    )


def _title(key: str) -> str:
    """A metric's column title; other keys as they are."""
    known = catalogue()
    return known[key].heading() if key in known else key


def _figure(value: Any, key: str) -> str:
    """A score in its metric's format, other figures with four digits."""
    if not isinstance(value, float):
        return "–" if value is None else html.escape(str(value))
    metric = catalogue().get(key)
    return f"{value:.4g}" if metric is None else format(value * metric.factor, metric.form)
