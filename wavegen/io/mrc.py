"""MRC files, the format of BioSR (read only).

The header is that of MRC2014 (Cheng et al., J. Struct. Biol. 2015): 256 words of 4 bytes, of which words 1-3 are
columns, rows and sections, word 4 the type, word 24 the bytes of an extended header.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from wavegen.core.errors import InputError
from wavegen.core.limits import check_declared

HEADER = 1024  # bytes
TYPES = {0: "i1", 1: "i2", 2: "f4", 6: "u2"}


class MrcHeader(NamedTuple):
    """Shape (sections, rows, columns), dtype, and offset of the pixels in bytes."""

    shape: tuple[int, int, int]
    dtype: np.dtype[Any]
    offset: int


def mrc_header(path: str | Path) -> MrcHeader:
    """The header of a file, of either byte order.

    Raises:
        InputError: the file is missing, is not MRC, or is shorter than its header says.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            raw = file.read(HEADER)
        size = path.stat().st_size
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}; give an MRC file") from None
    for order in "<>":
        words = np.frombuffer(raw, f"{order}i4", 24) if len(raw) == HEADER else np.zeros(24, int)
        columns, rows, sections, kind = (int(word) for word in words[:4])
        extended = int(words[23])
        if kind in TYPES and min(columns, rows, sections) > 0 and 0 <= extended < size:
            dtype = np.dtype(TYPES[kind]).newbyteorder(order)  # type: ignore[arg-type]
            offset = HEADER + extended
            if size >= offset + dtype.itemsize * columns * rows * sections:
                return MrcHeader((sections, rows, columns), dtype, offset)
    raise InputError(f"cannot read {path}: damaged or not an MRC file; copy it again")


def read_mrc(path: str | Path) -> NDArray[Any]:
    """The pixels (sections, rows, columns) in native byte order, rows as stored.

    Raises:
        InputError: as :func:`mrc_header`, or more pixels than the limit.
    """
    header = mrc_header(path)
    check_declared(path, header.shape, header.dtype)
    pixels = np.fromfile(path, header.dtype, int(np.prod(header.shape)), offset=header.offset)
    native: NDArray[Any] = pixels.astype(header.dtype.newbyteorder("="), copy=False).reshape(header.shape)
    return native
