"""What PNG and JPEG files share: metadata that Pillow reads and writes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from wavegen.core.errors import InputError
from wavegen.io.records import split_records
from wavegen.io.samples import UNASSOCIATED, Samples

ORIENTATION = 0x0112  # of Exif
NM_PER_INCH = 2.54e7


class Picture(NamedTuple):
    """The header of a picture: shape (H, W) or (H, W, C), its axes, dtype, and metadata of a stack."""

    shape: tuple[int, ...]
    axes: str
    dtype: np.dtype[Any]
    other: dict[str, Any]


def picture(name: str, file: Any, bands: int, dtype: Any, text: str, series: int) -> Picture:
    """The header of an opened Pillow image.

    Args:
        name: ``png`` or ``jpeg``.
        file: the image.
        bands: channels after palettes and keys are expanded: 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha.
        dtype: of the pixels.
        text: the description, with records.
        series: which frame, from 1.

    Raises:
        InputError: no such frame.
    """
    frames = int(getattr(file, "n_frames", 1))
    if not 1 <= series <= frames:
        raise InputError(f"it holds {frames} image(s), there is no image {series}; give --series 1 to {frames}")
    other: dict[str, Any] = {"format": name, "rgb": bands > 1, "alpha": bands in (2, 4)}
    if bands > 1:
        other["samples"] = Samples(colour=bands > 2, extra=(UNASSOCIATED,) if bands in (2, 4) else ())
    text, records = split_records(text)
    other |= ({"description": text} if text else {}) | ({"records": records} if records else {})
    orientation = _orientation(file)
    if orientation in range(2, 9):
        other["orientation"] = int(orientation)
    if file.info.get("icc_profile"):
        other["icc"] = bytes(file.info["icc_profile"])
    dpi = file.info.get("dpi")
    if dpi and min(dpi) > 0 and not (name == "jpeg" and tuple(dpi) == (1, 1)):
        other["resolution"] = (float(dpi[0]), float(dpi[1]), "inch")
    if frames > 1:
        other["series"] = series
        other["remarks"] = (f"image {series} of {frames} in the file; --series chooses another",)
    size = (int(file.height), int(file.width))
    return Picture((*size, bands) if bands > 1 else size, "YXC" if bands > 1 else "YX", np.dtype(dtype), other)


def _orientation(file: Any) -> int:
    """How the image is turned; ``getexif`` would decode a whole PNG to look behind its pixels."""
    from PIL import Image

    exif = Image.Exif()
    exif.load(file.info.get("exif", b""))
    return int(exif.get(ORIENTATION, 1))


def saved_with(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Options of Pillow's ``save``: resolution, profile and orientation."""
    from PIL import Image

    options: dict[str, Any] = {}
    if dots(metadata):
        options["dpi"] = dots(metadata)
    if "icc" in metadata:
        options["icc_profile"] = metadata["icc"]
    if "orientation" in metadata:
        exif = Image.Exif()
        exif[ORIENTATION] = metadata["orientation"]
        options["exif"] = exif
    return options


def dots(metadata: Mapping[str, Any]) -> tuple[float, float] | None:
    """Pixels per inch along x and y, from a pixel size or a resolution."""
    if metadata.get("pixel_nm"):
        y, x = np.broadcast_to(np.asarray(metadata["pixel_nm"], float), 2)
        return float(NM_PER_INCH / x), float(NM_PER_INCH / y)
    x, y, unit = metadata.get("resolution", (0, 0, "none"))
    return (float(x), float(y)) if unit == "inch" else None
