"""TIFF files for :mod:`wavegen.io.images`."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from wavegen.core.errors import InputError

# Its warnings about damaged files appear only if logging is configured.
logging.getLogger("tifffile").addHandler(logging.NullHandler())

HOLDS = "TIFF takes uint8, uint16 or float32"
NM_PER_CM = 1e7
NM_PER_UNIT = {"nm": 1.0, "micron": 1e3, "um": 1e3, "µm": 1e3, "\\u00B5m": 1e3, "mm": 1e6}


def holds(pixels: NDArray[Any]) -> bool:
    """Whether the dtype can be written."""
    return pixels.dtype in (np.uint8, np.uint16, np.float32)


def shape(path: Path) -> tuple[tuple[int, ...], str, Any]:
    """Shape, axes and dtype of the first series, from the header."""
    with opened(path) as file:
        series = file.series[0]
        return tuple(series.shape), series.axes, series.dtype


def read(path: Path) -> tuple[NDArray[Any], dict[str, Any]]:
    """Stored values, and metadata with ``raw_axes``."""
    with opened(path) as file:
        series, page = file.series[0], file.pages[0]
        metadata: dict[str, Any] = {"raw_axes": series.axes}
        size = pixel_nm(file)
        if size is not None:
            metadata["pixel_nm"] = size
        # Structured descriptions hold shapes and types, which a result may not share.
        if page.description and not (file.is_ome or file.is_imagej or file.is_shaped):
            metadata["description"] = page.description
        return values(path, file), metadata


def values(path: Path, file: Any) -> NDArray[Any]:
    """The first series of an opened file, in memory.

    Raises:
        InputError: a compression that needs the package imagecodecs.
    """
    try:
        pixels: NDArray[Any] = file.series[0].asarray()
    except ValueError as error:
        if "imagecodecs" not in str(error):
            raise
        name = file.pages[0].compression.name
        raise InputError(
            f"cannot read {path}: {name} compression needs a package; run: pip install imagecodecs"
        ) from error
    return pixels


def write(file: BinaryIO, pixels: NDArray[Any], metadata: Mapping[str, Any]) -> None:
    """Write (C, H, W): one page, pages, or RGB where ``axes`` is ``YXC``."""
    import tifffile

    options: dict[str, Any] = {"photometric": "minisblack", "metadata": None}
    if metadata.get("axes") == "YXC" and pixels.shape[0] in (3, 4):
        pixels = np.moveaxis(pixels, 0, -1)
        options["photometric"] = "rgb"
        if pixels.shape[-1] == 4:
            options["extrasamples"] = ["unassalpha"]
    elif pixels.shape[0] == 1:
        pixels = pixels[0]
    if metadata.get("pixel_nm"):
        per_cm = NM_PER_CM / float(metadata["pixel_nm"])
        options |= {"resolution": (per_cm, per_cm), "resolutionunit": "CENTIMETER"}
    if metadata.get("description"):
        options["description"] = str(metadata["description"]).encode()
    tifffile.imwrite(file, np.ascontiguousarray(pixels), **options)


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """Open a file and check that it is complete.

    tifffile silently drops the missing pages of a truncated file, which would look like fewer channels.
    """
    import tifffile

    with tifffile.TiffFile(path) as file:
        file.filehandle.seek(file.pages.next_page_offset)
        following = file.filehandle.read(file.tiff.offsetsize)
        if any(following):
            raise ValueError("the file ends before its last page")
        yield file


def pixel_nm(file: Any) -> float | None:
    """Pixel size if the file has one in a physical unit (print resolutions in inches do not count)."""
    tags = file.pages[0].tags
    if "XResolution" not in tags:
        return None
    pixels, units = tags["XResolution"].value
    if pixels <= 0 or units <= 0:
        return None
    if file.is_imagej:
        scale = NM_PER_UNIT.get((file.imagej_metadata or {}).get("unit", ""))
    else:
        scale = NM_PER_CM if getattr(tags.get("ResolutionUnit"), "value", None) == 3 else None
    return None if scale is None else float(scale * units / pixels)
