"""TIFF files read and written as stacks: plain, ImageJ hyperstacks and OME-TIFF."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wavegen.core.errors import InputError
from wavegen.core.files import allocate
from wavegen.io.records import split_records, with_records
from wavegen.io.stack import Place, Stack
from wavegen.io.tiff import NM_PER_UNIT, opened, pixel_nm, values

IMAGEJ_ORDER = "TZCYX"
IMAGEJ_LIMIT = 2**32 - 2**25  # bytes; larger files would need a page layout that only ImageJ reads
IMAGEJ_KEPT = ("Info", "Labels", "LUTs", "Ranges", "mode")
UNKNOWN = "QI"  # tifffile's letters for an unnamed axis
MAX_CHANNELS = 4  # an unnamed axis of at most this length is taken for channels


def read(path: Path, axes: str | None) -> Stack:
    """A TIFF as a stack, memory-mapped if it is not compressed; only the first series is read.

    Raises:
        InputError: an axis that neither the file nor ``axes`` names.
    """
    with opened(path) as file:
        series = file.series[0]
        kind = "ome" if file.is_ome else "imagej" if file.is_imagej else "tiff"
        stored_axes = series.axes
        other: dict[str, Any] = {"format": kind, "rgb": "S" in stored_axes}
        if "S" in stored_axes:
            other["alpha"] = series.shape[stored_axes.index("S")] in (2, 4)
        named = _named(path, stored_axes, tuple(series.shape), axes)
        pixel_um: dict[str, float] = {}
        size_nm = pixel_nm(file)
        if size_nm is not None:
            pixel_um = {"Y": size_nm / 1000, "X": size_nm / 1000}
        names: list[str] = []
        if kind == "ome":
            names = _ome(file.ome_metadata, pixel_um, other)
        elif kind == "imagej":
            names = _imagej(file.imagej_metadata or {}, pixel_um, other)
        elif file.pages[0].description and not file.is_shaped:
            _describe(file.pages[0].description, other)
        if series.dataoffset is not None and series.keyframe.is_memmappable:
            dtype = np.dtype(series.dtype).newbyteorder(file.byteorder)
            array: Any = np.memmap(path, dtype, "r", series.dataoffset, tuple(series.shape))
        else:
            array = values(path, file)
    stack = Stack(array, named, pixel_um, (), other)
    if names and len(names) == stack.size("C"):
        stack = Stack(array, named, pixel_um, tuple(names), other)
    return stack


def _named(path: Path, stored_axes: str, shape: tuple[int, ...], requested: str | None) -> str:
    """The axes of the stack: those that the caller gave, else those of the file."""
    if requested is not None:
        return requested
    named = stored_axes.replace("S", "C") if "C" not in stored_axes else stored_axes
    for letter in UNKNOWN:
        if letter in named and "C" not in named and shape[stored_axes.index(letter)] <= MAX_CHANNELS:
            named = named.replace(letter, "C")
    unknown = [letter for letter in named if letter not in "TCZYX"]
    if unknown:
        raise InputError(
            f"{path}: shape {shape} is a stack whose axes the file does not name (it says {stored_axes}); "
            f"give --axes, one letter of TCZYX for each dimension, such as {'ZCYX'[-len(shape) :]}"
        )
    return named


def _ome(xml: str, pixel_um: dict[str, float], other: dict[str, Any]) -> list[str]:
    """Add pixel sizes, description and frame interval from OME-XML; returns the channel names."""
    import tifffile

    image = tifffile.xml2dict(xml).get("OME", {}).get("Image", {})
    image = image[0] if isinstance(image, list) else image
    pixels = image.get("Pixels", {})
    for axis in "XYZ":
        size, unit = pixels.get(f"PhysicalSize{axis}"), pixels.get(f"PhysicalSize{axis}Unit", "µm")
        if size and unit in NM_PER_UNIT:
            pixel_um[axis] = float(size) * NM_PER_UNIT[unit] / 1000
    if image.get("Description"):
        _describe(str(image["Description"]), other)
    if pixels.get("TimeIncrement") and pixels.get("TimeIncrementUnit", "s") == "s":
        other["interval_s"] = float(pixels["TimeIncrement"])
    channels = pixels.get("Channel", [])
    channels = channels if isinstance(channels, list) else [channels]
    return [str(c["Name"]) for c in channels if "Name" in c]


def _imagej(metadata: dict[str, Any], pixel_um: dict[str, float], other: dict[str, Any]) -> list[str]:
    """Add depth step, frame interval and ImageJ's other metadata; returns the channel names."""
    scale = NM_PER_UNIT.get(metadata.get("unit", ""))
    if metadata.get("spacing") and scale is not None:
        pixel_um["Z"] = float(metadata["spacing"]) * scale / 1000
    if metadata.get("finterval"):
        other["interval_s"] = float(metadata["finterval"])
    kept = {key: metadata[key] for key in IMAGEJ_KEPT if key in metadata}
    if kept.get("Info"):
        kept["Info"], records = split_records(str(kept["Info"]))
        other |= {"records": records} if records else {}
    other["imagej"] = {key: value for key, value in kept.items() if key != "Info" or value}
    return _channel_labels(metadata)


