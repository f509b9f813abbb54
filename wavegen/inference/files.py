"""Restoration of image files: all checked first, then written one by one, each whole or not at all."""

from __future__ import annotations

import errno
import tempfile
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from wavegen.core.errors import InputError
from wavegen.inference.planes import Channels, Options, check_channels, restore_planes
from wavegen.io import STACK_EXTENSIONS, Stack, open_stack
from wavegen.io.files import OME, ZARR, check_holds, extension
from wavegen.io.images import JPEG, PNG
from wavegen.io.omezarr import is_store
from wavegen.pipeline.pipeline import Pipeline

NO_SPACE = {errno.ENOSPC, errno.EROFS, errno.EDQUOT}


class Job(NamedTuple):
    """One image: where it is, where its restoration and, if wanted, its standard deviation go."""

    source: Path
    target: Path
    std: Path | None


class Done(NamedTuple):
    """A finished job: network calls of one draw, wall time in seconds, planes, and remarks for the user."""

    job: Job
    nfe: int
    seconds: float
    planes: int = 1
    remarks: tuple[str, ...] = ()


class Failed(NamedTuple):
    """A job that was left out, and why."""

    job: Job
    reason: str


def plan(
    source: Path,
    target: Path,
    std: Path | None = None,
    samples: int = 1,
    *,
    axes: str | None = None,
    to: str | None = None,
) -> list[Job]:
    """The jobs for a file (or OME-Zarr folder), or for all images of a folder; folders for results are made.

    Args:
        source: an image or a folder of images.
        target: the result, or the folder for results.
        std: the same for standard deviations.
        samples: draws of each image.
        axes: what the dimensions of the files are, where they do not say.
        to: another extension for the results of a folder, such as ``.ome.tif``.

    Raises:
        InputError: nothing to read, a result that would replace an input, an extension that is not written,
            a standard deviation of one sample, a folder that is missing (for a file) or cannot be written.
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
        folders = [path.parent for path in _results(jobs[0])]
    for job in jobs:
        _check_results(job, {other.source.resolve() for other in jobs})
    if len(jobs) == 1:
        open_stack(jobs[0].source, axes)
    for folder in folders:
        check_writable(folder)
    return jobs


def _is_image(path: Path) -> bool:
    known = path.suffix.lower() in STACK_EXTENSIONS and not path.name.startswith(".")
    return known and (path.is_file() or is_store(path))


def _is_folder(path: Path) -> bool:
    """Whether a path is a folder, and not an image that is stored as one."""
    return path.is_dir() and not is_store(path)


def _results(job: Job) -> list[Path]:
    return [job.target] if job.std is None else [job.target, job.std]


def _job_of_file(source: Path, target: Path, std: Path | None) -> Job:
    """The job for one image; where a folder is given for results, they keep the image's name."""
    place = target / source.name if _is_folder(target) else target
    spread = std / _holding_float32(source.name) if std is not None and _is_folder(std) else std
    job = Job(source, place, spread)
    for path in _results(job):
        if not path.parent.is_dir():
            raise InputError(f"{path.parent} is not a folder; make it first, or give another output")
    return job


def _jobs_of_folder(source: Path, target: Path, std: Path | None, to: str | None) -> list[Job]:
    """A job for each image in a folder, in the order of names."""
    names = sorted(path.name for path in source.iterdir() if _is_image(path))
    if not names:
        raise InputError(f"{source} holds no images; expected files ending in {', '.join(STACK_EXTENSIONS)}")
    for folder in filter(None, (target, std)):
        if folder.is_file() or folder.suffix.lower() in STACK_EXTENSIONS:
            raise InputError(f"{source} is a folder, so {folder} must be one too")
    results = [_renamed(name, to) if to else name for name in names]
    name, count = Counter(results).most_common(1)[0]
    if count > 1:
        raise InputError(f"{source}: several images would be written as {name}; leave --to out, or rename them")
    spreads = [None if std is None else std / _holding_float32(result) for result in results]
    return [
        Job(source / name, target / result, spread)
        for name, result, spread in zip(names, results, spreads, strict=True)
    ]


