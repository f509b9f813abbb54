"""Memory that a process keeps to itself, so that large tensors cost no page faults."""

from __future__ import annotations

import ctypes
import platform

# Parameters of mallopt(3) in glibc's malloc.h.
_TRIM_THRESHOLD, _MMAP_MAX = -1, -4
_NEVER = 2**31 - 1


def keep_freed_memory() -> bool:
    """Let this process keep what it frees, for all its threads and libraries; whether that could be set.

    glibc gives every block above 32 MB back to the system and has it zeroed page by page at the next call. Feature
    maps are that large from 256 x 256 pixels and a batch of 8 on: restoring them then takes up to twice as long. The
    price is memory: what was once in use stays with the process until it ends. Only glibc can be told so.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    libc = ctypes.CDLL(None)
    return bool(libc.mallopt(_MMAP_MAX, 0) and libc.mallopt(_TRIM_THRESHOLD, _NEVER))
