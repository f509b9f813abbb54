"""One image as an array (C, H, W): TIFF, PNG and JPEG files, as data sets and previews take them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from wavegen.core.errors import InputError
from wavegen.core.files import atomic
from wavegen.core.guard import guarded
from wavegen.core.limits import check_declared
from wavegen.io import jpeg, png, tiff, tiff_image
from wavegen.io.lazy import LazyFile
from wavegen.io.samples import colour_samples
from wavegen.io.stack import Stack, check_axes

TIFF = (".tif", ".tiff")
PNG = (".png",)
JPEG = (".jpg", ".jpeg")
EXTENSIONS = TIFF + PNG + JPEG
MAX_CHANNELS = 4
FORMATS: dict[str, Any] = {**dict.fromkeys(TIFF, tiff_image), **dict.fromkeys(PNG, png), **dict.fromkeys(JPEG, jpeg)}
DTYPES = (np.uint8, np.uint16, np.float32)


class Image(NamedTuple):
    """Pixels (C, H, W) of dtype uint8, uint16 or float32, and the metadata of the file.

    ``metadata`` holds ``axes`` (``YX``, ``CYX``, or ``YXC`` if the file had channels last), ``pixel_nm`` (one number,
    or (y, x) where they differ), ``description``, and entries of :attr:`~wavegen.io.stack.Stack.other` that image
    formats keep.
    """

    pixels: NDArray[Any]
    metadata: dict[str, Any]


class Header(NamedTuple):
    """Shape (C, H, W) and dtype, as returned by :func:`read_image`, and what the file holds beside that."""

    shape: tuple[int, int, int]
    dtype: np.dtype[Any]
    remarks: tuple[str, ...] = ()


def read_image(path: str | Path, *, alpha: bool = True) -> Image:
    """Read a TIFF, PNG or JPEG file that holds one image; ``alpha=False`` leaves out a channel of transparency.

    uint8, uint16 and float32 keep their dtype; float64 is rounded to float32; other real types
    become float32 if that is exact. The pages of a TIFF are its leading axis. RGB(A) is returned
    with channels first. Values are not rescaled; what samples mean is in :mod:`wavegen.io.samples`.

    Raises:
        InputError: the file is missing, empty, damaged or of another format, its shape is not
            (H, W), (C, H, W) with C <= 4 or (H, W, 3 or 4), or its values do not fit float32.
    """
    path = checked(path)
    stack = one_image(path)
    pixels = guarded(path, lambda _: stack.plane())
    pixels = pixels[:-1] if stack.alpha and not alpha else pixels
    axes = "YX" if "C" not in stack.axes else "YXC" if stack.axes[-1] == "C" else "CYX"
    metadata = image_metadata(stack) | {"axes": axes}
    if metadata.get("samples") == colour_samples(stack.size("C")):
        del metadata["samples"]  # said by the axes
    return Image(pixels, metadata)


def image_shape(path: str | Path) -> tuple[int, int, int]:
    """(C, H, W) as :func:`read_image` would return it, from the header only.

    Raises:
        InputError: as :func:`read_image`, as far as the header shows.
    """
    return image_header(path).shape


def image_header(path: str | Path, *, alpha: bool = True) -> Header:
    """Shape and dtype as :func:`read_image` would return them, from the header only.

    Raises:
        InputError: as :func:`read_image`, as far as the header shows.
    """
    stack = one_image(checked(path))
    channels = stack.size("C") - (stack.alpha and not alpha)
    return Header((channels, stack.size("Y"), stack.size("X")), stack.dtype, stack.other.get("remarks", ()))


def one_image(path: Path) -> Stack:
    """A file as a stack of one plane.

    Raises:
        InputError: the file cannot be read, or its shape is not that of one image.
    """
    stack: Stack = guarded(path, lambda p: open_picture(p, None))
    planes = stack.size("T") * stack.size("Z")
    if planes > 1 or stack.size("C") > MAX_CHANNELS:
        raise InputError(
            f"cannot read {path}: shape {stack.shape} is not one image; give (H, W), (C, H, W) with at most "
            f"{MAX_CHANNELS} channels or (H, W, 3 or 4); open_stack and wavegen restore take stacks"
        )
    check_declared(path, [stack.size(axis) for axis in "CYX"], stack.array.dtype)
    return stack


def open_picture(path: Path, axes: str | None, series: int = 1, missing: tiff.Missing = "refuse") -> Stack:
    """A TIFF, PNG or JPEG file as a stack, from its header; see :func:`wavegen.io.open_stack`."""
    end = path.suffix.lower()
    if end in TIFF:
        return tiff.read(path, axes, series, missing)
    found = FORMATS[end].header(path, series)
    if axes is not None:
        check_axes(axes, found.shape)
    pixels = LazyFile(path, found.shape, found.dtype, lambda: FORMATS[end].pixels(path, series))
    return Stack(pixels, axes or found.axes, other=found.other)


def image_metadata(stack: Stack) -> dict[str, Any]:
    """A one-plane stack's metadata in the form that :func:`write_image` takes."""
    kept = ("description", "samples", "orientation", "icc", "white_is_zero", "resolution")
    metadata: dict[str, Any] = {key: stack.other[key] for key in kept if key in stack.other}
    if stack.description:
        metadata["description"] = stack.description
    if {"X", "Y"} <= set(stack.pixel_um):
        y, x = (1000 * stack.pixel_um[axis] for axis in "YX")
        metadata["pixel_nm"] = x if x == y else (y, x)
    return metadata


def write_image(path: str | Path, array: NDArray[Any], metadata: Mapping[str, Any] | None = None) -> None:
    """Write (H, W) or (C, H, W) with C <= 4, atomically; an existing file is replaced.

    TIFF takes uint8, uint16 and float32 (float64 is rounded to float32); PNG takes uint8, and uint16 of one
    channel; JPEG takes uint8 of 1 or 3 channels and is lossy (quality 95; see
    :func:`wavegen.io.jpeg_loss`). ``metadata`` is as returned by :func:`read_image`: ``axes`` ``YXC`` writes 3 or 4
    channels of a TIFF as RGB(A) instead of pages, ``samples`` as they were stored; what a format does not hold is
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
    if pixels.ndim != 3 or not 1 <= pixels.shape[0] <= MAX_CHANNELS or 0 in pixels.shape:
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
        if path.is_symlink() and not path.exists():
            what = f"it is a link to {path.readlink()}, which does not exist"
        raise InputError(f"cannot read {path}: {what}; give the path of a TIFF, PNG or JPEG file")
    if path.stat().st_size == 0:
        raise InputError(f"cannot read {path}: the file is empty (0 bytes); copy or export it again")
    return path


def _check_extension(path: Path) -> None:
    if path.suffix.lower() not in EXTENSIONS:
        raise InputError(f"{path}: extension {path.suffix!r} is not supported; use {', '.join(EXTENSIONS)}")
