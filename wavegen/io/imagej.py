"""The metadata of ImageJ's TIFF files: what is read into a stack, and what tifffile is given to write.

ImageJ keeps ``key=value`` lines in the description (its FileSaver class) and a block of texts, ranges, colour tables,
overlays and regions in private tags.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wavegen.io.records import split_records, with_records
from wavegen.io.stack import Stack
from wavegen.io.units import converted, micrometres, seconds

ORDER = "TZCYX"
LIMIT = 2**32 - 2**25  # bytes; larger files would need a page layout that only ImageJ reads
BLOCK = ("Info", "Labels", "LUTs", "Ranges", "ROI", "Overlays", "Properties", "Plot")
DISPLAY = ("mode", "loop", "min", "max", "xorigin", "yorigin", "zorigin", "vunit", "cf", "c0", "c1", "c2", "c3", "c4")
STRAIGHT_LINE = 0  # calibration function: c0 + c1 value
SIZES = {"X": "unit", "Y": "yunit", "Z": "zunit"}


def calibration(metadata: Mapping[str, Any]) -> tuple[float, float] | None:
    """Offset and gain from stored values to those that ImageJ shows, where they are a straight line.

    Signed 16-bit images are stored as uint16 with the offset -32768.
    """
    try:
        if int(metadata["cf"]) == STRAIGHT_LINE and float(metadata["c1"]) != 0:
            return float(metadata["c0"]), float(metadata["c1"])
    except (KeyError, TypeError, ValueError):
        pass
    return None


def read(
    metadata: Mapping[str, Any],
    per_unit: Mapping[str, float],
    unit_of_tag: str,
    pixel_um: dict[str, float],
    other: dict[str, Any],
) -> list[str]:
    """Add sizes, frame interval and ImageJ's own entries to a stack's metadata.

    Args:
        metadata: tifffile's ``imagej_metadata``.
        per_unit: pixels per unit by axis, from the resolution tags.
        unit_of_tag: unit of these tags, which counts where ImageJ names none.
        pixel_um: sizes in µm, to be filled.
        other: entries of :attr:`Stack.other`, to be filled.

    Returns:
        Names of the channels, or nothing.
    """
    _add_sizes(metadata, per_unit, str(metadata.get("unit") or unit_of_tag), pixel_um, other)
    _add_interval(metadata, other)
    kept = {key: metadata[key] for key in (*BLOCK, *DISPLAY) if key in metadata}
    line = calibration(metadata)
    if line is not None:
        kept = _calibrated(kept, *line)
    text, records = split_records(str(kept.pop("Info", "")))
    other |= {"records": records} if records else {}
    other["imagej"] = kept | ({"Info": text} if text else {})
    colors = tuple(_color_of(table) for table in kept.get("LUTs", ()))
    if any(colors):
        other["colors"] = colors
    return _channel_labels(metadata)


def _add_sizes(
    metadata: Mapping[str, Any],
    per_unit: Mapping[str, float],
    unit: str,
    pixel_um: dict[str, float],
    other: dict[str, Any],
) -> None:
    """Pixel sizes and the spacing of planes; sizes of 1 without a unit say nothing."""
    sizes = {axis: 1 / count for axis, count in per_unit.items()}
    if metadata.get("spacing"):
        sizes["Z"] = abs(float(metadata["spacing"]))
    if unit or any(size != 1 for size in sizes.values()):
        for axis, size in sizes.items():
            add_size(axis, size, str(metadata.get(SIZES[axis]) or unit), pixel_um, other)


def add_size(axis: str, size: float, unit: str, pixel_um: dict[str, float], other: dict[str, Any]) -> None:
    """A pixel size in µm where its unit is a length; otherwise as it is, in ``other["unconverted"]``."""
    length = micrometres(unit)
    if length is not None:
        pixel_um[axis] = converted(size, length)
    else:
        other.setdefault("unconverted", {})[axis] = (size, unit)


def _add_interval(metadata: Mapping[str, Any], other: dict[str, Any]) -> None:
    interval = metadata.get("finterval") or (1 / float(metadata["fps"]) if metadata.get("fps") else None)
    if not interval:
        return
    unit = str(metadata.get("tunit") or "s")
    second = seconds(unit)
    if second is not None:
        other["interval_s"] = converted(float(interval), second)
    else:
        other.setdefault("unconverted", {})["T"] = (float(interval), unit)


def _calibrated(kept: dict[str, Any], offset: float, gain: float) -> dict[str, Any]:
    """The entries without a calibration that has been applied, and with display ranges of calibrated values."""
    kept = {key: value for key, value in kept.items() if key not in ("cf", "c0", "c1")}
    for key in ("min", "max"):
        if key in kept:
            kept[key] = offset + gain * float(kept[key])
    if "Ranges" in kept:
        kept["Ranges"] = tuple(offset + gain * float(value) for value in kept["Ranges"])
    return kept


def _color_of(table: Any) -> str:
    """RRGGBB of a colour table that is a ramp from black, else nothing."""
    table = np.asarray(table)
    if table.shape != (3, 256):
        return ""
    top = table[:, -1].astype(int)
    ramp = np.round(np.outer(top, np.arange(256)) / 255)
    return "{:02X}{:02X}{:02X}".format(*top) if np.abs(table.astype(int) - ramp).max() <= 1 else ""


def _table_of(color: str) -> NDArray[np.uint8]:
    """A colour table (3, 256) that is a ramp from black to RRGGBB, white where there is no colour."""
    top = [int((color or "FFFFFF")[k : k + 2], 16) for k in (0, 2, 4)]
    return np.round(np.outer(top, np.arange(256)) / 255).astype(np.uint8)


def _channel_labels(metadata: Mapping[str, Any]) -> list[str]:
    """The labels of planes where they repeat from channel to channel, so that they name the channels; else none."""
    channels = int(metadata.get("channels", 1))
    labels = metadata.get("Labels") or []
    labels = [labels] if isinstance(labels, str) else list(labels)
    if channels < 2 or len(labels) < channels:
        return []
    repeat = all(label == labels[index % channels] for index, label in enumerate(labels))
    return labels[:channels] if repeat else []


def shape(stack: Stack) -> tuple[str, tuple[int, ...]]:
    """The axes in ImageJ's order, and their lengths."""
    axes = "".join(axis for axis in ORDER if axis in stack.axes)
    return axes, tuple(stack.size(axis) for axis in axes)


