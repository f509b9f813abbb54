"""Files that are written whole or not at all, and by one process at a time."""

from __future__ import annotations

import errno
import math
import os
import platform
import secrets
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from wavegen.core.errors import InputError
from wavegen.core.locks import BusyError, NoLocksError, held, remove

NO_SPACE = {errno.ENOSPC, errno.EROFS, errno.EDQUOT}
PATIENCE = 20.0  # seconds to wait for another process that is writing the same file
PROBE = 1 << 16  # bytes: more than file systems keep in reserve for a file that ends in a half-used block


def make_folder(path: Path) -> None:
    """Make a folder and those above it.

    Raises:
        InputError: it cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make the folder {path}: {error.strerror}; choose another place") from error


@contextmanager
def exclusive(lock: Path, what: str, *, wait: bool = False) -> Iterator[None]:
    """Let one process at a time into the block; ``lock`` is a file that exists only meanwhile.

    It ends with its process, however that ends. Where the file system knows no locks (and on Windows), nothing is
    kept out.

    Args:
        lock: a file name that nothing else uses; its folder is made where it does not exist.
        what: what is being written, for the message, such as ``the training in runs/a``.
        wait: wait for the other process, however long it takes, instead of raising.

    Raises:
        InputError: another process is in the block (it is named), or the folder cannot be written.
    """
    make_folder(lock.parent)
    owner = f"process {os.getpid()} on {platform.node()} since {time.strftime('%Y-%m-%d %H:%M:%S')}"
    with ExitStack() as locks:
        try:
            locks.enter_context(held(lock, wait=math.inf if wait else 0.0, owner=owner))
        except BusyError as error:
            by = str(error) or "another process"
            raise InputError(f"{what} is being written by {by}; wait for its end, or give another output") from None
        except NoLocksError:
            pass
        except OSError as error:
            raise InputError(f"cannot lock {what}: {error.strerror} ({lock})") from error
        yield


@contextmanager
def atomic(path: str | Path) -> Iterator[BinaryIO]:
    """Open a temporary file beside ``path``; it takes the name ``path`` only when the block succeeds.

    On any failure the temporary file is removed and an older file at ``path`` stays as it was. What a killed process
    left of the same file is written over. The content is on the disk before the name is.

    Raises:
        InputError: the folder does not exist or is read-only, the disk is full, or another process is writing the
            file for longer than ``PATIENCE``.
    """
    path = Path(path)
    with _temporary(path, folder=False) as temporary:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        _keep_names(path.parent)


@contextmanager
def atomic_folder(path: str | Path) -> Iterator[Path]:
    """A temporary folder that takes the name ``path`` only when the block succeeds.

    On any failure it is removed and an older folder at ``path`` stays as it was; so it does after a killed process,
    of which the rest is removed. The content is on the disk before the name is.

    Raises:
        InputError: the folder above does not exist or is read-only, the disk is full, ``path`` is a file, or another
            process is writing it for longer than ``PATIENCE``.
    """
    path = Path(path)
    with _temporary(path, folder=True) as temporary:
        newer, older = temporary / "new", temporary / "old"
        if path.is_file():
            raise InputError(f"{path} is a file and would be replaced by a folder; give another name")
        _put_back(older, path)  # of a process that was killed
        remove(newer)
        newer.mkdir()
        try:
            yield newer
            _keep_content(newer)
            if path.exists():
                os.replace(path, older)
            os.replace(newer, path)
            _keep_names(path.parent)
        finally:
            _put_back(older, path)


@contextmanager
def _temporary(path: Path, folder: bool) -> Iterator[Path]:
    """A locked file or folder beside a path; errors of the file system become one line that names the path.

    Beside, since a rename is atomic within one file system only. Always the same name, so that the next writer of the
    path finds what a killed one left; where it cannot be locked, a name that nobody else has.
    """
    temporary = path.with_name(f".{path.name}.part")
    with ExitStack() as ends:
        try:
            try:
                ends.enter_context(held(temporary, wait=PATIENCE, folder=folder))
            except (NoLocksError, PermissionError):  # or another user's, left behind
                temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
                ends.callback(remove, temporary)
                if folder:
                    temporary.mkdir()
            yield temporary
        except BusyError:
            raise InputError(f"cannot write {path}: another process is writing it; give another output") from None
        except InputError:
            raise
        except Exception as error:
            cause = lack_of_space(error) or _full(temporary) or error
            if not isinstance(cause, OSError):
                raise
            raise InputError(
                f"cannot write {path}: {cause.strerror or cause}; "
                "choose a folder that exists, is writable and has space"
            ) from cause


def allocate(file: BinaryIO) -> None:
    """Give every byte of a sparse file a place on the disk, where the system can: so a full disk shows at once.

    Raises:
        OSError: there is no space.
    """
    try:
        os.posix_fallocate(file.fileno(), 0, os.fstat(file.fileno()).st_size)
    except AttributeError:  # macOS, Windows
        pass
    except OSError as error:
        if lack_of_space(error):
            raise


def lack_of_space(error: BaseException) -> OSError | None:
    """The error among all that led to this one that says that the disk is full, over quota or read-only."""
    seen: list[BaseException] = []
    waiting: list[BaseException | None] = [error]
    while waiting:
        one = waiting.pop()
        if one is None or one in seen:
            continue
        if isinstance(one, OSError) and one.errno in NO_SPACE:
            return one
        seen.append(one)
        waiting += [one.__cause__, one.__context__, *getattr(one, "exceptions", ())]
    return None


def _full(temporary: Path) -> OSError | None:
    """Ask the disk itself whether it is full: what compiled encoders raise does not say so."""
    place = temporary / "probe" if temporary.is_dir() else temporary
    try:
        with place.open("ab") as file:
            file.write(bytes(PROBE))
    except OSError as error:
        return lack_of_space(error)
    return None


def _put_back(older: Path, path: Path) -> None:
    """Give an older folder its name again where no newer one has it."""
    if older.exists() and not path.exists():
        os.replace(older, path)


def _keep_content(folder: Path) -> None:
    """Have the disk hold all that a folder contains, so that a power cut cannot leave a name without content."""
    for place, _, names in os.walk(folder):
        for name in names:
            with Path(place, name).open("rb+") as file:
                os.fsync(file.fileno())
        _keep_names(Path(place))


def _keep_names(folder: Path) -> None:
    """Have the disk hold the names in a folder; not all file systems can be asked."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically, names of files in their own bytes; its folder is made where it does not exist."""
    write_bytes(path, text.encode("utf-8", "surrogateescape"))


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file atomically; its folder is made where it does not exist."""
    make_folder(path.parent)
    with atomic(path) as file:
        file.write(content)
