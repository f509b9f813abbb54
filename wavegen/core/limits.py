"""Limits on what a file may ask for before anything is allocated: declared sizes are checked against memory."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from wavegen.core.errors import InputError, shown

VARIABLE = "WAVEGEN_MAX_IMAGE_GB"
GB = 1e9
SHARE = 0.5  # of the machine's memory that one image may fill
LARGEST = 2**62  # bytes; no file system holds more
CONTAINER = Path("/sys/fs/cgroup/memory.max")  # holds "max" where there is no limit


def limit_bytes() -> int:
    """How many bytes one decoded image may have: ``WAVEGEN_MAX_IMAGE_GB``, or half of the memory there is.

    Raises:
        InputError: the variable is not a positive number.
    """
    given = os.environ.get(VARIABLE)
    if not given:
        return int(SHARE * _memory())
    try:
        size = float(given)
    except ValueError:
        size = math.nan
    if not 0 < size < math.inf:
        raise InputError(f"{VARIABLE}={given!r}: give a positive number of gigabytes, such as {VARIABLE}=16")
    return int(size * GB)


def _memory() -> int:
    """Bytes of memory of the machine, or of the container."""
    try:
        pages, page = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # no POSIX system
        return int(16 * GB)
    try:
        return min(pages * page, int(CONTAINER.read_text()))
    except (OSError, ValueError):
        return pages * page


def check_declared(path: str | Path, shape: Iterable[int], dtype: Any, limit: int | None = None) -> None:
    """Check the size that a file declares for what is to be decoded at once: an image, a plane, a chunk, a strip.

    Call it before anything is allocated. What stays on disk (memory-mapped pixels, planes that are read on demand)
    does not count.

    Args:
        path: the file, for the message.
        shape: lengths as the file declares them.
        dtype: of the decoded values.
        limit: bytes; None is :func:`limit_bytes`.

    Raises:
        InputError: a length of zero or less, or more bytes than the limit.
    """
    lengths = [int(n) for n in shape]
    kind = np.dtype(dtype)
    size, most = math.prod(lengths) * kind.itemsize, limit_bytes() if limit is None else limit
    if any(n <= 0 for n in lengths):
        raise InputError(f"cannot read {path}: its size is {shown(lengths)}, so it holds no pixels; export it again")
    if size >= LARGEST:
        raise InputError(f"cannot read {path}: it declares more values than any machine holds; export it again")
    if size > most:
        raise InputError(
            f"cannot read {path}: it declares {'x'.join(map(str, lengths))} values of {kind}, {size / GB:,.1f} GB, "
            f"above the limit of {most / GB:,.1f} GB; if that is right, set {VARIABLE}={math.ceil(size / GB)}, "
            "else export it again"
        )
