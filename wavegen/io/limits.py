"""Opening image files within the limits of :mod:`wavegen.core.limits`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from wavegen.core.limits import check_declared

__all__ = ["check_declared", "opened_picture"]


@contextmanager
def opened_picture(path: Path, kind: Literal["PNG", "JPEG"]) -> Iterator[Any]:
    """A PNG or JPEG file opened by Pillow, after its declared size was compared with the limit.

    ``PIL.Image.open`` warns above 89 million pixels and refuses 179 million, which slide scanners exceed; the classes
    of the formats do not.

    Raises:
        InputError: no pixels, or more than the limit allows.
        Exception: whatever Pillow raises for a damaged file.
    """
    from PIL.JpegImagePlugin import JpegImageFile
    from PIL.PngImagePlugin import PngImageFile

    with (PngImageFile if kind == "PNG" else JpegImageFile)(path) as file:
        # Integers of more than 8 bits take 4 bytes each while Pillow decodes them.
        check_declared(path, (file.height, file.width, len(file.getbands())), "u4" if file.mode == "I" else "u1")
        yield file
