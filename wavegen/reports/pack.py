"""A run's results in one small file: what tables need, to be committed."""

from __future__ import annotations

import io
import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

from wavegen.core.config import Spec
from wavegen.core.files import atomic, write_text
from wavegen.core.registry import names
from wavegen.data import is_simulator
from wavegen.reports.columns import columns
from wavegen.reports.portable import portable
from wavegen.reports.study import FORMAT, NAMES, Study

Result = dict[str, Any]
KEPT = {
    *NAMES,
    "eta",
    "key",
    "solver",
    "model",
    "rmse",
    "crps",
    "ms_per_image",
    "left_out",
}  # and all columns of tables
DIGITS = 6  # of a figure: more than any table shows
WIDTH = 1000  # pixels of a strip


def pack(study: Study, file: Path) -> None:
    """Write ``file``: all records, what tables need, and notes; and a smaller copy of the strip beside it.

    A strip of real images is left out: they have licences of their own, and packed files are there to be published.

    Figures have six digits; absolute paths are shortened to their last parts; one row a line. The same study gives
    the same bytes.

    Raises:
        InputError: the file cannot be written.
    """
    parts = [f'"format": {FORMAT.number}', f'"about": {_dumps([_about(record) for record in study.about])}']
    kept = KEPT | {column.key for column in columns()}
    parts.append('"rows": [\n' + ",\n".join(_dumps(_row(row, kept)) for row in study.rows) + "\n]")
    parts.append('"times": [\n' + ",\n".join(_dumps(_row(row, kept)) for row in study.times) + "\n]")
    if study.notes:
        parts.append('"notes": {\n' + ",\n".join(f"{_dumps(k)}: {_dumps(v)}" for k, v in study.notes.items()) + "\n}")
    write_text(file, "{\n" + ",\n".join(parts) + "\n}\n")
    publishable = all(_simulated(record["plan"]["data"]) for record in study.about)
    for strip in study.strips[:1] if publishable else ():
        with atomic(file.with_suffix(".png")) as out:
            out.write(_small(strip))


def _simulated(spec: Spec) -> bool:
    """Data that the library does not know, such as a plug-in's, count as real."""
    return spec["name"] in names("dataset") and is_simulator(spec)


def _about(record: Result) -> Result:
    """All but the list of rows, which the rows themselves tell."""
    plan = {key: value for key, value in record["plan"].items() if key != "rows"}
    about: Result = portable(record | {"plan": plan})
    return about


def _row(row: Result, keys: Collection[str]) -> Result:
    kept = {k: v for k, v in row.items() if v is not None and (k in keys or "." in k)}
    return {k: float(f"{v:.{DIGITS}g}") if isinstance(v, float) else v for k, v in kept.items()}


def _dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _small(strip: Path) -> bytes:
    """A PNG of at most ``WIDTH`` pixels a side and 256 colours."""
    from PIL import Image

    with Image.open(strip) as opened:
        image = opened.convert("RGB")
    image.thumbnail((WIDTH, WIDTH))
    file = io.BytesIO()
    image.quantize(256).save(file, format="PNG", optimize=True)
    return file.getvalue()
