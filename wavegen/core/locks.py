"""Locks that end with the process that holds them: a killed run blocks nobody, and what it left can be told apart."""

from __future__ import annotations

import errno
import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

LOOK = 0.1  # seconds between two looks at a lock that is waited for
UNKNOWN = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EBADF, errno.EINVAL}  # to the file system
_descriptors: set[int] = set()


class BusyError(Exception):
    """Another process or thread holds the lock; the text is what the holder says of itself."""


class NoLocksError(Exception):
    """The file system knows no locks."""


@contextmanager
def held(path: Path, *, wait: float = 0.0, folder: bool = False, owner: str = "") -> Iterator[None]:
    """Make ``path`` where it does not exist and lock it; at the end it is removed, unless it has another name by then.

    What a killed process left under that name is taken over with its content.

    Args:
        path: a file, or a folder, in a folder that exists.
        wait: seconds to wait for another holder.
        folder: whether ``path`` is a folder.
        owner: text for others to read, written to the file.

    Raises:
        BusyError: somebody else holds it.
        NoLocksError: the file system knows no locks.
        OSError: it cannot be made.
    """
    until = time.monotonic() + wait
    while (descriptor := _take(path, folder)) is None:
        if time.monotonic() >= until:
            raise BusyError(_owner(path))
        time.sleep(LOOK)
    _descriptors.add(descriptor)
    try:
        if owner:
            os.ftruncate(descriptor, 0)
            os.write(descriptor, owner.encode())
        yield
    finally:
        if _is(path, descriptor):
            remove(path)
        _descriptors.discard(descriptor)
        os.close(descriptor)


def clear(folder: Path) -> None:
    """Remove what killed processes have left in a folder and those below it: locks and temporary files of nobody."""
    for path in sorted((*folder.rglob(".*.part"), *folder.rglob(".*lock"))):
        with suppress(BusyError, NoLocksError, OSError), held(path, folder=path.is_dir()):
            pass


def _take(path: Path, folder: bool) -> int | None:
    """A descriptor of the locked file or folder; None where somebody else holds it, or did until now."""
    new = not path.exists()
    if folder:
        path.mkdir(exist_ok=True)
    descriptor = os.open(path, os.O_RDONLY if folder else os.O_RDWR | os.O_CREAT, 0o666)
    try:
        _lock(descriptor)
        if _is(path, descriptor):
            return descriptor
    except BlockingIOError:
        pass
    except OSError as error:
        os.close(descriptor)
        if error.errno in UNKNOWN:
            if new:
                remove(path)
            raise NoLocksError(str(path)) from error
        raise
    os.close(descriptor)
    return None


def _lock(descriptor: int) -> None:
    """Lock without waiting.

    Raises:
        BlockingIOError: somebody else holds it.
    """
    if sys.platform == "win32":
        raise OSError(errno.ENOSYS, "a locked file cannot be renamed here")
    import fcntl

    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _is(path: Path, descriptor: int) -> bool:
    """Whether the name still belongs to what was opened, which its former holder may have renamed or removed."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def remove(path: Path) -> None:
    """Remove a file, a link or a folder with its content, where there is one."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _owner(path: Path) -> str:
    with suppress(OSError, UnicodeDecodeError):
        return path.read_text(encoding="utf-8")
    return ""


def _leave_to_the_parent() -> None:
    """A forked process must not keep the locks of a parent that dies before it."""
    for descriptor in _descriptors:
        os.close(descriptor)
    _descriptors.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_to_the_parent)
