"""Strips and tiles of TIFF pages, before they are decoded: none may unpack to more than the page declares for it."""

from __future__ import annotations

import math
import struct
from pathlib import Path
from typing import Any

from wavegen.core.errors import InputError

# Compressions of TIFF, by their number. A stream is decoded into a buffer of the strip's size, and one that is longer
# is an error of imagecodecs; an image inside the TIFF declares a size of its own, which is compared before.
STREAMS = {1, 2, 3, 4, 5, 8, 32771, 32773, 32946, 34925, 34926, 50000, 50013}
JPEG = {6, 7, 33007, 34892}
JPEG_2000 = {33003, 33004, 33005, 34712}
PNG = {34933}
MOST = 100_000  # strips and tiles of a page that may be declared and not be there
HEADER = 2**16  # bytes of a strip or tile within which its size must stand
BLOCK = 16  # pixels by which JPEG may exceed the strip


def check_segments(path: Path, page: Any) -> None:
    """Check that no strip or tile of a page (of ``tifffile``) unpacks to more than the page declares for it.

    Raises:
        InputError: a compression that is not read, far fewer strips or tiles than declared, or an image in one of them
            that is larger than it.
    """
    key = page.keyframe
    if not isinstance(key.compression, int) or not isinstance(page.dataoffsets, tuple):
        raise InputError(f"cannot read {path}: the tags that say how it is stored are no numbers; export it again")
    declared, there = math.prod(key.chunked), len(page.dataoffsets)
    if declared > MOST and there < declared:
        raise InputError(f"cannot read {path}: a page declares {declared:,} strips or tiles and has {there:,}")
    compression = int(key.compression)
    if compression in STREAMS:
        return
    size = next((found for codes, found in SIZES if compression in codes), None)
    if size is None:
        name = getattr(key.compression, "name", compression)
        raise InputError(f"cannot read {path}: compression {name} is not read; save it uncompressed, or with LZW")
    rows, columns = (key.tilelength, key.tilewidth) if key.is_tiled else (key.rowsperstrip, key.imagewidth)
    file = page.parent.filehandle
    for offset, count in zip(page.dataoffsets, page.databytecounts, strict=True):
        if not count:
            continue
        file.seek(offset)
        height, width = size(file.read(min(count, HEADER)))
        if height >= min(rows, key.imagelength) + BLOCK or width >= columns + BLOCK:
            raise InputError(
                f"cannot read {path}: a strip or tile of {rows}x{columns} pixels holds an image of {height}x{width}; "
                "the file is damaged, export it again"
            )


def _jpeg(data: bytes) -> tuple[int, int]:
    """Height and width in the frame header of a JPEG stream."""
    place = 2
    while place + 9 <= len(data):
        marker, length = data[place + 1], struct.unpack_from(">H", data, place + 2)[0]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", data, place + 5)
            return height, width
        place += 2 + length
    raise ValueError("a JPEG strip without a frame header")


def _jpeg_2000(data: bytes) -> tuple[int, int]:
    """Height and width in the codestream of JPEG 2000: the reference grid without its offset."""
    start = data.index(b"\xff\x4f\xff\x51")  # start of codestream, size
    right, bottom, left, top = struct.unpack_from(">IIII", data, start + 8)
    return bottom - top, right - left


def _png(data: bytes) -> tuple[int, int]:
    width, height = struct.unpack_from(">II", data, 16)
    return height, width


SIZES = ((JPEG, _jpeg), (JPEG_2000, _jpeg_2000), (PNG, _png))