def _channel_labels(metadata: dict[str, Any]) -> list[str]:
    """The labels of planes where they repeat from channel to channel, so that they name the channels; else none."""
    channels = int(metadata.get("channels", 1))
    labels = metadata.get("Labels") or []
    labels = [labels] if isinstance(labels, str) else list(labels)
    if channels < 2 or len(labels) < channels:
        return []
    repeat = all(label == labels[index % channels] for index, label in enumerate(labels))
    return labels[:channels] if repeat else []


def _describe(text: str, other: dict[str, Any]) -> None:
    """Split a description from the processing records at its end."""
    text, records = split_records(text)
    other |= ({"description": text} if text else {}) | ({"records": records} if records else {})


def imagej_shape(stack: Stack) -> tuple[str, tuple[int, ...]]:
    """The axes in ImageJ's order, and their lengths."""
    axes = "".join(axis for axis in IMAGEJ_ORDER if axis in stack.axes)
    return axes, tuple(stack.size(axis) for axis in axes)


@contextmanager
def writer(
    path: str, stack: Stack, dtype: np.dtype[Any], kind: str, records: Sequence[Mapping[str, Any]]
) -> Iterator[Callable[[Place, NDArray[Any]], None]]:
    """Create a file of the stack's shape and yield a function that writes planes (C, Y, X) in any order.

    Args:
        path: a file to be overwritten.
        stack: provides axes, shape and metadata.
        dtype: uint8, uint16 or float32.
        kind: ``imagej`` (axes are reordered to TZCYX) or ``ome``.
        records: processing records, stored with the metadata.
    """
    import tifffile

    if kind == "imagej":
        axes, shape = imagej_shape(stack)
        options = _imagej_options(stack, axes, records)
    else:
        axes, shape = stack.axes, stack.shape
        options = _ome_options(stack, records)
    # Written plainly: on a full disk, a page of a mapped file that has no block yet ends the process with SIGBUS.
    offset, _ = tifffile.imwrite(path, shape=shape, dtype=dtype, returnoffset=True, **options)
    inner = 1 + max(axes.find("T"), axes.find("Z"))  # the axes from here on are contiguous in a plane
    blocks = np.arange(math.prod(shape[:inner])).reshape(shape[:inner])
    size = math.prod(shape[inner:]) * dtype.itemsize
    layout = Stack(np.broadcast_to(np.zeros((), dtype), shape), axes)

    with open(path, "r+b") as file:
        allocate(file)

        def put(place: Place, plane: NDArray[Any]) -> None:
            chosen = blocks[layout.index(place)[:inner]].ravel()
            pixels = layout.arrange(plane).astype(dtype, copy=False).reshape(len(chosen), -1)
            for block, content in zip(chosen.tolist(), pixels, strict=True):
                file.seek(offset + block * size)
                file.write(content.tobytes())

        yield put


def _um(stack: Stack) -> dict[str, Any]:
    if not {"X", "Y"} <= set(stack.pixel_um):
        return {}
    return {"resolution": (1 / stack.pixel_um["X"], 1 / stack.pixel_um["Y"])}


def _imagej_options(stack: Stack, axes: str, records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What tifffile writes for ImageJ."""
    metadata: dict[str, Any] = {"axes": axes, "mode": "composite" if stack.size("C") > 1 else "grayscale"}
    metadata |= dict(stack.other.get("imagej", {}))
    options: dict[str, Any] = {"imagej": True, **_um(stack)}
    if "resolution" in options:  # one unit for all axes: without a resolution, X and Y would get size 1
        metadata["unit"] = "um"
        metadata |= {"spacing": stack.pixel_um["Z"]} if "Z" in stack.pixel_um else {}
    if "interval_s" in stack.other:
        metadata["finterval"] = stack.other["interval_s"]
    if stack.channels and "Labels" not in metadata:
        metadata["Labels"] = list(stack.channels) * (stack.size("T") * stack.size("Z"))
    texts = [str(text) for text in (metadata.get("Info"), stack.other.get("description")) if text]
    info = with_records("\n".join(texts), records)
    if info:
        metadata["Info"] = info
    return options | {"metadata": metadata}


def _ome_options(stack: Stack, records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What tifffile writes as OME-XML."""
    axes = stack.axes
    rgb = bool(stack.other.get("rgb")) and axes.endswith("YXC")
    metadata: dict[str, Any] = {"axes": axes[:-1] + "S" if rgb else axes}
    for axis, size in stack.pixel_um.items():
        metadata |= {f"PhysicalSize{axis}": size, f"PhysicalSize{axis}Unit": "µm"}
    if stack.channels and not rgb:
        metadata["Channel"] = {"Name": list(stack.channels)}
    if "interval_s" in stack.other:
        metadata |= {"TimeIncrement": stack.other["interval_s"], "TimeIncrementUnit": "s"}
    described = with_records(stack.description, records)
    if described:
        metadata["Description"] = described
    options: dict[str, Any] = {"ome": True, "metadata": metadata, "photometric": "rgb" if rgb else "minisblack"}
    if rgb and stack.size("C") == 4:
        options["extrasamples"] = ["unassalpha"]
    resolution = _um(stack)
    if resolution:
        per_cm = tuple(1e4 * per_um for per_um in resolution["resolution"])
        options |= {"resolution": per_cm, "resolutionunit": "CENTIMETER"}
    return options
