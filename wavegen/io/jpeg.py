"""JPEG files for :mod:`wavegen.io.images`: 8-bit grey or RGB, always lossy."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

HOLDS = "JPEG takes uint8 of 1 or 3 channels, with a loss; use .tif or .png"
QUALITY = 95
MODES = {"L": "YX", "RGB": "YXS"}


class Loss(NamedTuple):
    """Differences caused by JPEG, in grey levels: root mean square and maximum."""

    rms: float
    largest: int


def holds(pixels: NDArray[Any]) -> bool:
    """Whether dtype and channels can be written."""
    return bool(pixels.dtype == np.uint8 and pixels.shape[0] in (1, 3))


def shape(path: Path) -> tuple[tuple[int, ...], str, Any]:
    """Shape (H, W) or (H, W, C), axes and dtype, from the header."""
    from PIL import Image

    with Image.open(path, formats=["JPEG"]) as file:
        axes = _axes(file.mode)
        size = (file.height, file.width)
        return (size, axes, np.uint8) if axes == "YX" else ((*size, 3), axes, np.uint8)


def read(path: Path) -> tuple[NDArray[Any], dict[str, Any]]:
    """Decoded values (orientation tags are ignored), and metadata with ``raw_axes``."""
    from PIL import Image

    with Image.open(path, formats=["JPEG"]) as file:
        metadata: dict[str, Any] = {"raw_axes": _axes(file.mode)}
        if file.info.get("comment"):
            metadata["description"] = file.info["comment"].decode("utf-8", "replace")
        return np.array(file), metadata


def write(file: BinaryIO, pixels: NDArray[Any], metadata: Mapping[str, Any]) -> None:
    """Write (C, H, W) at quality 95 without chroma subsampling."""
    from PIL import Image

    values = pixels[0] if pixels.shape[0] == 1 else np.moveaxis(pixels, 0, -1)
    comment = str(metadata.get("description") or "").encode()
    image = Image.fromarray(np.ascontiguousarray(values))
    image.save(file, format="JPEG", quality=QUALITY, subsampling=0, comment=comment)


def loss(path: Path, pixels: NDArray[Any]) -> Loss:
    """The difference between a written file and its source pixels (C, H, W)."""
    decoded, _ = read(path)
    stored = np.moveaxis(decoded, -1, 0) if decoded.ndim == 3 else decoded[None]
    difference = stored.astype(np.float64) - pixels
    return Loss(float(np.sqrt(np.mean(difference**2))), int(np.abs(difference).max()))


def _axes(mode: str) -> str:
    if mode not in MODES:
        raise ValueError(f"JPEG of mode {mode}; save it as grey or RGB")
    return MODES[mode]
