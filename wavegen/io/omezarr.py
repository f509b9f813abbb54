"""OME-Zarr stores read and written as stacks: NGFF metadata 0.4 (zarr 2) and 0.5 (zarr 3), https://ngff.openmicroscopy.org."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wavegen.core.errors import LONGEST, InputError, shown, some
from wavegen.core.limits import check_declared
from wavegen.core.optional import need
from wavegen.io.ngff import CHUNKS, check_chunks, check_described, check_files, declared_chunks, stored_chunks
from wavegen.io.stack import AXES, Place, Stack, check_axes
from wavegen.io.units import converted, micrometres, seconds

TYPES = {"T": "time", "C": "channel"}
LETTERS = {"time": "T", "channel": "C"}  # by the type of an axis, whatever its name
OLDEST_AXES = "TCZYX"  # of versions 0.1 and 0.2, which name none
TILE = 1024  # longest side of a chunk
VERSIONS = {"0.4": 2, "0.5": 3}  # of the metadata, with the Zarr format that belongs to it


def is_store(path: Path) -> bool:
    """Whether a path is a Zarr group or is named like one."""
    return path.suffix.lower() == ".zarr" or (
        path.is_dir() and ((path / "zarr.json").is_file() or (path / ".zgroup").is_file())
    )


def read(path: Path, axes: str | None, series: int = 1) -> Stack:
    """The finest level of an image of a store; pixels are read plane by plane, on demand.

    Args:
        path: the folder.
        axes: one letter of TCZYX for each dimension, if the store has no or wrong axes.
        series: which of several images ("multiscales"), from 1.

    Raises:
        InputError: zarr is not installed, the folder is not an OME-Zarr image, or an axis is of another kind.
    """
    check_files(path)
    group = _zarr().open_group(str(path), mode="r")
    attributes = dict(group.attrs)
    check_described(attributes)
    ome = dict(attributes.get("ome") or attributes)
    scales = _image(path, group, ome, series)
    level = scales["datasets"][0]
    check_files(path / level["path"])
    array = group[level["path"]]
    if not hasattr(array, "chunks"):
        raise InputError(f"{path}: {level['path']!r} is a group, where the metadata promise pixels")
    described = _described(path, scales, array.ndim, known=axes is not None)
    letters = [_letter(one) for one in described]
    stack_axes = axes or "".join(letters)
    check_axes(stack_axes, tuple(array.shape))
    check_chunks(stack_axes, array, path / level["path"])
    check_declared(path, array.chunks, array.dtype)
    other = _other_metadata(attributes, ome, scales) | _remarks(
        group, array, path / level["path"], len(ome["multiscales"]), series
    )
    pixel_um: dict[str, float] = {}
    if list(stack_axes) == letters:
        _place(scales, level, described, pixel_um, other)
    names = _channels(ome, array.shape[stack_axes.index("C")] if "C" in stack_axes else 1, other)
    return Stack(array, stack_axes, pixel_um, names, other)


def _described(path: Path, scales: Any, count: int, known: bool) -> list[dict[str, Any]]:
    """What the metadata say of each axis.

    Raises:
        InputError: an axis of another kind, unless the caller has said what it is.
    """
    described = [one if isinstance(one, dict) else {"name": one} for one in scales.get("axes", [])]
    if not described and count == len(OLDEST_AXES):
        described = [{"name": letter} for letter in OLDEST_AXES.lower()]
    unknown = [_axis(one) for one in described if _letter(one) not in AXES]
    if unknown and not known:
        raise InputError(f"{path}: axis {some(unknown)} is none of t, c, z, y, x; give --axes to say what it is")
    return described


def _image(path: Path, group: Any, ome: Mapping[str, Any], series: int) -> Any:
    """The description of one image."""
    images = ome.get("multiscales")
    if not images:
        raise InputError(
            f"{path}: no 'multiscales' metadata, so this is not an OME-Zarr image; give the folder of one image "
            f"(a plate or a collection holds several: {', '.join(sorted(group.group_keys())[:3]) or 'none here'})"
        )
    if not 1 <= series <= len(images):
        raise InputError(f"{path} holds {len(images)} image(s), there is no image {series}")
    return images[series - 1]


def _channels(ome: Mapping[str, Any], count: int, other: dict[str, Any]) -> tuple[str, ...]:
    """Names of the channels, or nothing; their colours are added to ``other``."""
    entries = [one if isinstance(one, dict) else {} for one in ome.get("omero", {}).get("channels", [])]
    if len(entries) != count:
        return ()
    colors = tuple(str(one.get("color") or "") for one in entries)
    if any(colors):
        other["colors"] = colors
    names = tuple(str(one.get("label") or "") for one in entries)
    return names if any(names) else ()


def _axis(described: Mapping[str, Any]) -> str:
    """An axis for a message, by its name and type."""
    return f"{shown(described['name'])} ({str(described.get('type') or 'no type')[:LONGEST]})"


def _letter(described: Mapping[str, Any]) -> str:
    """The letter of an axis, or its name."""
    return LETTERS.get(described.get("type", ""), str(described["name"]).upper())


def _remarks(group: Any, array: Any, folder: Path, images: int, series: int) -> dict[str, Any]:
    """What the store holds beside the image, and parts of the image that it does not hold."""
    remarks = []
    if images > 1:
        remarks.append(f"image {series} of {images} in the store; --series chooses another")
    if "labels" in group:
        remarks.append("labels are not carried over")
    declared = declared_chunks(array)
    missing = declared - stored_chunks(folder, declared) if declared <= CHUNKS else 0
    if missing:
        remarks.append(f"{missing} of {declared} chunks are not stored and read as {array.fill_value}")
    chosen = {"series": series} if images > 1 else {}
    return chosen | ({"remarks": tuple(remarks)} if remarks else {})


def _other_metadata(attributes: dict[str, Any], ome: dict[str, Any], scales: Any) -> dict[str, Any]:
    """What a written stack keeps beside axes, sizes and channels."""
    optional = {
        "description": attributes.get("description"),
        "records": list(attributes.get("wavegen") or []),
        "name": scales.get("name"),
        "omero": ome.get("omero"),
    }
    version = str(ome.get("version") or scales.get("version", "0.4"))
    return {"format": "zarr", "version": version} | {key: value for key, value in optional.items() if value}


def _place(
    scales: Any, level: Any, described: Sequence[Any], pixel_um: dict[str, float], other: dict[str, Any]
) -> None:
    """Pixel sizes, frame interval and position of the first pixel, from the transformations of the level.

    Those of the level come first, then those of the image, which scale the positions of the level too.
    """
    scale, origin = np.ones(len(described)), np.zeros(len(described))
    known = False
    for step in [*level.get("coordinateTransformations", []), *scales.get("coordinateTransformations", [])]:
        if step.get("type") == "scale":
            factors = np.asarray(step["scale"], dtype=float)
            scale, origin, known = scale * factors, origin * factors, True
        elif step.get("type") == "translation":
            origin = origin + np.asarray(step["translation"], dtype=float)
    for axis, size, first in zip(described, scale, origin, strict=True):
        if known and _letter(axis) != "C":
            _place_along(_letter(axis), str(axis.get("unit") or ""), float(size), float(first), pixel_um, other)


def _place_along(
    axis: str, unit: str, size: float, first: float, pixel_um: dict[str, float], other: dict[str, Any]
) -> None:
    """Size and first position along one axis; a size of 1 without a unit says nothing."""
    factor = seconds(unit) if axis == "T" else micrometres(unit)
    if factor is None and (size != 1 or unit):
        other.setdefault("unconverted", {})[axis] = (size, unit)
    elif factor is not None and axis == "T":
        other["interval_s"] = converted(size, factor)
    elif factor is not None:
        pixel_um[axis] = converted(size, factor)
    if first:
        other.setdefault("origin", {})[axis] = converted(first, factor or 1.0)


def attributes_of(stack: Stack, version: str, records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The group's attributes for one image of one level."""
    axes: list[dict[str, str]] = []
    scale: list[float] = []
    for axis in stack.axes:
        size, unit = _size_of(stack, axis)
        axes.append({"name": axis.lower(), "type": TYPES.get(axis, "space")} | ({"unit": unit} if unit else {}))
        scale.append(size)
    steps: list[dict[str, Any]] = [{"type": "scale", "scale": scale}]
    origin = stack.other.get("origin", {})
    if origin:
        steps.append({"type": "translation", "translation": [float(origin.get(axis, 0.0)) for axis in stack.axes]})
    level = {"path": "0", "coordinateTransformations": steps}
    image: dict[str, Any] = {"name": stack.other.get("name", "image"), "axes": axes, "datasets": [level]}
    ome: dict[str, Any] = {"multiscales": [image]}
    omero = _omero(stack)
    if omero:
        ome["omero"] = omero
    if version == "0.4":
        image["version"] = version
        attributes = ome
    else:
        attributes = {"ome": {"version": version, **ome}}
    if stack.description:
        attributes["description"] = stack.description
    if records:
        attributes["wavegen"] = [dict(record) for record in records]
    return attributes


