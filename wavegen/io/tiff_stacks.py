"""TIFF files written from stacks plane by plane: ImageJ hyperstacks and OME-TIFF."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wavegen.core.files import allocate
from wavegen.io import imagej, ome
from wavegen.io.stack import Place, Stack
from wavegen.io.tiff import inverted
from wavegen.io.tiff_tags import per_centimetre, tags_of


@contextmanager
def writer(
    path: str, stack: Stack, dtype: np.dtype[Any], kind: str, records: Sequence[Mapping[str, Any]]
) -> Iterator[Callable[[Place, NDArray[Any]], None]]:
    """Create a file of the stack's shape and yield a function that writes planes (C, Y, X) in any order.

    Args:
        path: a file to be overwritten.
        stack: provides axes, shape and metadata.
        dtype: uint8, uint16 or float32.
        kind: ``imagej`` (axes are reordered to TZCYX) or ``ome`` (Y and X come last).
        records: processing records, stored with the metadata.
    """
    import tifffile

    if kind == "imagej":
        axes, shape = imagej.shape(stack)
        options = imagej.options(stack, axes, records)
    else:
        axes, shape = ome.shape(stack)
        options = _ome_options(stack, axes, records)
    options |= tags_of(stack.other, in_description=kind == "imagej")
    white_is_zero = bool(stack.other.get("white_is_zero"))
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
            values = inverted(plane) if white_is_zero else plane
            pixels = layout.arrange(values).astype(dtype, copy=False).reshape(len(chosen), -1)
            for block, content in zip(chosen.tolist(), pixels, strict=True):
                file.seek(offset + block * size)
                file.write(content.tobytes())

        yield put


def _ome_options(stack: Stack, axes: str, records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What tifffile writes for OME-TIFF."""
    metadata = ome.options(stack, records)
    metadata["axes"] = axes.replace("C", "S") if stack.other.get("samples") else axes
    options: dict[str, Any] = {"ome": True, "metadata": metadata}
    if {"X", "Y"} <= set(stack.pixel_um):
        options |= per_centimetre(stack.pixel_um["Y"], stack.pixel_um["X"])
    return options
