"""One image written as a plain TIFF: one page, one page for each channel, or samples within pixels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from wavegen.io.samples import colour_samples
from wavegen.io.tiff import inverted
from wavegen.io.tiff_tags import per_centimetre, tags_of

HOLDS = "TIFF takes uint8, uint16 or float32"


def holds(pixels: NDArray[Any]) -> bool:
    """Whether the dtype can be written."""
    return pixels.dtype in (np.uint8, np.uint16, np.float32)


def write(file: BinaryIO, pixels: NDArray[Any], metadata: Mapping[str, Any]) -> None:
    """Write (C, H, W): one page, pages, or samples where ``samples`` or the axes ``YXC`` say so."""
    import tifffile

    samples = metadata.get("samples")
    if samples is None and metadata.get("axes") == "YXC" and pixels.shape[0] in (3, 4):
        samples = colour_samples(pixels.shape[0])
    options = {**tags_of({**metadata, "samples": samples}), "metadata": None}
    if pixels.shape[0] == 1:
        pixels = pixels[0]
    elif samples and not samples.planar:
        pixels = np.moveaxis(pixels, 0, -1)
    if metadata.get("white_is_zero"):
        pixels = inverted(pixels)
    if metadata.get("pixel_nm"):
        y, x = np.broadcast_to(np.asarray(metadata["pixel_nm"], float), 2)
        options |= per_centimetre(float(y) / 1000, float(x) / 1000)
    if metadata.get("description"):
        options["description"] = str(metadata["description"]).encode()
    tifffile.imwrite(file, np.ascontiguousarray(pixels), **options)
