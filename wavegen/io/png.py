"""PNG files: 8-bit grey, RGB, palettes (expanded) and alpha, 16-bit grey."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from wavegen.io.limits import opened_picture
from wavegen.io.pictures import Picture, picture, saved_with

HOLDS = "PNG takes uint8, or uint16 of one channel; use .tif or convert first"
SIGNATURE = b"\x89PNG\r\n\x1a\n"
GREY = 0  # colour type of the header
WITH_ALPHA = {"L": "LA", "RGB": "RGBA"}


def holds(pixels: NDArray[Any]) -> bool:
    """Whether dtype and channels can be written."""
    return bool(pixels.dtype == np.uint8 or (pixels.dtype == np.uint16 and pixels.shape[0] == 1))


def header(path: Path, series: int = 1) -> Picture:
    """Shape, axes, dtype and metadata, without decoding the pixels."""
    from PIL import Image

    _check_header(path)
    with opened_picture(path, "PNG") as file:
        mode = _mode(file)
        bands = len(Image.new(mode, (1, 1)).getbands())
        dtype = np.uint16 if mode.startswith("I") else np.uint8
        return picture("png", file, bands, dtype, str(file.info.get("Description", "")), series)


def pixels(path: Path, series: int = 1) -> NDArray[Any]:
    """Decoded values (H, W) or (H, W, C); palettes, single bits and transparent colours are expanded."""

    with opened_picture(path, "PNG") as file:
        mode = _mode(file)
        file.seek(series - 1)
        values = np.array(file if mode == file.mode else file.convert(mode))
    return values.astype(np.uint16) if mode.startswith("I") else values


def write(file: BinaryIO, pixels: NDArray[Any], metadata: Mapping[str, Any]) -> None:
    """Write (C, H, W); 2 channels are grey and alpha, 3 and 4 RGB(A)."""
    from PIL import Image, PngImagePlugin

    text = PngImagePlugin.PngInfo()
    if metadata.get("description"):
        text.add_itxt("Description", str(metadata["description"]))
    values = pixels[0] if pixels.shape[0] == 1 else np.moveaxis(pixels, 0, -1)
    image = Image.fromarray(np.ascontiguousarray(values))
    image.save(file, format="PNG", pnginfo=text, **saved_with(metadata))


def _mode(file: Any) -> str:
    """The Pillow mode in which a file is read."""
    keyed = "transparency" in file.info
    if file.mode == "P":
        return "RGBA" if keyed else "RGB"
    mode = "L" if file.mode == "1" else str(file.mode)
    return WITH_ALPHA.get(mode, mode) if keyed else mode


def _check_header(path: Path) -> None:
    """Refuse files that Pillow would misread or silently reduce to 8 bits."""
    with path.open("rb") as file:
        start = file.read(26)
    if start[:8] != SIGNATURE:
        raise ValueError("no PNG signature")
    depth, colour = start[24], start[25]
    if depth == 16 and colour != GREY:
        raise ValueError("16-bit colour PNG; save it as TIFF")
