"""Pages of TIFF files: whether their chain ends, and whether a file holds the planes that it announces."""

from __future__ import annotations

import math
import struct
from typing import Any

from wavegen.core.errors import InputError


def kind_of(file: Any) -> str:
    """Whose metadata a file (of ``tifffile``) has: ``ome``, ``imagej``, or ``tiff`` for none of both."""
    return "ome" if file.is_ome else "imagej" if file.is_imagej else "tiff"


def check_chain(file: Any) -> None:
    """Check that the directories of a file (of ``tifffile``) do not lead back to one that was before.

    tifffile finds loops of some lengths only, and follows others without end.

    Raises:
        InputError: they do.
    """
    handle, form = file.filehandle, file.tiff
    offset = int(file.pages.first.offset)
    seen: set[int] = set()
    while offset:
        if offset in seen:
            raise InputError("its pages lead back to an earlier one; export it again")
        seen.add(offset)
        handle.seek(offset)
        count = handle.read(form.tagnosize)
        if len(count) < form.tagnosize:
            return  # cut off: what reads the pages says so
        handle.seek(offset + form.tagnosize + struct.unpack(form.tagnoformat, count)[0] * form.tagsize)
        following = handle.read(form.offsetsize)
        if len(following) < form.offsetsize:
            return
        offset = int(struct.unpack(form.offsetformat, following)[0])


def check_planes(file: Any, kind: str, chosen: Any, *, described_elsewhere: bool = False) -> None:
    """Check that a series has as many planes as the description of its file announces.

    Args:
        file: of ``tifffile``.
        kind: what :func:`kind_of` says.
        chosen: one of its series.
        described_elsewhere: whether another file describes the planes of this one.

    Raises:
        InputError: planes are missing.
    """
    if kind != "tiff" and chosen.kind not in (kind, "mmstack") and not (kind == "ome" and described_elsewhere):
        raise InputError(f"its {kind} metadata do not fit its pages, so planes are missing; copy or export it again")
    size = math.prod(chosen.keyframe.shape)
    announced, held = _announced(file, kind, chosen), len(chosen.pages) * size
    if announced != math.prod(chosen.shape) or (held != announced and not contiguous(file, chosen)):
        raise InputError(f"it announces {announced // size} plane(s) and holds {held // size}; copy or export it again")


def contiguous(file: Any, chosen: Any) -> bool:
    """Whether all values of a series lie in one piece of the file, with no directory of a page among them."""
    if chosen.dataoffset is None:
        return False
    end = chosen.dataoffset + chosen.nbytes
    within = len(file.pages) > 1 and chosen.dataoffset <= file.pages[1].offset < end
    return bool(end <= file.filehandle.size and not within)


def _announced(file: Any, kind: str, chosen: Any) -> int:
    """Number of values in the series, by what the description says."""
    there = int(math.prod(chosen.shape))
    if kind == "tiff" and file.is_shaped and len(file.series) == 1:
        shapes = [described.get("shape", chosen.shape) for described in file.shaped_metadata or ()]
        return int(math.prod(shapes[0])) if len(shapes) == 1 else there
    if kind == "imagej":
        planes = int(file.imagej_metadata.get("images", 1))
        size = int(math.prod(chosen.keyframe.shape))
        return max(there, planes * size) if planes > 1 and planes * size > there else there
    return there
