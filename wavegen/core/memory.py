"""Keep freed memory in the process, so that large tensors cost no page faults."""

from __future__ import annotations

import ctypes
import platform
import sys

# Parameters of mallopt(3) in glibc's malloc.h.
_TRIM_THRESHOLD, _MMAP_MAX = -1, -4
_NEVER = 2**31 - 1


def keep_freed_memory() -> bool:
    """Let this process keep the memory that it frees, in all threads and libraries; returns whether that was possible.

    glibc returns every freed block above 32 MB to the system, which zeroes it page by page when it is allocated again.
    Feature maps reach that size at 256 x 256 pixels and a batch of 8, and restoring them then takes up to twice as
    long. The price: memory once in use stays with the process until it ends. Works with glibc only.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    libc = ctypes.CDLL(None)
    return bool(libc.mallopt(_MMAP_MAX, 0) and libc.mallopt(_TRIM_THRESHOLD, _NEVER))


def peak_memory() -> int:
    """The most memory, in bytes, that this process has had so far; 0 where the system does not say."""
    try:
        import resource
    except ImportError:  # Windows
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak
