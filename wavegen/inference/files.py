"""Which image files are restored to where: all that can be wrong is found before the work."""

from __future__ import annotations

import os
import tempfile
import unicodedata
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import NamedTuple

from wavegen.core.errors import InputError
from wavegen.io import STACK_EXTENSIONS, open_stack
from wavegen.io.files import OME, ZARR, one_per_set, stem
from wavegen.io.images import JPEG, PNG
from wavegen.io.omezarr import is_store
from wavegen.io.tiff import Missing


class Job(NamedTuple):
    """One image: where it is, where its restoration and, if wanted, its standard deviation go."""

    source: Path
    target: Path
    std: Path | None

    def results(self) -> list[Path]:
        """What is written."""
        return [self.target] if self.std is None else [self.target, self.std]


def plan(
    source: Path,
    target: Path,
    std: Path | None = None,
    samples: int = 1,
    *,
    axes: str | None = None,
    series: int = 1,
    missing: Missing = "refuse",
    to: str | None = None,
) -> list[Job]:
    """The jobs for a file (or OME-Zarr folder), or for all images of a folder; folders for results are made.

    The files of one OME-TIFF set are one image, named like the first.

    Args:
        source: an image or a folder of images.
        target: the result, or the folder for results.
        std: the same for standard deviations.
        samples: draws of each image.
        axes, series, missing: how files are opened; see :func:`wavegen.io.open_stack`.
        to: another extension for the results of a folder, such as ``.ome.tif``.

    Raises:
        InputError: nothing to read, a result that would replace an input or another result, an extension that is not
            written, a standard deviation of one sample, a folder that is missing (for a file) or cannot be written.
    """
    if std is not None and samples < 2:
        raise InputError("a standard deviation needs 2 or more samples; give --samples 8, say")
    if to is not None and (to if to.startswith(".") else f".{to}") not in STACK_EXTENSIONS + OME + (".ome.zarr",):
        raise InputError(f"--to {to}: not an extension that is written; use {', '.join(STACK_EXTENSIONS + OME)}")
    if _is_folder(source):
        jobs = _jobs_of_folder(source, target, std, to)
        folders = [folder for folder in (target, std) if folder is not None]
    elif to is not None:
        raise InputError(f"--to {to} is for folders; name the result of {source} instead")
    else:
        jobs = [_job_of_file(source, target, std)]
        folders = [path.parent for path in jobs[0].results()]
    _check_jobs(jobs, folders)
    if len(jobs) == 1:
        check_source(jobs[0].source)
        open_stack(jobs[0].source, axes, series, missing)
    for folder in folders:
        check_writable(folder)
    return jobs


def _is_image(path: Path) -> bool:
    """Whether a name is that of an image, be it there or not: what cannot be read is to be named."""
    return path.suffix.lower() in STACK_EXTENSIONS and not path.name.startswith(".")


def _is_folder(path: Path) -> bool:
    """Whether a path is a folder, and not an image that is stored as one."""
    return path.is_dir() and not is_store(path)


def _job_of_file(source: Path, target: Path, std: Path | None) -> Job:
    """The job for one image; where a folder is given for results, they keep the image's name."""
    place = target / source.name if _is_folder(target) else target
    spread = std / _holding_float32(source.name) if std is not None and _is_folder(std) else std
    job = Job(source, place, spread)
    for path in job.results():
        if not path.parent.is_dir():
            raise InputError(f"{path.parent} is not a folder; make it first, or give another output")
    return job


def _jobs_of_folder(source: Path, target: Path, std: Path | None, to: str | None) -> list[Job]:
    """A job for each image in a folder, in the order of names."""
    try:
        images = sorted(path for path in source.iterdir() if _is_image(path))
    except OSError as error:
        raise InputError(f"cannot read the folder {source}: {error.strerror}; change its permissions") from error
    names = [path.name for path in one_per_set(images)]
    if not names:
        raise InputError(f"{source} holds no images; expected files ending in {', '.join(STACK_EXTENSIONS)}")
    for folder in filter(None, (target, std)):
        if folder.is_file() or folder.suffix.lower() in STACK_EXTENSIONS:
            raise InputError(f"{source} is a folder, so {folder} must be one too")
    results = [_renamed(name, to) if to else name for name in names]
    spreads = [None if std is None else std / _holding_float32(result) for result in results]
    return [
        Job(source / name, target / result, spread)
        for name, result, spread in zip(names, results, spreads, strict=True)
    ]