def _size_of(stack: Stack, axis: str) -> tuple[float, str]:
    """The scale of an axis and its unit; 1 and nothing where it is not known."""
    if axis == "T" and "interval_s" in stack.other:
        return float(stack.other["interval_s"]), "second"
    if axis in stack.pixel_um:
        return float(stack.pixel_um[axis]), "micrometer"
    size, unit = stack.other.get("unconverted", {}).get(axis, (1.0, ""))
    return float(size), str(unit)


def _omero(stack: Stack) -> dict[str, Any]:
    """Display settings: those of the source, or names and colours of channels."""
    omero = dict(stack.other.get("omero", {}))
    colors = stack.other.get("colors", ())
    if omero or not (any(stack.channels) or any(colors)):
        return omero
    names = stack.channels or ("",) * stack.size("C")
    colors = colors if len(colors) == len(names) else ("",) * len(names)
    return {
        "channels": [
            {"color": color or "FFFFFF", "active": True} | ({"label": name} if name else {})
            for name, color in zip(names, colors, strict=True)
        ]
    }


@contextmanager
def writer(
    path: str, stack: Stack, dtype: np.dtype[Any], records: Sequence[Mapping[str, Any]]
) -> Iterator[Callable[[Place, NDArray[Any]], None]]:
    """Create a store of the stack's shape and yield a function that writes planes (C, Y, X) in any order.

    The metadata version is that of the source if it is 0.4 or 0.5, else 0.5. NGFF requires the axis order TCZYX;
    other orders are written unchanged.
    """
    version = str(stack.other.get("version", "0.5"))
    version = version if version in VERSIONS else "0.5"
    group = _zarr().open_group(path, mode="w", zarr_format=VERSIONS[version])
    group.attrs.update(attributes_of(stack, version, records))
    chunks = tuple(min(n, TILE) if axis in "YX" else 1 for axis, n in zip(stack.axes, stack.shape, strict=True))
    more = {"dimension_names": [axis.lower() for axis in stack.axes]} if version == "0.5" else {}
    array = group.create_array("0", shape=stack.shape, dtype=dtype, chunks=chunks, **more)

    def put(place: Place, plane: NDArray[Any]) -> None:
        array[stack.index(place)] = stack.arrange(plane)

    yield put


def _zarr() -> Any:
    """The zarr package.

    Raises:
        InputError: it is not installed, or too old.
    """
    zarr = need("zarr", "zarr")
    if int(zarr.__version__.split(".")[0]) < 3:
        raise InputError(f"OME-Zarr needs zarr 3 or newer, found {zarr.__version__}; run: pip install 'zarr>=3'")
    return zarr
