"""The form of OME-Zarr metadata: what :mod:`wavegen.io.omezarr` relies on, checked before it looks at any of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, Field, ValidationError

from wavegen.core.errors import InputError
from wavegen.core.registry import explain

CHUNKS = 100_000  # that one plane may be cut into
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


def check_chunks(axes: str, array: Any) -> None:
    """Check that the planes of an array are cut into a number of chunks that can be read.

    Raises:
        InputError: more chunks than the limit.
    """
    pieces = math.prod(-(-n // c) for axis, n, c in zip(axes, array.shape, array.chunks, strict=True) if axis in "CYX")
    if pieces > CHUNKS:
        raise InputError(
            f"each plane is cut into {pieces:,} chunks, above the limit of {CHUNKS:,}; write larger chunks"
        )
