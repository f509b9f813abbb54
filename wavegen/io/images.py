"""Reading and writing image files as arrays (C, H, W): TIFF, PNG and JPEG."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from wavegen.core.errors import InputError
from wavegen.core.files import atomic
from wavegen.io import jpeg, png, tiff
from wavegen.io.guard import guarded
from wavegen.io.stack import native

TIFF = (".tif", ".tiff")
PNG = (".png",)
JPEG = (".jpg", ".jpeg")
EXTENSIONS = TIFF + PNG + JPEG
FORMATS: dict[str, Any] = {**dict.fromkeys(TIFF, tiff), **dict.fromkeys(PNG, png), **dict.fromkeys(JPEG, jpeg)}


class Image(NamedTuple):
    """Pixels (C, H, W) of dtype uint8, uint16 or float32, and the metadata of the file.

    ``metadata`` may hold ``axes`` (``YX``, ``CYX``, or ``YXC`` if the file had channels last),
    ``pixel_nm`` (TIFF only) and ``description``.
    """

    pixels: NDArray[Any]
    metadata: dict[str, Any]


class Header(NamedTuple):
    """Shape (C, H, W) and dtype, as returned by :func:`read_image`."""

    shape: tuple[int, int, int]
    dtype: np.dtype[Any]


def read_image(path: str | Path) -> Image:
    """Read a TIFF, PNG or JPEG file.

    uint8, uint16 and float32 keep their dtype; float64 is rounded to float32; other real types
    become float32 if that is exact. The pages of a TIFF are its leading axis. RGB(A) is returned
    with channels first. Values are not rescaled.

    Raises:
        InputError: the file is missing, empty, damaged or of another format, its shape is not
            (H, W), (C, H, W) with C <= 4 or (H, W, 3 or 4), or its values do not fit float32.
    """
    path = checked(path)
    raw, metadata = guarded(path, FORMATS[path.suffix.lower()].read)
    last = channels_last(path, raw.shape, str(metadata.pop("raw_axes")))
    pixels = np.moveaxis(raw, -1, 0) if last else raw.reshape(-1, *raw.shape[-2:])
    metadata["axes"] = "YXC" if last else "YX" if raw.ndim == 2 else "CYX"
    return Image(guarded(path, lambda _: native(np.ascontiguousarray(pixels))), metadata)


def image_shape(path: str | Path) -> tuple[int, int, int]:
    """(C, H, W) as :func:`read_image` would return it, from the header only.

    Raises:
        InputError: as :func:`read_image`, as far as the header shows.
    """
    return image_header(path).shape


def image_header(path: str | Path) -> Header:
    """Shape and dtype as :func:`read_image` would return them, from the header only.

    Raises:
        InputError: as :func:`read_image`, as far as the header shows.
    """
    path = checked(path)
    shape, axes, stored = guarded(path, FORMATS[path.suffix.lower()].shape)
    dtype = np.dtype(stored).newbyteorder("=")
    dtype = dtype if dtype in (np.uint8, np.uint16) else np.dtype(np.float32)
    if channels_last(path, shape, axes):
        return Header((shape[2], shape[0], shape[1]), dtype)
    return Header((1, *shape) if len(shape) == 2 else shape, dtype)


def write_image(path: str | Path, array: NDArray[Any], metadata: Mapping[str, Any] | None = None) -> None:
    """Write (H, W) or (C, H, W) with C <= 4, atomically; an existing file is replaced.

    TIFF takes uint8, uint16 and float32 (float64 is rounded to float32); PNG takes uint8, and uint16 of one
    channel; JPEG takes uint8 of 1 or 3 channels and is lossy (quality 95; see
    :func:`wavegen.io.jpeg_loss`). ``metadata`` is as returned by :func:`read_image`: ``axes`` ``YXC`` writes 3 or 4
    channels of a TIFF as RGB(A) instead of pages; ``pixel_nm`` (TIFF) and ``description`` are kept; the rest is
    ignored.

    Raises:
        InputError: an extension, shape or dtype that the format does not hold, or a folder that
            does not exist, is read-only or full.
    """
    path = Path(path)
    _check_extension(path)
    pixels = np.asarray(array)
    if pixels.dtype == np.float64:
        pixels = pixels.astype(np.float32)
    if pixels.ndim == 2:
        pixels = pixels[None]
    if pixels.ndim != 3 or not 1 <= pixels.shape[0] <= 4 or 0 in pixels.shape:
        raise InputError(f"cannot write {path}: shape {np.shape(array)}; give (H, W) or (C, H, W) with C <= 4")
    writer = FORMATS[path.suffix.lower()]
    if not writer.holds(pixels):
        raise InputError(f"cannot write {path}: {pixels.dtype} with {pixels.shape[0]} channel(s); {writer.HOLDS}")
    with atomic(path) as file:
        writer.write(file, pixels, metadata or {})


def checked(path: str | Path) -> Path:
    """The path of an existing, non-empty file with a supported extension.

    Raises:
        InputError: no such file, not a file, an empty file or another extension.
    """
    path = Path(path)
    _check_extension(path)
    if not path.is_file():
        what = "this is a folder" if path.is_dir() else "there is no such file"
        raise InputError(f"cannot read {path}: {what}; give the path of a TIFF, PNG or JPEG file")
    if path.stat().st_size == 0:
        raise InputError(f"cannot read {path}: the file is empty (0 bytes); copy or export it again")
    return path


def channels_last(path: Path, shape: tuple[int, ...], axes: str) -> bool:
    """Whether the last axis holds the channels; ``axes`` ends with S if the file declares that.

    Raises:
        InputError: the shape is not that of one image.
    """
    if len(shape) == 2:
        return False
    if len(shape) == 3 and axes.endswith("S") and shape[-1] <= 4:
        return True
    if len(shape) == 3 and shape[0] <= 4:
        return False
    if len(shape) == 3 and shape[-1] in (3, 4):
        return True
    raise InputError(
        f"cannot read {path}: shape {shape} is not one image; "
        "give (H, W), (C, H, W) with at most 4 channels or (H, W, 3 or 4); open_stack and wavegen restore take stacks"
    )


def _check_extension(path: Path) -> None:
    if path.suffix.lower() not in EXTENSIONS:
        raise InputError(f"{path}: extension {path.suffix!r} is not supported; use {', '.join(EXTENSIONS)}")