def options(stack: Stack, axes: str, records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What tifffile writes for ImageJ."""
    metadata: dict[str, Any] = {"axes": axes, "mode": "composite" if stack.size("C") > 1 else "grayscale"}
    metadata |= dict(stack.other.get("imagej", {}))
    sizes, unit = _sizes(stack)
    result: dict[str, Any] = {"imagej": True}
    if {"X", "Y"} <= set(sizes):
        result["resolution"] = (1 / sizes["X"], 1 / sizes["Y"])
    if unit:  # one unit for all axes
        metadata["unit"] = unit
    if "Z" in sizes:
        metadata["spacing"] = sizes["Z"]
    if "interval_s" in stack.other:
        metadata["finterval"] = stack.other["interval_s"]
    elif "T" in stack.other.get("unconverted", {}):
        metadata["finterval"], metadata["tunit"] = stack.other["unconverted"]["T"]
    metadata |= _of_channels(stack, metadata.pop("Labels", None) or [])
    texts = [str(text) for text in (metadata.get("Info"), stack.other.get("description")) if text]
    info = with_records("\n".join(texts), records)
    if info:
        metadata["Info"] = info
    return result | {"metadata": metadata}


def _of_channels(stack: Stack, labels: Any) -> dict[str, Any]:
    """Labels of all planes, and colour tables of channels that have none."""
    planes, found = stack.size("T") * stack.size("Z"), {}
    labels = [labels] if isinstance(labels, str) else list(labels)
    if any(stack.channels) and not labels:
        labels = list(stack.channels) * planes
    if len(labels) == planes * stack.size("C"):
        found["Labels"] = labels
    colors = stack.other.get("colors", ())
    if any(colors) and len(colors) == stack.size("C") and "LUTs" not in stack.other.get("imagej", {}):
        found["LUTs"] = [_table_of(color) for color in colors]
    return found


def _sizes(stack: Stack) -> tuple[dict[str, float], str]:
    """Pixel sizes in one unit, and the unit: micrometres where they are known, else as the source had them."""
    if stack.pixel_um:
        return dict(stack.pixel_um), "um"
    unconverted = {axis: pair for axis, pair in stack.other.get("unconverted", {}).items() if axis in "XYZ"}
    if unconverted:
        units = {unit for _, unit in unconverted.values()}
        return {axis: size for axis, (size, _) in unconverted.items()}, units.pop() if len(units) == 1 else ""
    if "resolution" in stack.other:
        x, y, unit = stack.other["resolution"]
        return {"X": 1 / x, "Y": 1 / y}, unit if unit == "inch" else ""
    return {}, ""
