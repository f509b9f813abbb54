"""TIFF files as stacks: plain, ImageJ hyperstacks and OME-TIFF."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wavegen.core.errors import InputError
from wavegen.io.records import split_records, with_records
from wavegen.io.stack import Place, Stack
from wavegen.io.tiff import NM_PER_UNIT, opened, pixel_nm, values

IMAGEJ_ORDER = "TZCYX"
IMAGEJ_LIMIT = 2**32 - 2**25  # bytes; ImageJ reads larger files only without TIFF's own page list
IMAGEJ_KEPT = ("Info", "Labels", "LUTs", "Ranges", "mode")
UNKNOWN = "QI"  # tifffile's letters for an axis that the file does not name
CHANNELS_AT_MOST = 4  # pages of an unnamed axis that pass for channels


def read(path: Path, axes: str | None) -> Stack:
    """A TIFF as a stack, mapped to memory where it is not compressed; the first series of several.

    Raises:
        InputError: an axis that neither the file nor ``axes`` names.
    """
    with opened(path) as file:
        series = file.series[0]
        kind = "ome" if file.is_ome else "imagej" if file.is_imagej else "tiff"
        found = series.axes
        other: dict[str, Any] = {"format": kind, "rgb": "S" in found}
        if "S" in found:
            other["alpha"] = series.shape[found.index("S")] in (2, 4)
        named = _named(path, found, tuple(series.shape), axes)
        pixel_um: dict[str, float] = {}
        flat = pixel_nm(file)
        if flat is not None:
            pixel_um = {"Y": flat / 1000, "X": flat / 1000}
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


def _named(path: Path, found: str, shape: tuple[int, ...], given: str | None) -> str:
    """The stack's axes: those given, else the file's."""
    if given is not None:
        return given
    named = found.replace("S", "C") if "C" not in found else found
    for letter in UNKNOWN:
        if letter in named and "C" not in named and shape[found.index(letter)] <= CHANNELS_AT_MOST:
            named = named.replace(letter, "C")
    unknown = [letter for letter in named if letter not in "TCZYX"]
    if unknown:
        raise InputError(
            f"{path}: shape {shape} is a stack whose axes the file does not name (it says {found}); "
            f"give --axes, one letter of TCZYX for each dimension, such as {'ZCYX'[-len(shape) :]}"
        )
    return named


def _ome(xml: str, pixel_um: dict[str, float], other: dict[str, Any]) -> list[str]:
    """Pixel sizes, description and interval from OME-XML; returns the channels' names."""
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


def _imagej(found: dict[str, Any], pixel_um: dict[str, float], other: dict[str, Any]) -> list[str]:
    """Depth step, interval and what ImageJ keeps beside; returns the channels' names."""
    scale = NM_PER_UNIT.get(found.get("unit", ""))
    if found.get("spacing") and scale is not None:
        pixel_um["Z"] = float(found["spacing"]) * scale / 1000
    if found.get("finterval"):
        other["interval_s"] = float(found["finterval"])
    kept = {key: found[key] for key in IMAGEJ_KEPT if key in found}
    if kept.get("Info"):
        kept["Info"], records = split_records(str(kept["Info"]))
        other |= {"records": records} if records else {}
    other["imagej"] = {key: value for key, value in kept.items() if key != "Info" or value}
    count = int(found.get("channels", 1))
    labels = found.get("Labels") or []
    labels = [labels] if isinstance(labels, str) else list(labels)
    repeats = count > 1 and len(labels) >= count and all(labels[i] == labels[i % count] for i in range(len(labels)))
    return labels[:count] if repeats else []


def _describe(text: str, other: dict[str, Any]) -> None:
    """A description and the records at its end."""
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
    """Lay out a file of the stack's shape; what is yielded fills in planes (C, Y, X) in any order.

    Args:
        path: a file to be overwritten.
        stack: gives axes, shape and metadata.
        dtype: uint8, uint16 or float32.
        kind: ``imagej`` (axes go to the order TZCYX) or ``ome``.
        records: what was done, kept with the metadata.
    """
    import tifffile

    if kind == "imagej":
        axes, shape = imagej_shape(stack)
        options = _imagej_options(stack, axes, records)
    else:
        axes, shape = stack.axes, stack.shape
        options = _ome_options(stack, records)
    pages = np.empty(0)
    pages = tifffile.memmap(path, shape=shape, dtype=dtype, **options)
    offset, stored = pages.offset, pages.dtype
    del pages
    layout = Stack(np.broadcast_to(np.zeros((), dtype), shape), axes)

    def put(place: Place, plane: NDArray[Any]) -> None:
        # Mapped anew for every plane, so that written pages do not pile up in memory.
        whole = np.memmap(path, stored, "r+", offset, shape)
        whole[layout.index(place)] = layout.arrange(plane)
        whole.flush()

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
    if "resolution" in options:  # the unit holds for all axes, and without a resolution X and Y would get size 1
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
