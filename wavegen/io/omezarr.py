"""OME-Zarr stores read and written as stacks: NGFF metadata 0.4 (zarr 2) and 0.5 (zarr 3), https://ngff.openmicroscopy.org."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wavegen.core.errors import InputError
from wavegen.core.optional import need
from wavegen.io.stack import Place, Stack, check_axes

TYPES = {"T": "time", "C": "channel"}
UM_PER_UNIT = {"angstrom": 1e-4, "nanometer": 1e-3, "micrometer": 1.0, "millimeter": 1e3, "centimeter": 1e4}
SECONDS_PER_UNIT = {"millisecond": 1e-3, "second": 1.0, "minute": 60.0, "hour": 3600.0}
TILE = 1024  # longest side of a chunk
VERSIONS = {"0.4": 2, "0.5": 3}  # of the metadata, with the Zarr format that belongs to it


def is_store(path: Path) -> bool:
    """Whether a path is a Zarr group or is named like one."""
    return path.suffix.lower() == ".zarr" or (
        path.is_dir() and ((path / "zarr.json").is_file() or (path / ".zgroup").is_file())
    )


def read(path: Path, axes: str | None) -> Stack:
    """The finest level of the first image of a store; pixels are read plane by plane, on demand.

    Raises:
        InputError: zarr is not installed, or the folder is not an OME-Zarr image.
    """
    group = _zarr().open_group(str(path), mode="r")
    attributes = dict(group.attrs)
    ome = dict(attributes.get("ome", attributes))
    if not ome.get("multiscales"):
        raise InputError(
            f"{path}: no 'multiscales' metadata, so this is not an OME-Zarr image; give the folder of one image "
            f"(a plate or a collection holds several: {', '.join(sorted(group.group_keys())[:3]) or 'none here'})"
        )
    scales = ome["multiscales"][0]
    level = scales["datasets"][0]
    array = group[level["path"]]
    stored_axes = "".join(str(a["name"] if isinstance(a, dict) else a).upper() for a in scales.get("axes", []))
    stack_axes = axes or stored_axes
    check_axes(stack_axes, tuple(array.shape))
    other = _other_metadata(attributes, ome, scales)
    pixel_um = _sizes(scales, level, stored_axes, other) if stack_axes == stored_axes else {}
    channels = array.shape[stack_axes.index("C")] if "C" in stack_axes else 1
    return Stack(array, stack_axes, pixel_um, _channel_names(ome, channels), other)


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


def _channel_names(ome: dict[str, Any], channels: int) -> tuple[str, ...]:
    """The labels of all channels, or none where some channel has none."""
    labels = tuple(str(c.get("label", "")) for c in ome.get("omero", {}).get("channels", []))
    return labels if len(labels) == channels and all(labels) else ()


def _sizes(scales: Any, level: Any, axes: str, other: dict[str, Any]) -> dict[str, float]:
    """Pixel sizes in µm from the scale of the level; the frame interval in seconds is added to ``other``."""
    scale = np.ones(len(axes))
    known = False
    for step in [*level.get("coordinateTransformations", []), *scales.get("coordinateTransformations", [])]:
        if step.get("type") == "scale":
            scale, known = scale * np.asarray(step["scale"], dtype=float), True
    sizes: dict[str, float] = {}
    for axis, described, size in zip(axes, scales["axes"], scale, strict=True):
        unit = described.get("unit") if isinstance(described, dict) else None
        if known and axis in "ZYX" and unit in UM_PER_UNIT:
            sizes[axis] = float(size) * UM_PER_UNIT[unit]
        if known and axis == "T" and unit in SECONDS_PER_UNIT:
            other["interval_s"] = float(size) * SECONDS_PER_UNIT[unit]
    return sizes


def attributes_of(stack: Stack, version: str, records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The group's attributes for one image of one level."""
    axes: list[dict[str, str]] = []
    scale: list[float] = []
    for axis in stack.axes:
        described = {"name": axis.lower(), "type": TYPES.get(axis, "space")}
        size = stack.pixel_um.get(axis)
        if axis == "T" and "interval_s" in stack.other:
            size = float(stack.other["interval_s"])
            described["unit"] = "second"
        elif size is not None:
            described["unit"] = "micrometer"
        axes.append(described)
        scale.append(1.0 if size is None else float(size))
    level = {"path": "0", "coordinateTransformations": [{"type": "scale", "scale": scale}]}
    image: dict[str, Any] = {"name": stack.other.get("name", "image"), "axes": axes, "datasets": [level]}
    ome: dict[str, Any] = {"multiscales": [image]}
    omero = dict(stack.other.get("omero", {}))
    if stack.channels and not omero:
        omero = {"channels": [{"label": name, "color": "FFFFFF", "active": True} for name in stack.channels]}
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
