"""One stack after the other through a pipeline, plane by plane."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from wavegen.bridges import chosen_solver
from wavegen.core.errors import InputError
from wavegen.core.guard import guarded
from wavegen.io import Place, Stack, jpeg_loss, not_kept, of_another_quantity, saturated_share, stack_writer
from wavegen.io.images import JPEG
from wavegen.io.records import RECORD
from wavegen.io.saturation import WORTH_A_WARNING
from wavegen.pipeline.pipeline import Pipeline
from wavegen.pipeline.units import outlier_remark
from wavegen.version import __version__

Channels = Literal["each", "joint"]


class Options(NamedTuple):
    """How planes are restored, and what the record calls the model.

    ``sampling`` holds steps, eta, solver, grid and temperature.
    """

    samples: int
    seed: int
    channels: Channels
    model: str
    sampling: Mapping[str, Any]


class Restored(NamedTuple):
    """Network calls of one draw of one plane, wall time in seconds, planes, remarks for the user."""

    nfe: int
    seconds: float
    planes: int
    remarks: tuple[str, ...]


def check_channels(where: str, stack: Stack, takes: int, channels: Channels) -> None:
    """Refuse a stack whose channels the model does not take; an alpha channel does not count.

    Raises:
        InputError: another number of channels, or ``each`` with a model of several.
    """
    colours = stack.size("C") - stack.alpha
    if channels == "each" and takes != 1:
        raise InputError(f"--channels each needs a model of 1 channel, this one takes {takes}; leave the option out")
    if channels == "joint" and colours != takes:
        also = " beside the alpha channel" if stack.alpha else ""
        hint = "give --channels each to restore them one by one" if takes == 1 else "use a model for that many"
        raise InputError(f"{where} has {colours} channel(s){also}, the model takes {takes}; {hint}")


def record_of(pipeline: Pipeline, source: str, options: Options) -> dict[str, Any]:
    """What was done, as it goes into the result's metadata; equal runs give equal records."""
    given = {key: value for key, value in options.sampling.items() if value is not None}
    sampler = pipeline.config.sampler
    solver = chosen_solver(sampler.solver, given.pop("solver", None), given.pop("eta", None))
    return RECORD.stamped({
        "software": f"wavegen {__version__}",
        "pipeline": pipeline.config.name,
        "model": _as_text(options.model),
        "source": _as_text(source),
        **sampler.model_dump(),
        **given,
        "solver": solver,
        "eta": solver.get("eta", 1.0),  # where version 0.1.0 wrote it
        "samples": options.samples,
        "seed": options.seed,
        "channels": options.channels,
    })  # fmt: skip


def _as_text(name: str) -> str:
    """A file name as metadata can hold it: bytes that are not UTF-8 are spelt out."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def restore_planes(
    pipeline: Pipeline, stack: Stack, source: Path, target: Path, std: Path | None, options: Options
) -> Restored:
    """Restore every plane of a stack into a file of the same shape, axes, dtype and metadata.

    Alpha is copied. Only the plane at work is in memory.

    Raises:
        InputError: a plane with NaN or infinity (named), wrong options, results that cannot be written.
    """
    record = record_of(pipeline, source.name, options)
    record |= {"image": stack.other["series"]} if "series" in stack.other else {}
    nfe, seconds, count, clipped = 0, 0.0, 0, 0.0
    written: NDArray[Any] | None = None
    with ExitStack() as files:
        put = files.enter_context(stack_writer(target, stack, record=record))
        put_std = None
        if std is not None:
            spread = {**record, "holds": "standard deviation of the samples"}
            put_std = files.enter_context(stack_writer(std, of_another_quantity(stack), np.float32, spread))
        outlier: str | None = None
        for place in stack.places():
            plane = _read(stack, source, place)
            clipped += saturated_share(plane)
            try:
                image, deviation, nfe, spent = _restore_plane(pipeline, plane, stack.alpha, options)
            except InputError as error:
                many = stack.size("T") * stack.size("Z") > 1
                raise InputError(f"{f'plane t={place.t}, z={place.z}: ' if many else ''}{error}") from None
            outlier = outlier or _outlier(pipeline, _groups(plane, stack.alpha, options))
            put(place, image)
            if put_std is not None:
                put_std(place, deviation)
            seconds, count, written = seconds + spent, count + 1, image
    remarks = list(stack.other.get("remarks", ()))
    for path in filter(None, (target, std)):
        lost = not_kept(path, stack)
        if lost:
            remarks.append(f"{path.name} does not hold the {', '.join(lost)}")
    remarks += [outlier] if outlier else []
    if clipped / count > WORTH_A_WARNING:
        remarks.append(
            f"{100 * clipped / count:.1f} % of the input's pixels are saturated; nothing can be restored there"
        )
    if target.suffix.lower() in JPEG and written is not None:
        loss = jpeg_loss(target, written)
        remarks.append(f"JPEG changed the result by {loss.rms:.2f} grey levels rms, {loss.largest} at most")
    return Restored(nfe, seconds, count, tuple(remarks))


def _read(stack: Stack, source: Path, place: Place) -> NDArray[Any]:
    """One plane; a damaged part of a lazy file shows only here."""
    plane: NDArray[Any] = guarded(source, lambda _: stack.plane(place))
    return plane


def _groups(plane: NDArray[Any], alpha: bool, options: Options) -> list[NDArray[Any]]:
    """The channels that are restored together, each (C, H, W), without alpha."""
    colours = plane[:-1] if alpha else plane
    return [colours] if options.channels == "joint" else [colours[c : c + 1] for c in range(len(colours))]


def _outlier(pipeline: Pipeline, groups: list[NDArray[Any]]) -> str | None:
    """The first remark on a pixel far outside the range that the model scales by."""
    remarks = (outlier_remark(group, pipeline.config.intensity) for group in groups)
    return next(filter(None, remarks), None)


def _restore_plane(
    pipeline: Pipeline, plane: NDArray[Any], alpha: bool, options: Options
) -> tuple[NDArray[Any], NDArray[Any], int, float]:
    """Mean and standard deviation (C, H, W), calls, seconds."""
    results = [
        pipeline.restore(group, samples=options.samples, seed=options.seed, **options.sampling)
        for group in _groups(plane, alpha, options)
    ]
    image = np.concatenate([result.image for result in results] + ([plane[-1:]] if alpha else []))
    deviation = [np.asarray(result.std, np.float32) for result in results]
    deviation += [np.zeros((1, *plane.shape[1:]), np.float32)] if alpha else []
    return image, np.concatenate(deviation), results[0].nfe, sum(result.seconds for result in results)
