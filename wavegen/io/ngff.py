"""The form of OME-Zarr metadata: what :mod:`wavegen.io.omezarr` relies on, checked before it looks at any of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, Field, ValidationError

from wavegen.core.errors import InputError
from wavegen.core.registry import explain

CHUNKS = 100_000  # that one plane may be cut into
LOOKED_FOR = (
    5_000  # chunks of a plane that may be looked for where few are stored: each takes some tenths of a millisecond
)
FEW = 0.01  # of a plane's chunks
METADATA = (".zgroup", ".zattrs", ".zmetadata", ".zarray", "zarr.json")
METADATA_BYTES = 16_000_000  # of one file; those of large plates have a few million
Finite = Annotated[float, Field(allow_inf_nan=False)]


class _Step(BaseModel):
    type: str
    scale: list[Finite] | None = None
    translation: list[Finite] | None = None


class _Level(BaseModel):
    path: str
    coordinateTransformations: list[_Step] = []  # noqa: N815  (NGFF's name)


class _Axis(BaseModel):
    name: str
    type: str | None = None
    unit: str | None = None


class _Image(BaseModel):
    datasets: Annotated[list[_Level], Field(min_length=1)]
    axes: list[_Axis | str] = []
    coordinateTransformations: list[_Step] = []  # noqa: N815


class _Omero(BaseModel):
    channels: list[dict[str, Any]] = []


class _Ome(BaseModel):
    multiscales: list[_Image] = []
    omero: _Omero = _Omero()


class _Attributes(BaseModel):
    ome: _Ome | None = None
    description: str | None = None
    wavegen: list[dict[str, Any]] = []


def check_described(attributes: Mapping[str, Any]) -> None:
    """Check the attributes of a group; what they hold beside is free.

    Raises:
        InputError: a part that is missing or of another kind, or a transformation of another number of axes.
    """
    try:
        described = _Attributes.model_validate(attributes).ome or _Ome.model_validate(attributes)
    except ValidationError as error:
        raise InputError(f"its metadata are not those of an OME-Zarr image ({explain(error, [])})") from None
    for image in described.multiscales:
        steps = [
            *image.coordinateTransformations,
            *(s for level in image.datasets for s in level.coordinateTransformations),
        ]
        for step in steps:
            values = {"scale": step.scale, "translation": step.translation}.get(step.type, [])
            if values is None or (values and image.axes and len(values) != len(image.axes)):
                raise InputError(f"its metadata: a {step.type} of other than {len(image.axes)} axes")


def check_files(folder: Path) -> None:
    """Check the sizes of the metadata files in a folder, before anything parses them.

    Raises:
        InputError: one that no image needs.
    """
    for file in (folder / name for name in METADATA):
        if file.is_file() and file.stat().st_size > METADATA_BYTES:
            raise InputError(f"{file} has more than {METADATA_BYTES // 1_000_000} MB, which no image needs")


def stored_chunks(folder: Path, most: int) -> int:
    """How many files of pixels an array has (chunks, or shards of several), counted up to ``most``."""
    files = (path for path in folder.rglob("*") if path.name not in METADATA and path.is_file())
    return sum(1 for _ in islice(files, most))


def declared_chunks(array: Any) -> int:
    """How many files of pixels an array would have if all were stored."""
    pieces = array.shards or array.chunks
    return math.prod(-(-n // c) for n, c in zip(array.shape, pieces, strict=True))


def check_chunks(axes: str, array: Any, folder: Path) -> None:
    """Check that the planes of an array are cut into a number of chunks that can be read.

    Raises:
        InputError: more chunks than the limit, or very many of which hardly one is stored.
    """
    pieces = math.prod(-(-n // c) for axis, n, c in zip(axes, array.shape, array.chunks, strict=True) if axis in "CYX")
    if pieces > CHUNKS:
        raise InputError(
            f"each plane is cut into {pieces:,} chunks, above the limit of {CHUNKS:,}; write larger chunks"
        )
    if pieces > LOOKED_FOR and not array.shards and stored_chunks(folder, least := int(FEW * pieces)) < least:
        raise InputError(
            f"each plane is cut into {pieces:,} chunks, of which hardly any is stored; copy it again, or write larger "
            "chunks"
        )
