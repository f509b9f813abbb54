"""Reading any image file as a :class:`~wavegen.io.stack.Stack`, and writing stacks plane by plane."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wavegen.core.errors import InputError
from wavegen.core.files import atomic, atomic_folder
from wavegen.core.guard import guarded
from wavegen.core.limits import check_declared
from wavegen.io import imagej, jpeg, ome, omezarr, tiff, tiff_stacks
from wavegen.io.images import (
    EXTENSIONS,
    FORMATS,
    JPEG,
    MAX_CHANNELS,
    PNG,
    TIFF,
    checked,
    image_metadata,
    open_picture,
    write_image,
)
from wavegen.io.pictures import dots
from wavegen.io.records import with_records
from wavegen.io.stack import Place, Stack
from wavegen.io.tiff import Missing
from wavegen.io.tiff_tags import per_centimetre

ZARR = (".zarr",)
OME = (".ome.tif", ".ome.tiff")
STACK_EXTENSIONS = EXTENSIONS + ZARR
_TAGS = {"pixel size", "resolution", "orientation", "colour profile", "description"}
_STACKS = {
    "pixel size",
    "spacing of planes",
    "frame interval",
    "names of channels",
    "colours of channels",
    "description",
}
# What each format holds, of what is known about a stack.
HELD: dict[str, set[str]] = {
    "tif": _TAGS,
    "png": _TAGS,
    "jpeg": _TAGS,
    "imagej": _STACKS | _TAGS | {"overlays and regions", "colour tables", "units that are no lengths"},
    "ome": _STACKS | _TAGS | {"positions and times of planes"},
    "zarr": _STACKS | {"position of the first pixel", "units that are no lengths"},
}
WritePlane = Callable[[Place, NDArray[Any]], None]


def open_stack(path: str | Path, axes: str | None = None, series: int = 1, missing: Missing = "refuse") -> Stack:
    """Open a TIFF (plain, ImageJ, OME), OME-Zarr, PNG or JPEG file; pixels are read on demand.

    OME-Zarr and uncompressed TIFF are read plane by plane, other formats at once when the first plane is asked for.
    Palettes become RGB(A), images whose zero is white are inverted, ImageJ's straight-line calibrations are applied:
    values are those that the user sees. What the file holds beside the image is named in ``other["remarks"]``.

    Args:
        path: the file, or the folder of an OME-Zarr image.
        axes: one letter of TCZYX for each dimension, if the file has no or wrong axes.
        series: which of several images in the file, from 1.
        missing: ``refuse`` a file that lacks planes which it announces, or ``leave-out`` their rows of the stack.

    Raises:
        InputError: the file is missing, damaged or of another format, its axes are unknown or do not fit, planes are
            missing, or its pixels are neither grey nor RGB.
    """
    path = Path(path)
    stack: Stack
    if omezarr.is_store(path):
        if not path.is_dir():
            raise InputError(f"cannot read {path}: there is no such folder; give the folder of an OME-Zarr image")
        stack = guarded(path, lambda p: omezarr.read(p, axes, series))
    else:
        stack = guarded(checked(path), lambda p: open_picture(p, axes, series, missing))
    _check_dtype(path, np.dtype(stack.array.dtype))
    check_declared(path, [stack.size(axis) for axis in "CYX"], stack.array.dtype)
    return stack


def partners(path: str | Path) -> tuple[str, ...]:
    """Names of all files of the multi-file OME-TIFF that a file belongs to; empty for a file by itself.

    Raises:
        InputError: the file cannot be read.
    """
    path = Path(path)
    return guarded(checked(path), tiff.partners) if path.suffix.lower() in TIFF else ()


def one_per_set(paths: Sequence[Path]) -> list[Path]:
    """The paths without files that an earlier one of them reads too, as part of its OME-TIFF set."""
    kept: list[Path] = []
    taken: set[Path] = set()
    for path in paths:
        if path in taken:
            continue
        kept.append(path)
        with suppress(InputError):  # who reads the file says why it cannot be read
            taken |= {path.with_name(name) for name in partners(path)}
    return kept


def stem(path: Path) -> str:
    """The name without its extension, ``.ome`` included."""
    return path.name[: len(path.name) - len(extension(path))]


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
    if kind == "imagej" and np.prod(stack.shape) * stack.dtype.itemsize > imagej.LIMIT:
        raise InputError(f"{path}: ImageJ's TIFF ends at 4 GB; write .ome.tif or .ome.zarr")
    return kind


def _tiff_kind(stack: Stack) -> str:
    """The TIFF variant of a stack that is written to a ``.tif``; see :func:`kind_of`."""
    source = stack.other.get("format")
    if source == "ome":
        return "ome"
    stacked = bool({"T", "Z"} & set(stack.axes))
    if stack.size("C") > 1 and (stack.other.get("samples") or stack.other.get("rgb")):
        return "ome" if stacked else "image"  # ImageJ supports colour with 8 bits only
    named = any(stack.channels) or any(stack.other.get("colors", ()))
    hyperstack = source == "imagej" or stacked or named or stack.size("C") > MAX_CHANNELS
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


def not_kept(path: Path, stack: Stack) -> list[str]:
    """What a stack knows and the file does not hold, by name."""
    kind = kind_of(path, stack)
    kind = path.suffix.lower().lstrip(".").replace("jpg", "jpeg").replace("tiff", "tif") if kind == "image" else kind
    other, unconverted = stack.other, stack.other.get("unconverted", {})
    depth, own = "Z" in stack.pixel_um or "Z" in unconverted, other.get("imagej", {})
    known = {
        "pixel size": bool({"X", "Y"} & (set(stack.pixel_um) | set(unconverted))),
        "units that are no lengths": any(unit not in ("", *ome.RELATIVE) for _, unit in unconverted.values()),
        "resolution": "resolution" in other,
        "spacing of planes": depth,
        "frame interval": "interval_s" in other or "T" in unconverted,
        "position of the first pixel": "origin" in other,
        "names of channels": any(stack.channels),
        "colours of channels": any(other.get("colors", ())),
        "orientation": "orientation" in other,
        "colour profile": "icc" in other,
        "overlays and regions": bool({"ROI", "Overlays"} & set(own)),
        "colour tables": "LUTs" in own and not any(other.get("colors", ())),
        "positions and times of planes": "Plane" in other.get("ome", {}),
        "description": bool(stack.description),
    }
    missing = [name for name, there in known.items() if there and name not in HELD[kind]]
    return missing if _size_fits(kind, stack) else ["pixel size", *missing]


def _size_fits(kind: str, stack: Stack) -> bool:
    """Whether the numbers in a file's header hold the pixel size."""
    if kind == "jpeg":
        return max(dots(image_metadata(stack)) or (0,)) <= jpeg.MAX_DOTS
    if kind == "tif" and {"X", "Y"} <= set(stack.pixel_um):
        return bool(per_centimetre(stack.pixel_um["Y"], stack.pixel_um["X"]))
    return True


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
            metadata = image_metadata(stack)
            text = with_records(stack.description, records)
            metadata |= {"description": text} if text else {}
            write_image(path, planes[0].astype(dtype, copy=False), metadata)


def write_stack(path: str | Path, stack: Stack, record: Mapping[str, Any] | None = None) -> None:
    """Write a whole stack; see :func:`stack_writer`."""
    with stack_writer(path, stack, record=record) as put:
        for place in stack.places():
            put(place, stack.plane(place))


def jpeg_loss(path: str | Path, pixels: NDArray[Any]) -> jpeg.Loss:
    """Difference between pixels (C, H, W) uint8 and the JPEG written from them: rms and maximum."""
    return jpeg.loss(Path(path), pixels)


def _sizes(stack: Stack) -> str:
    return ", ".join(f"{axis} {n}" for axis, n in zip(stack.axes, stack.shape, strict=True))
