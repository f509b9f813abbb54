"""Restoration of image files: all opened first, then written one by one, each whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from wavegen.core import interrupt
from wavegen.core.errors import InputError
from wavegen.core.files import exclusive, lack_of_space
from wavegen.inference.files import Job, check_source
from wavegen.inference.planes import Channels, Options, check_channels, restore_planes
from wavegen.io import Stack, open_stack
from wavegen.io.files import check_holds
from wavegen.io.tiff import Missing
from wavegen.pipeline.pipeline import Pipeline


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


def restore_files(
    pipeline: Pipeline,
    jobs: Sequence[Job],
    *,
    axes: str | None = None,
    series: int = 1,
    missing: Missing = "refuse",
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
        jobs: what :func:`wavegen.inference.files.plan` gave.
        axes, series, missing: how files are opened; see :func:`wavegen.io.open_stack`.
        channels: ``joint`` gives the model all channels at once, ``each`` one after the other.
        model: what the record in the results calls the model.
        samples: draws, of which the mean is written.
        seed: seed of every plane.
        sampling: other options of :meth:`wavegen.Pipeline.restore` (steps, eta, solver, grid, temperature).

    Raises:
        InputError: wrong options, a full disk, another process that writes the same results, or no image at all that
            could be restored.
    """
    options = Options(samples, seed, channels, model or pipeline.config.name, sampling)
    with ExitStack() as locks:
        for lock, what in _locks(jobs):
            locks.enter_context(exclusive(lock, what))
        yield from _restore_all(pipeline, jobs, lambda path: open_stack(path, axes, series, missing), options)


def _locks(jobs: Sequence[Job]) -> list[tuple[Path, str]]:
    """What keeps a second run out: a lock for each folder of results, or for the results of one image."""
    if len(jobs) == 1:
        return [(path.with_name(f".{path.name}.lock"), str(path)) for path in jobs[0].results()]
    folders = sorted({path.parent for job in jobs for path in job.results()})
    return [(folder / ".restore.lock", f"the folder {folder}") for folder in folders]


def _restore_all(
    pipeline: Pipeline, jobs: Sequence[Job], opened: Callable[[Path], Stack], options: Options
) -> Iterator[Done | Failed]:
    failed = 0
    good: list[Job] = []
    first: InputError | None = None
    for job in jobs:
        try:
            check_source(job.source)
            _check(pipeline, job, opened(job.source), options.channels)
            good.append(job)
        except InputError as error:
            interrupt.check()
            if len(jobs) == 1:
                raise
            failed, first = failed + 1, first or error
            yield Failed(job, str(error))
    for job in good:
        try:
            yield _restore_one(pipeline, job, opened(job.source), options)
        except InputError as error:
            interrupt.check()
            if len(jobs) == 1 or lack_of_space(error):
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
        raise InputError(f"{job.source}: {error}") from error
