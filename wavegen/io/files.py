"""Reading any image file as a :class:`~wavegen.io.stack.Stack`, and writing stacks plane by plane."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wavegen.core.errors import InputError
from wavegen.core.files import atomic, atomic_folder
from wavegen.io import jpeg, omezarr, tiff_stacks
from wavegen.io.guard import guarded
from wavegen.io.images import EXTENSIONS, FORMATS, JPEG, PNG, TIFF, checked, write_image
from wavegen.io.records import split_records, with_records
from wavegen.io.stack import Place, Stack, check_axes

ZARR = (".zarr",)
OME = (".ome.tif", ".ome.tiff")
STACK_EXTENSIONS = EXTENSIONS + ZARR
WritePlane = Callable[[Place, NDArray[Any]], None]


def open_stack(path: str | Path, axes: str | None = None) -> Stack:
    """Open a TIFF (plain, ImageJ, OME), OME-Zarr, PNG or JPEG file; pixels are read on demand where the format allows.

    OME-Zarr and uncompressed TIFF are read plane by plane, other formats at once. PNG palettes become RGB(A).

    Args:
        path: the file, or the folder of an OME-Zarr image.
        axes: one letter of TCZYX for each dimension, if the file has no or wrong axes.

    Raises:
        InputError: the file is missing, damaged or of another format, or its axes are unknown or do not fit.
    """
    path = Path(path)
    stack: Stack
    if omezarr.is_store(path):
        if not path.is_dir():
            raise InputError(f"cannot read {path}: there is no such folder; give the folder of an OME-Zarr image")
        stack = guarded(path, lambda p: omezarr.read(p, axes))
    elif path.suffix.lower() in TIFF:
        stack = guarded(checked(path), lambda p: tiff_stacks.read(p, axes))
    else:
        stack = guarded(checked(path), lambda p: _picture(p, axes))
    _check_dtype(path, np.dtype(stack.array.dtype))
    return stack


def _picture(path: Path, axes: str | None) -> Stack:
    """A PNG or JPEG file as a stack."""
    pixels, metadata = FORMATS[path.suffix.lower()].read(path)
    stored_axes = str(metadata.pop("raw_axes")).replace("S", "C")
    if axes is not None:
        check_axes(axes, pixels.shape)
    name = "jpeg" if path.suffix.lower() in JPEG else "png"
    colour = pixels.ndim == 3
    text, records = split_records(str(metadata.pop("description", "")))
    metadata |= ({"description": text} if text else {}) | ({"records": records} if records else {})
    other = metadata | {"format": name, "rgb": colour, "alpha": colour and pixels.shape[-1] in (2, 4)}
    return Stack(pixels, axes or stored_axes, other=other)


def _check_dtype(path: Path, dtype: np.dtype[Any]) -> None:
    if dtype.kind not in "iufb":
        raise InputError(f"cannot read {path}: values of type {dtype}; save as uint8, uint16 or float32")


def extension(path: Path) -> str:
    """The extension in lower case, including ``.ome``."""
    name = path.name.lower()
    return next((end for end in OME if name.endswith(end)), path.suffix.lower())


def kind_of(path: Path, stack: Stack) -> str:
    """The format in which a stack is written to a file of that name: ``zarr``, ``ome``, ``imagej`` or ``image``.

    ``.ome.tif`` is OME-TIFF. ``.tif`` keeps the TIFF variant of the source; stacks and named channels from other
    formats become ImageJ hyperstacks. Colour images are plain TIFF, colour stacks OME-TIFF.

    Raises:
        InputError: an extension, number of planes or channels, or dtype that the format does not hold.
    """
    end = extension(path)
    if end not in STACK_EXTENSIONS + OME:
        raise InputError(f"{path}: extension {path.suffix!r} is not supported; use {', '.join(STACK_EXTENSIONS)}")
    if end in ZARR:
        return "zarr"
    if end in PNG + JPEG:
        if stack.size("T") * stack.size("Z") > 1:
            raise InputError(f"{path} holds one plane, this is a stack ({_sizes(stack)}); write .tif or .ome.zarr")
        return "image"
    kind = "ome" if end in OME else _tiff_kind(stack)
    if kind == "imagej" and np.prod(stack.shape) * stack.dtype.itemsize > tiff_stacks.IMAGEJ_LIMIT:
        raise InputError(f"{path}: ImageJ's TIFF ends at 4 GB; write .ome.tif or .ome.zarr")
    return kind


def _tiff_kind(stack: Stack) -> str:
    """The TIFF variant of a stack that is written to a ``.tif``; see :func:`kind_of`."""
    source = stack.other.get("format")
    if source == "ome":
        return "ome"
    stacked = bool({"T", "Z"} & set(stack.axes))
    if stack.other.get("rgb") and stack.size("C") > 1:  # ImageJ supports colour with 8 bits only
        return "ome" if stacked else "image"
    hyperstack = source == "imagej" or stacked or bool(stack.channels) or stack.size("C") > tiff_stacks.MAX_CHANNELS
    return "imagej" if hyperstack else "image"


def check_holds(path: Path, stack: Stack, dtype: np.dtype[Any]) -> None:
    """Check, before any work, that a file can hold a result of the stack's shape.

    Raises:
        InputError: as :func:`kind_of`.
    """
    if kind_of(path, stack) == "image":
        side = FORMATS[path.suffix.lower()]
        probe = np.zeros((stack.size("C"), 1, 1), dtype)
        if not side.holds(probe):
            raise InputError(f"cannot write {path}: {dtype} with {stack.size('C')} channel(s); {side.HOLDS}")


@contextmanager
def stack_writer(
    path: str | Path, stack: Stack, dtype: Any = None, record: Mapping[str, Any] | None = None
) -> Iterator[WritePlane]:
    """Write planes to a file with a stack's shape, axes and metadata, atomically.

    Args:
        path: the file, or folder for ``.zarr``; an existing one is replaced when the block ends without an error.
        stack: provides shape, axes and metadata.
        dtype: uint8, uint16 or float32; the stack's by default.
        record: processing step, appended to the stack's ``other["records"]``: stored as Zarr attributes, or as a line
            of JSON in ImageJ's ``Info`` or in the description.

    Yields:
        A function of a :class:`~wavegen.io.stack.Place` and a plane (C, Y, X).

    Raises:
        InputError: a format that does not hold the stack, or a folder that cannot be written.
    """
    path = Path(path)
    dtype = np.dtype(dtype or stack.dtype)
    kind = kind_of(path, stack)
    check_holds(path, stack, dtype)
    records = [*stack.other.get("records", []), *([record] if record else [])]
    with ExitStack() as contexts:
        if kind == "zarr":
            folder = contexts.enter_context(atomic_folder(path))
            yield contexts.enter_context(omezarr.writer(str(folder), stack, dtype, records))
        elif kind in ("ome", "imagej"):
            file = contexts.enter_context(atomic(path))
            yield contexts.enter_context(tiff_stacks.writer(file.name, stack, dtype, kind, records))
        else:
            planes: list[NDArray[Any]] = []
            yield lambda place, plane: planes.append(plane)
            write_image(path, planes[0].astype(dtype, copy=False), image_metadata(stack, records))


def write_stack(path: str | Path, stack: Stack, record: Mapping[str, Any] | None = None) -> None:
    """Write a whole stack; see :func:`stack_writer`."""
    with stack_writer(path, stack, record=record) as put:
        for place in stack.places():
            put(place, stack.plane(place))


def image_metadata(stack: Stack, records: Sequence[Mapping[str, Any]] = ()) -> dict[str, Any]:
    """A one-plane stack's metadata in the form of :func:`~wavegen.io.images.write_image`."""
    metadata: dict[str, Any] = {"axes": "YXC" if stack.other.get("rgb") and stack.size("C") > 1 else "CYX"}
    if "X" in stack.pixel_um:
        metadata["pixel_nm"] = 1000 * stack.pixel_um["X"]
    text = with_records(stack.description, records)
    return metadata | ({"description": text} if text else {})


def jpeg_loss(path: str | Path, pixels: NDArray[Any]) -> jpeg.Loss:
    """Difference between pixels (C, H, W) uint8 and the JPEG written from them: rms and maximum."""
    return jpeg.loss(Path(path), pixels)


def _sizes(stack: Stack) -> str:
    return ", ".join(f"{axis} {n}" for axis, n in zip(stack.axes, stack.shape, strict=True))
