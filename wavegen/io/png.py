"""PNG files for :mod:`wavegen.io.images`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

HOLDS = "PNG takes uint8, or uint16 of one channel; use .tif or convert first"
SIGNATURE = b"\x89PNG\r\n\x1a\n"
GREY = 0  # colour type of the header


def holds(pixels: NDArray[Any]) -> bool:
    """Whether dtype and channels can be written."""
    return bool(pixels.dtype == np.uint8 or (pixels.dtype == np.uint16 and pixels.shape[0] == 1))


def shape(path: Path) -> tuple[tuple[int, ...], str, Any]:
    """Shape (H, W) or (H, W, C), axes and dtype, from the header."""
    from PIL import Image

    _check_header(path)
    with Image.open(path, formats=["PNG"]) as file:
        mode = _mode(file)
        bands = len(Image.new(mode, (1, 1)).getbands())
        size = (file.height, file.width)
        dtype = np.uint16 if mode.startswith("I") else np.uint8
        return (size, "YX", dtype) if bands == 1 else ((*size, bands), "YXS", dtype)


def read(path: Path) -> tuple[NDArray[Any], dict[str, Any]]:
    """Stored values (palettes and single bits expanded), and metadata with ``raw_axes``."""
    from PIL import Image

    _check_header(path)
    with Image.open(path, formats=["PNG"]) as file:
        mode = _mode(file)
        pixels = np.array(file if mode == file.mode else file.convert(mode))
        metadata: dict[str, Any] = {"raw_axes": "YX" if pixels.ndim == 2 else "YXS"}
        if file.info.get("Description"):
            metadata["description"] = str(file.info["Description"])
    return pixels.astype(np.uint16) if mode.startswith("I") else pixels, metadata


def write(file: BinaryIO, pixels: NDArray[Any], metadata: Mapping[str, Any]) -> None:
    """Write (C, H, W); 2 channels are grey and alpha, 3 and 4 RGB(A)."""
    from PIL import Image, PngImagePlugin

    text = PngImagePlugin.PngInfo()
    if metadata.get("description"):
        text.add_itxt("Description", str(metadata["description"]))
    values = pixels[0] if pixels.shape[0] == 1 else np.moveaxis(pixels, 0, -1)
    Image.fromarray(np.ascontiguousarray(values)).save(file, format="PNG", pnginfo=text)


def _mode(file: Any) -> str:
    """The Pillow mode in which a file is read."""
    return {"1": "L", "P": "RGBA" if "transparency" in file.info else "RGB"}.get(file.mode, str(file.mode))


def _check_header(path: Path) -> None:
    """Refuse files that Pillow would misread or silently reduce to 8 bits."""
    with path.open("rb") as file:
        header = file.read(26)
    if header[:8] != SIGNATURE:
        raise ValueError("no PNG signature")
    depth, colour = header[24], header[25]
    if depth == 16 and colour != GREY:
        raise ValueError("16-bit colour PNG; save it as TIFF")
