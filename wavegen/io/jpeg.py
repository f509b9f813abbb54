"""JPEG files for :mod:`wavegen.io.images`: 8-bit grey or RGB, always lossy."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from wavegen.core.errors import InputError
from wavegen.io.limits import opened_picture
from wavegen.io.pictures import Picture, picture, saved_with

HOLDS = "JPEG takes uint8 of 1 or 3 channels, with a loss; use .tif or .png"
QUALITY = 95
BANDS = {"L": 1, "RGB": 3}
MAX_DOTS = 65535  # per inch, that the header holds


class Loss(NamedTuple):
    """Differences caused by JPEG, in grey levels: root mean square and maximum."""

    rms: float
    largest: int


def holds(pixels: NDArray[Any]) -> bool:
    """Whether dtype and channels can be written."""
    return bool(pixels.dtype == np.uint8 and pixels.shape[0] in (1, 3))


def header(path: Path, series: int = 1) -> Picture:
    """Shape, axes, dtype and metadata, without decoding the pixels."""

    with opened_picture(path, "JPEG") as file:
        if file.mode not in BANDS:
            raise InputError(f"JPEG of mode {file.mode}; save it as grey or RGB")
        text = file.info.get("comment", b"").decode("utf-8", "replace")
        return picture("jpeg", file, BANDS[file.mode], np.uint8, text, series)


def pixels(path: Path, series: int = 1) -> NDArray[Any]:
    """Decoded values (H, W) or (H, W, 3)."""

    with opened_picture(path, "JPEG") as file:
        return np.array(file)


def write(file: BinaryIO, pixels: NDArray[Any], metadata: Mapping[str, Any]) -> None:
    """Write (C, H, W) at quality 95 without chroma subsampling."""
    from PIL import Image

    values = pixels[0] if pixels.shape[0] == 1 else np.moveaxis(pixels, 0, -1)
    comment = str(metadata.get("description") or "").encode()
    options = saved_with(metadata)
    if max(options.get("dpi", (0,))) > MAX_DOTS:
        del options["dpi"]
    image = Image.fromarray(np.ascontiguousarray(values))
    image.save(file, format="JPEG", quality=QUALITY, subsampling=0, comment=comment, **options)


def loss(path: Path, source: NDArray[Any]) -> Loss:
    """The difference between a written file and its source pixels (C, H, W)."""
    decoded = pixels(path)
    stored = np.moveaxis(decoded, -1, 0) if decoded.ndim == 3 else decoded[None]
    difference = stored.astype(np.float64) - source
    return Loss(float(np.sqrt(np.mean(difference**2))), int(np.abs(difference).max()))