def _renamed(name: str, to: str) -> str:
    """The name with another extension."""
    return stem(Path(name)).removesuffix(".ome") + (to if to.startswith(".") else f".{to}")


def _holding_float32(name: str) -> str:
    """The name, or that of a TIFF file: a standard deviation is float32, which PNG and JPEG cannot hold."""
    path = Path(name)
    return f"{path.stem}.tif" if path.suffix.lower() in PNG + JPEG else name


def _check_jobs(jobs: Sequence[Job], folders: Sequence[Path]) -> None:
    """Refuse results that replace an input or each other."""
    inputs = {_identity(job.source) for job in jobs if job.source.exists()}
    for job in jobs:
        _check_results(job, inputs)
    _check_names(jobs)
    try:
        _check_names(jobs, _one_name)
    except InputError:
        for folder in folders:
            check_writable(folder)
        if any(map(ignores_case, folders)):
            raise


def _check_results(job: Job, inputs: Collection[tuple[int, int]]) -> None:
    """Refuse results that replace an input or a folder, or have an extension that cannot hold them."""
    for path in job.results():
        if path.exists() and _identity(path) in inputs:
            raise InputError(f"{path} is an input and would be overwritten; give another output")
        allowed = STACK_EXTENSIONS if path is job.target else (".tif", ".tiff", ".zarr")
        if path.suffix.lower() not in allowed:
            raise InputError(f"{path}: extension {path.suffix!r} is not supported; use {', '.join(allowed)}")
        if path.is_dir() and not _replaceable(path):
            raise InputError(f"{path} is a folder that is not an OME-Zarr image; give another output")


def _identity(path: Path) -> tuple[int, int]:
    """What is the same for all names of one file."""
    status = path.stat()
    return status.st_dev, status.st_ino


def _check_names(jobs: Sequence[Job], alike: Callable[[str], str] = str) -> None:
    """Refuse two results of one name in one folder, whatever links lead there.

    Args:
        jobs: all of them.
        alike: gives all names that a file system takes for one the same form.
    """
    known: dict[tuple[str, str], str] = {}
    for job in jobs:
        for path in job.results():
            what = f"{'the result' if path is job.target else 'the spread'} of {job.source.name}"
            place = os.path.realpath(path.parent), alike(path.name)
            if place in known:
                raise InputError(f"{path} would hold both {known[place]} and {what}; give them two names or folders")
            known[place] = what


def _one_name(name: str) -> str:
    """The form in which file systems that ignore case, and the spelling of accents, compare names."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def ignores_case(folder: Path) -> bool:
    """Whether a folder, which can be written, takes ``a`` and ``A`` for one name."""
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".wavegen-a") as file:
        name = Path(file.name)
        return name.with_name(name.name.upper()).exists()


def check_source(path: Path) -> None:
    """Refuse, by what it is, what has the name of an image and is none.

    Raises:
        InputError: a link to nowhere, a folder, a pipe or a device.
    """
    if path.is_symlink() and not path.exists():
        raise InputError(
            f"cannot read {path}: it is a link to {os.readlink(path)}, which does not exist; mend the link"
        )
    if _is_folder(path):
        raise InputError(f"cannot read {path}: it is a folder, not an image; rename it")
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise InputError(f"cannot read {path}: it is neither a file nor a folder; give an image")


def _replaceable(folder: Path) -> bool:
    """Whether a result may replace a folder: a ``.zarr`` folder that is empty or holds a Zarr group."""
    if folder.suffix.lower() not in ZARR:
        return False
    empty = not any(folder.iterdir())
    return empty or (folder / "zarr.json").is_file() or (folder / ".zgroup").is_file()


def check_writable(folder: Path) -> None:
    """Make the folder and try to write in it.

    Raises:
        InputError: it cannot be made, is read-only or full.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"0")
    except OSError as error:
        raise InputError(
            f"cannot write to {folder}: {error.strerror}; choose a folder with write access and space"
        ) from error