def restore_files(
    pipeline: Pipeline,
    jobs: Sequence[Job],
    *,
    axes: str | None = None,
    channels: Channels = "joint",
    model: str | None = None,
    samples: int = 1,
    seed: int = 0,
    **sampling: Any,
) -> Iterator[Done | Failed]:
    """Restore one image after the other, each plane with the same seed, so that no result depends on the others.

    A file of several that cannot be restored is left out: :class:`Failed` comes as soon as that is known, before
    the first is restored where its header tells.

    Args:
        pipeline: the trained model.
        jobs: what :func:`plan` gave.
        axes: what the dimensions of the files are, where they do not say.
        channels: ``joint`` gives the model all channels at once, ``each`` one after the other.
        model: what the record in the results calls the model.
        samples: draws, of which the mean is written.
        seed: seed of every plane.
        sampling: other options of :meth:`wavegen.Pipeline.restore` (steps, eta, solver, grid, temperature).

    Raises:
        InputError: wrong options, a full disk, or no image at all that could be restored.
    """
    options = Options(samples, seed, channels, model or pipeline.config.name, sampling)
    failed = 0
    good: list[Job] = []
    first: InputError | None = None
    for job in jobs:
        try:
            _check(pipeline, job, open_stack(job.source, axes), channels)
            good.append(job)
        except InputError as error:
            if len(jobs) == 1:
                raise
            failed, first = failed + 1, first or error
            yield Failed(job, str(error))
    for job in good:
        try:
            yield _restore_one(pipeline, job, open_stack(job.source, axes), options)
        except InputError as error:
            if len(jobs) == 1 or getattr(error.__cause__, "errno", None) in NO_SPACE:
                raise
            failed, first = failed + 1, first or error
            yield Failed(job, str(error))
    if first is not None and failed == len(jobs):
        raise InputError(f"none of the {len(jobs)} images could be restored; the first: {first}")


def _check(pipeline: Pipeline, job: Job, stack: Stack, channels: Channels) -> None:
    """Refuse, from the headers, what the model does not take and what the results' formats do not hold."""
    check_channels(str(job.source), stack, pipeline.config.channels, channels)
    check_holds(job.target, stack, stack.dtype)
    if job.std is not None:
        check_holds(job.std, stack, np.dtype(np.float32))


def _restore_one(pipeline: Pipeline, job: Job, stack: Stack, options: Options) -> Done:
    try:
        return Done(job, *restore_planes(pipeline, stack, job.source, job.target, job.std, options))
    except InputError as error:
        if str(job.source) in str(error) or str(job.target) in str(error) or (job.std and str(job.std) in str(error)):
            raise
        raise InputError(f"{job.source}: {error}") from error.__cause__


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
        ) from None


def _renamed(name: str, to: str) -> str:
    """The name with another extension."""
    end = extension(Path(name))
    stem = name[: -len(end)].removesuffix(".ome")
    return stem + (to if to.startswith(".") else f".{to}")


def _holding_float32(name: str) -> str:
    """The name, or that of a TIFF file: a standard deviation is float32, which PNG and JPEG cannot hold."""
    path = Path(name)
    return f"{path.stem}.tif" if path.suffix.lower() in PNG + JPEG else name


def _check_results(job: Job, inputs: Collection[Path]) -> None:
    """Refuse results that replace an input or a folder, or have an extension that cannot hold them."""
    for path in _results(job):
        if path.resolve() in inputs or (path.exists() and job.source.exists() and path.samefile(job.source)):
            raise InputError(f"{path} is an input and would be overwritten; give another output")
        allowed = STACK_EXTENSIONS if path is job.target else (".tif", ".tiff", ".zarr")
        if path.suffix.lower() not in allowed:
            raise InputError(f"{path}: extension {path.suffix!r} is not supported; use {', '.join(allowed)}")
        if path.is_dir() and not _replaceable(path):
            raise InputError(f"{path} is a folder that is not an OME-Zarr image; give another output")
    if job.std is not None and job.std.resolve() == job.target.resolve():
        raise InputError(f"{job.std} is both the output and the spread; give two names")


def _replaceable(folder: Path) -> bool:
    """Whether a result may replace a folder: a ``.zarr`` folder that is empty or holds a Zarr group."""
    if folder.suffix.lower() not in ZARR:
        return False
    empty = not any(folder.iterdir())
    return empty or (folder / "zarr.json").is_file() or (folder / ".zgroup").is_file()
