"""OME-XML: what is read from the description of an OME-TIFF, and what tifffile is given to write.

Schema 2016-06, https://docs.openmicroscopy.org/ome-model.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree import ElementTree

from wavegen.core.errors import InputError
from wavegen.io.imagej import add_size
from wavegen.io.records import split_records, with_records
from wavegen.io.stack import Stack
from wavegen.io.units import converted, seconds

Element = ElementTree.Element
CHANNEL = (
    "AcquisitionMode", "ContrastMethod", "EmissionWavelength", "EmissionWavelengthUnit", "ExcitationWavelength",
    "ExcitationWavelengthUnit", "Fluor", "IlluminationType", "NDFilter", "PinholeSize", "PinholeSizeUnit",
    "PockelCellSetting",
)  # fmt: skip
PLANE = (
    "DeltaT", "DeltaTUnit", "ExposureTime", "ExposureTimeUnit", "PositionX", "PositionXUnit", "PositionY",
    "PositionYUnit", "PositionZ", "PositionZUnit",
)  # fmt: skip
NOT_KEPT = ("Instrument", "StructuredAnnotations", "ROI", "Experiment", "Plate", "Folder")
RELATIVE = ("pixel", "reference frame")  # units of the schema that are no lengths


def children(element: Element, name: str) -> list[Element]:
    """The children of that name, in any namespace."""
    return [child for child in element if child.tag.rpartition("}")[2] == name]


def root_of(xml: str) -> Element:
    """The parsed document.

    Raises:
        InputError: it is not XML, or its images are described in another file.
    """
    try:
        root = ElementTree.fromstring(xml)
    except ElementTree.ParseError as error:
        raise InputError(f"its OME-XML is damaged ({error}); export it again") from None
    return root


def files_of(root: Element) -> tuple[str, ...]:
    """Names of the files that hold planes of the set, in the order of the document; empty for a file by itself."""
    names = [
        uuid.get("FileName", "")
        for image in children(root, "Image")
        for pixels in children(image, "Pixels")
        for data in children(pixels, "TiffData")
        for uuid in children(data, "UUID")
    ]
    return tuple(dict.fromkeys(name for name in names if name))


def described_elsewhere(root: Element) -> str | None:
    """The file that describes the planes of this one, where this one does not."""
    only = children(root, "BinaryOnly")
    return only[0].get("MetadataFile", "another file") if only else None


def image_of(root: Element, number: int, name: str) -> Element:
    """The image that belongs to a series of tifffile, which leaves out images without planes."""
    images = children(root, "Image")
    if number < len(images) and (images[number].get("Name") or "") == name:
        return images[number]
    return next((image for image in images if image.get("Name") == name), images[min(number, len(images) - 1)])


def read(root: Element, image: Element, pixel_um: dict[str, float], other: dict[str, Any]) -> list[str]:
    """Add sizes, description, frame interval and what else is kept; returns the names of the channels.

    Args:
        root: the document.
        image: one of its images.
        pixel_um: sizes in µm, to be filled.
        other: entries of :attr:`Stack.other`, to be filled.
    """
    pixels = children(image, "Pixels")[0]
    _add_sizes(pixels, pixel_um, other)
    for described in children(image, "Description"):
        text, records = split_records(described.text or "")
        other |= ({"description": text} if text else {}) | ({"records": records} if records else {})
    if image.get("Name"):
        other["name"] = image.get("Name")
    channels = children(pixels, "Channel")
    other["ome"] = _attributes(pixels, channels)
    colors = tuple(_hex(channel.get("Color")) for channel in channels)
    if any(colors):
        other["colors"] = colors
    lost = [name for name in NOT_KEPT if children(root, name)]
    if lost:
        other["remarks"] = (*other.get("remarks", ()), f"OME metadata not carried over: {', '.join(lost)}")
    return [channel.get("Name", "") for channel in channels]


def _add_sizes(pixels: Element, pixel_um: dict[str, float], other: dict[str, Any]) -> None:
    """Pixel sizes and the frame interval, with the default units of the schema."""
    for axis in "XYZ":
        size = pixels.get(f"PhysicalSize{axis}")
        if size:
            add_size(axis, float(size), pixels.get(f"PhysicalSize{axis}Unit", "µm"), pixel_um, other)
    interval, unit = pixels.get("TimeIncrement"), pixels.get("TimeIncrementUnit", "s")
    second = seconds(unit)
    if interval and second is not None:
        other["interval_s"] = converted(float(interval), second)
    elif interval:
        other.setdefault("unconverted", {})["T"] = (float(interval), unit)


def _attributes(pixels: Element, channels: Sequence[Element]) -> dict[str, Any]:
    """Attributes of channels, and of planes by their place (t, c, z)."""
    of_channels = [{key: channel.get(key) for key in CHANNEL if channel.get(key)} for channel in channels]
    of_planes = {
        tuple(int(plane.get(f"The{axis}", 0)) for axis in "TCZ"): {k: plane.get(k) for k in PLANE if plane.get(k)}
        for plane in children(pixels, "Plane")
    }
    return ({"Channel": of_channels} if any(of_channels) else {}) | ({"Plane": of_planes} if of_planes else {})


def _hex(color: str | None) -> str:
    """RRGGBB of a signed 32-bit RGBA number."""
    try:
        return f"{(int(color or '') & 0xFFFFFFFF) >> 8:06X}"
    except ValueError:
        return ""


def shape(stack: Stack) -> tuple[str, tuple[int, ...]]:
    """The axes in an order that OME-XML can describe, with Y and X last but for samples, and their lengths."""
    samples = stack.other.get("samples")
    inner = "YX" if not samples else "CYX" if samples.planar else "YXC"
    axes = "".join(axis for axis in stack.axes if axis not in inner) + inner
    return axes, tuple(stack.size(axis) for axis in axes)


def options(stack: Stack, records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The metadata that tifffile writes as OME-XML."""
    metadata: dict[str, Any] = {}
    sizes = {axis: (size, "µm") for axis, size in stack.pixel_um.items()}
    for axis, (size, unit) in stack.other.get("unconverted", {}).items():
        if axis in "XYZ":
            sizes.setdefault(axis, (size, unit if unit in RELATIVE else "reference frame"))
    for axis, (size, unit) in sizes.items():
        metadata |= {f"PhysicalSize{axis}": size, f"PhysicalSize{axis}Unit": unit}
    if stack.other.get("name"):
        metadata["Name"] = stack.other["name"]
    if "interval_s" in stack.other:
        metadata |= {"TimeIncrement": stack.other["interval_s"], "TimeIncrementUnit": "s"}
    described = with_records(stack.description, records)
    if described:
        metadata["Description"] = described
    channels = _channels(stack)
    if any(channels):
        metadata["Channel"] = channels
    planes = _planes(stack)
    if any(planes):
        metadata["Plane"] = planes
    return metadata


