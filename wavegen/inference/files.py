"""Restoration of image files: checked as a whole first, then written one by one, each whole or not at all."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from wavegen.errors import InputError
from wavegen.io import EXTENSIONS, image_shape, read_image, write_image
from wavegen.pipeline import Pipeline


class Job(NamedTuple):
    """One image: where it is, where its restoration and, if wanted, its standard deviation go."""

    source: Path
    target: Path
    std: Path | None


class Done(NamedTuple):
    """A finished job with the network calls of one draw and the wall time in seconds."""

    job: Job
    nfe: int
    seconds: float


def plan(source: Path, target: Path, std: Path | None = None, samples: int = 1) -> list[Job]:
    """The jobs for a file or for all images of a folder; folders for results are made.

    Raises:
        InputError: nothing to read, a result that would replace an input, an extension that is not written,
            a standard deviation of one sample, a folder that is missing (for a file) or cannot be written.
    """
    if std is not None and samples < 2:
        raise InputError("a standard deviation needs 2 or more samples; give --samples 8, say")
    if source.is_dir():
        names = sorted(p.name for p in source.iterdir() if p.suffix.lower() in EXTENSIONS and p.name[0] != ".")
        if not names:
            raise InputError(f"{source} holds no images; expected files ending in {', '.join(EXTENSIONS)}")
        for folder in (target, std):
            if folder is not None and (folder.is_file() or folder.suffix.lower() in EXTENSIONS):
                raise InputError(f"{source} is a folder, so {folder} must be one too")
        jobs = [Job(source / n, target / n, None if std is None else std / _tiff(n)) for n in names]
        folders = [folder for folder in (target, std) if folder is not None]
    else:
        place = target / source.name if target.is_dir() else target
        spread = std / _tiff(source.name) if std is not None and std.is_dir() else std
        jobs = [Job(source, place, spread)]
        folders = [path.parent for path in (place, spread) if path is not None]
        for folder in folders:
            if not folder.is_dir():
                raise InputError(f"{folder} is not a folder; make it first, or give another output")
    _check_paths(jobs)
    for job in jobs:
        image_shape(job.source)
    for folder in folders:
        check_writable(folder)
    return jobs


def restore_files(
    pipeline: Pipeline,
    jobs: Sequence[Job],
    **options: Any,
) -> Iterator[Done]:
    """Restore one image after the other, each with the same seed, so that a result does not depend on the others.

    ``options`` are those of :meth:`wavegen.Pipeline.restore`.

    Raises:
        InputError: an image that the pipeline does not take (named before the first is restored where its
            header tells), wrong options, a full disk.
    """
    for job in jobs:
        channels = image_shape(job.source)[0]
        if channels != pipeline.config.channels:
            raise InputError(
                f"{job.source} has {channels} channel(s), the model takes {pipeline.config.channels}; "
                "save one channel per file, or use a model for that many"
            )
    for job in jobs:
        yield _restore_one(pipeline, job, **options)


def _restore_one(pipeline: Pipeline, job: Job, **options: Any) -> Done:
    image = read_image(job.source)
    try:
        result = pipeline.restore(image.pixels, **options)
    except InputError as error:
        raise InputError(f"{job.source}: {error}") from None
    write_image(job.target, result.image, image.metadata)
    if job.std is not None:
        write_image(job.std, result.std, image.metadata)
    return Done(job, result.nfe, result.seconds)


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


def _tiff(name: str) -> str:
    """A standard deviation is float32, which PNG does not hold."""
    return f"{Path(name).stem}.tif"


def _check_paths(jobs: Sequence[Job]) -> None:
    """Results have their own names, a known extension and a folder."""
    inputs = {job.source.resolve() for job in jobs}
    for job in jobs:
        for path in (job.target, job.std):
            if path is None:
                continue
            if path.resolve() in inputs or (path.exists() and path.samefile(job.source)):
                raise InputError(f"{path} is an input and would be overwritten; give another output")
            if path.suffix.lower() not in EXTENSIONS or (path is job.std and path.suffix.lower() == ".png"):
                allowed = EXTENSIONS if path is job.target else (".tif", ".tiff")
                raise InputError(f"{path}: extension {path.suffix!r} is not supported; use {', '.join(allowed)}")
            if path == job.std and path.resolve() == job.target.resolve():
                raise InputError(f"{path} is both the output and the spread; give two names")
