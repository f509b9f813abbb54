"""OME-Zarr stores as stacks: NGFF metadata 0.4 (zarr 2) and 0.5 (zarr 3), https://ngff.openmicroscopy.org."""

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
VERSIONS = {"0.4": 2, "0.5": 3}  # of the metadata, and the store's format that goes with it


def is_store(path: Path) -> bool:
    """Whether a path is a Zarr group or is named like one."""
    return path.suffix.lower() == ".zarr" or (
        path.is_dir() and ((path / "zarr.json").is_file() or (path / ".zgroup").is_file())
    )


def read(path: Path, axes: str | None) -> Stack:
    """The finest level of the first image of a store; pixels are read when a plane is asked for.

    Raises:
        InputError: zarr is not installed, or the folder is not an OME-Zarr image.
    """
    group = _zarr().open_group(str(path), mode="r")
    attributes = dict(group.attrs)
    found = dict(attributes.get("ome", attributes))
    if not found.get("multiscales"):
        raise InputError(
            f"{path}: no 'multiscales' metadata, so this is not an OME-Zarr image; give the folder of one image "
            f"(a plate or a collection holds several: {', '.join(sorted(group.group_keys())[:3]) or 'none here'})"
        )
    scales = found["multiscales"][0]
    level = scales["datasets"][0]
    array = group[level["path"]]
    named = "".join(str(a["name"] if isinstance(a, dict) else a).upper() for a in scales.get("axes", []))
    stack_axes = axes or named
    check_axes(stack_axes, tuple(array.shape))
    other: dict[str, Any] = {"format": "zarr", "version": str(found.get("version") or scales.get("version", "0.4"))}
    if attributes.get("description"):
        other["description"] = attributes["description"]
    if attributes.get("wavegen"):
        other["records"] = list(attributes["wavegen"])
    if scales.get("name"):
        other["name"] = scales["name"]
    pixel_um = _sizes(scales, level, named, other) if stack_axes == named else {}
    omero = found.get("omero", {})
    if omero:
        other["omero"] = omero
    names = tuple(str(c.get("label", "")) for c in omero.get("channels", []))
    count = array.shape[stack_axes.index("C")] if "C" in stack_axes else 1
    return Stack(array, stack_axes, pixel_um, names if len(names) == count and all(names) else (), other)


def _sizes(scales: Any, level: Any, axes: str, other: dict[str, Any]) -> dict[str, float]:
    """Pixel sizes in µm from the scale of the level; the interval in seconds goes to ``other``."""
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
    """Make a store of the stack's shape; what is yielded fills in planes (C, Y, X) in any order.

    The metadata version is the source's where it has one (0.4 or 0.5), else 0.5. NGFF asks for axes in the order
    TCZYX; axes in another order are written as they are.
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