def _channels(stack: Stack) -> list[dict[str, Any]]:
    """The attributes of each channel; samples within pixels are one channel."""
    kept = stack.other.get("ome", {}).get("Channel", [])
    count = 1 if stack.other.get("samples") else stack.size("C")
    channels = [dict(one) for one in kept] if len(kept) == count else [{} for _ in range(count)]
    if count != stack.size("C"):
        return channels
    for key, given in (("Name", stack.channels), ("Color", stack.other.get("colors", ()))):
        for channel, value in zip(channels, given, strict=False):
            if value:
                channel[key] = _number(value) if key == "Color" else value
    return channels


def _number(color: str) -> int:
    """RRGGBB as a signed 32-bit RGBA number, opaque."""
    value = (int(color, 16) << 8) | 0xFF
    return value - (1 << 32) if value >= 1 << 31 else value


def _planes(stack: Stack) -> list[dict[str, Any]]:
    """The attributes of each plane, in the order in which planes are written."""
    kept = stack.other.get("ome", {}).get("Plane", {})
    if not kept:
        return []
    axes = [axis for axis in stack.axes if axis in "TZ" or (axis == "C" and not stack.other.get("samples"))]
    places = [
        dict(zip(axes, index, strict=True)) for index in itertools.product(*(range(stack.size(axis)) for axis in axes))
    ]
    return [dict(kept.get(tuple(place.get(axis, 0) for axis in "TCZ"), {})) for place in places]
