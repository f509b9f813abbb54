"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from wavegen.core.errors import InputError


def make_folder(path: Path) -> None:
    """Make a folder and those above it.

    Raises:
        InputError: it cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make the folder {path}: {error.strerror}; choose another place") from None


@contextmanager
def atomic(path: str | Path) -> Iterator[BinaryIO]:
    """Open a temporary file beside ``path``; it takes the name ``path`` only when the block succeeds.

    On any failure the temporary file is removed and an older file at ``path`` stays as it was.

    Raises:
        InputError: the folder does not exist or is read-only, or the disk is full.
    """
    path = Path(path)
    # The same folder, since a rename is atomic within one file system only.
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        try:
            with temporary.open("xb") as file:
                yield file
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(
            f"cannot write {path}: {error.strerror or error}; choose a folder that exists, is writable and has space"
        ) from error


@contextmanager
def atomic_folder(path: str | Path) -> Iterator[Path]:
    """A temporary folder beside ``path`` that takes the name ``path`` only when the block succeeds.

    On any failure it is removed and an older folder at ``path`` stays as it was.

    Raises:
        InputError: the folder above does not exist or is read-only, the disk is full, or ``path`` is a file.
    """
    path = Path(path)
    token = secrets.token_hex(4)
    temporary, older = (path.with_name(f".{path.name}.{token}.{end}") for end in ("part", "old"))
    try:
        try:
            temporary.mkdir()
            yield temporary
            if path.exists():
                os.replace(path, older)
            os.replace(temporary, path)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
            if older.exists() and not path.exists():
                os.replace(older, path)
            shutil.rmtree(older, ignore_errors=True)
    except OSError as error:
        raise InputError(
            f"cannot write {path}: {error.strerror or error}; choose a folder that exists, is writable and has space"
        ) from error


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically; its folder is made where it does not exist."""
    write_bytes(path, text.encode("utf-8"))


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file atomically; its folder is made where it does not exist."""
    make_folder(path.parent)
    with atomic(path) as file:
        file.write(content)
