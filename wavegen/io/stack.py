"""An image with named axes: one plane, or several over time and depth, in memory or read on demand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from wavegen.core.errors import InputError

AXES = "TCZYX"


class Place(NamedTuple):
    """Position of a plane: indices in time and depth."""

    t: int
    z: int


@dataclass(frozen=True)
class Stack:
    """Pixels and their metadata.

    Args:
        array: anything with ``shape``, ``dtype`` and numpy indexing; a lazy array is read plane by plane.
        axes: one letter of TCZYX for each dimension of ``array``, Y and X among them, in any order.
        pixel_um: pixel size in µm by axis (X, Y, Z), if known.
        channels: names of the channels (empty where one has none), or nothing.
        other: further metadata, as far as the file has it:

            - ``format``: ``tiff``, ``imagej``, ``ome``, ``zarr``, ``png`` or ``jpeg``;
            - ``rgb``, ``alpha``, ``samples`` (:class:`~wavegen.io.samples.Samples`): channels that are stored within
              pixels, whether they are colours, and whether the last one is transparency;
            - ``description``, ``records`` (of processing), ``name``;
            - ``interval_s``: time between frames; ``colors``: RRGGBB of each channel, or empty;
            - ``unconverted``: (size, unit) by axis where the unit is no length or time; ``origin``: position of the
              first pixel by axis, in µm; ``resolution``: (x, y, unit) of TIFF, PNG and JPEG in ``inch`` or ``none``;
            - ``orientation`` (Exif, 2 to 8), ``icc`` (a profile), ``white_is_zero`` (how intensities are stored);
            - ``series``: which image of a file that holds several;
            - ``remarks``: what the file holds and this stack does not;
            - ``imagej``, ``ome``, ``omero``, ``version``: entries of one format.

    Raises:
        InputError: axes that do not fit the array, or another number of channel names than channels.
    """

    array: Any
    axes: str
    pixel_um: Mapping[str, float] = field(default_factory=dict)
    channels: tuple[str, ...] = ()
    other: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_axes(self.axes, tuple(self.array.shape))
        if self.channels and len(self.channels) != self.size("C"):
            raise InputError(f"{len(self.channels)} channel names for {self.size('C')} channel(s); give one for each")

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis, in the order of ``axes``."""
        return tuple(int(n) for n in self.array.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the planes: uint8, uint16 or float32."""
        kind = np.dtype(self.array.dtype).newbyteorder("=")
        return kind if kind in (np.uint8, np.uint16) else np.dtype(np.float32)

    @property
    def description(self) -> str:
        """The description in the file, or ImageJ's ``Info``; empty if there is none."""
        return str(self.other.get("description") or self.other.get("imagej", {}).get("Info") or "")

    @property
    def alpha(self) -> bool:
        """Whether the last channel is transparency."""
        return bool(self.other.get("alpha"))

    def size(self, axis: str) -> int:
        """Length of an axis; 1 if the stack does not have it."""
        return self.shape[self.axes.index(axis)] if axis in self.axes else 1

    def places(self) -> Iterator[Place]:
        """All planes; depth varies fastest."""
        for t in range(self.size("T")):
            for z in range(self.size("Z")):
                yield Place(t, z)

    def plane(self, place: Place = Place(0, 0)) -> NDArray[Any]:  # noqa: B008  (immutable)
        """One plane (C, Y, X) of :attr:`dtype`; only this plane is read.

        Raises:
            InputError: values that float32 cannot represent.
        """
        pixels = np.asarray(self.array[self.index(place)])
        plane_axes = [axis for axis in self.axes if axis in "CYX"]
        pixels = pixels.transpose([plane_axes.index(axis) for axis in "CYX" if axis in plane_axes])
        return native(np.ascontiguousarray(pixels.reshape(-1, *pixels.shape[-2:])))

    def index(self, place: Place) -> tuple[int | slice, ...]:
        """The index of a plane in the array."""
        indices = {"T": place.t, "Z": place.z}
        return tuple(indices.get(axis, slice(None)) for axis in self.axes)

    def arrange(self, plane: NDArray[Any]) -> NDArray[Any]:
        """A plane (C, Y, X) with its axes in the order of the array, as in ``array[index(place)]``."""
        plane_axes = [axis for axis in self.axes if axis in "CYX"]
        pixels = plane if "C" in plane_axes else plane[0]
        return pixels.transpose([[a for a in "CYX" if a in plane_axes].index(axis) for axis in plane_axes])


def of_another_quantity(stack: Stack) -> Stack:
    """The stack as the frame of values of another kind, such as a spread: without display ranges, as plain numbers."""
    other = {key: value for key, value in stack.other.items() if key != "white_is_zero"}
    if "imagej" in other:
        ranges = ("Ranges", "min", "max")
        other["imagej"] = {key: value for key, value in other["imagej"].items() if key not in ranges}
    if "omero" in other:
        channels = other["omero"].get("channels", [])
        plain = [{key: value for key, value in channel.items() if key != "window"} for channel in channels]
        other["omero"] = {**other["omero"], "channels": plain}
    return replace(stack, other=other)


def check_axes(axes: str, shape: tuple[int, ...]) -> None:
    """Check that axes name every dimension once.

    Raises:
        InputError: another number of axes than dimensions, an unknown or repeated letter, no Y or X, or length 0.
    """
    if len(axes) != len(shape):
        raise InputError(f"axes {axes!r} name {len(axes)} dimension(s), the array has {len(shape)}: {shape}")
    if len(set(axes)) != len(axes) or not set(axes) <= set(AXES) or not {"Y", "X"} <= set(axes):
        raise InputError(f"axes {axes!r} of shape {shape}: give each of Y and X, and any of T, C and Z, once")
    if 0 in shape:
        raise InputError(f"the array is empty: shape {shape}")


def native(pixels: NDArray[Any]) -> NDArray[Any]:
    """uint8, uint16 or float32 in native byte order; float64 is rounded, other types only if exact.

    Raises:
        InputError: integers beyond 2^24, a type that is not real, float64 beyond the range of float32 or on an offset
            under which float32 loses its contrast.
    """
    dtype = pixels.dtype.newbyteorder("=")
    if dtype in (np.uint8, np.uint16, np.float32):
        return pixels.astype(dtype, copy=False)
    if dtype.kind == "f":
        return _rounded(pixels)
    if dtype.kind in "iub" and (not pixels.size or abs(int(pixels.max())) <= LARGEST_EXACT >= -int(pixels.min())):
        return pixels.astype(np.float32)
    raise InputError(f"values of type {dtype} do not fit float32; save as uint16 or float32")


def _rounded(pixels: NDArray[Any]) -> NDArray[Any]:
    """Floats as float32.

    Raises:
        InputError: infinities that were finite before, or rounding that is visible against the contrast.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        narrow: NDArray[Any] = pixels.astype(np.float32)
        if (np.isinf(narrow) & np.isfinite(pixels)).any():
            raise InputError(
                f"values of type {pixels.dtype} up to {np.nanmax(np.abs(pixels)):.3g} do not fit float32; rescale them"
            )
        finite = pixels[np.isfinite(pixels)]
        contrast = float(np.ptp(finite)) if finite.size else 0.0
        worst = float(np.abs(finite - finite.astype(np.float32)).max(initial=0))
    if contrast > 0 and worst > LARGEST_ROUNDING * contrast:
        raise InputError(
            f"values of type {pixels.dtype} near {float(finite.flat[0]):.6g} that differ by {contrast:.3g} lose their "
            "contrast in float32; subtract the offset first"
        )
    return narrow


LARGEST_EXACT = 2**24  # integers up to here are exact in float32
LARGEST_ROUNDING = 2e-3  # of an image's contrast: less than half a step of 8 bits
