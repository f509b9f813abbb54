"""Configurations from the command line: ``name,option=value``, ``a.b=value`` and YAML files."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from wavegen.core.errors import InputError

Data = Annotated[
    str | None,
    typer.Option(
        "--data",
        metavar="NAME[,OPTION=VALUE...]|YAML",
        help="A data set, e.g. hela,size=128 (see wavegen list dataset).",
        show_default=False,
    ),
]
Targets = Annotated[
    str | None,
    typer.Option("--x", metavar="FOLDER", help="With --data pairs: folder of the targets.", show_default=False),
]
Inputs = Annotated[
    str | None,
    typer.Option("--y", metavar="FOLDER", help="With --data pairs: folder of the inputs.", show_default=False),
]
Model = Annotated[
    str,
    typer.Option(
        "--model",
        metavar="NAME|FOLDER",
        help="A trained pipeline: a name (see wavegen list model), a folder, or owner/name on the Hugging Face hub.",
        show_default=False,
    ),
]
Steps = Annotated[
    int | None,
    typer.Option("--steps", metavar="N", min=1, help="Network calls for each sample.", show_default="the model's"),
]
Eta = Annotated[
    float | None,
    typer.Option(
        "--eta",
        metavar="ETA",
        min=0,
        max=1,
        help="Of the solver: 0 deterministic, 1 fully stochastic.",
        show_default="the model's",
    ),
]
Solver = Annotated[
    str | None,
    typer.Option(
        "--solver",
        metavar="NAME[,OPTION=VALUE...]",
        help="generic, multistep, heun, ...; see wavegen list solver.",
        show_default="the model's",
    ),
]
Temperature = Annotated[
    float | None,
    typer.Option(
        "--temperature",
        metavar="FACTOR",
        min=0,
        help="Factor on the sampling noise: larger values spread the samples further.",
        show_default="the model's",
    ),
]
Grid = Annotated[
    str | None,
    typer.Option(
        "--grid",
        metavar="NAME[,OPTION=VALUE...]",
        help="Time grid of the sampler, e.g. power,exponent=2.",
        show_default="the model's",
    ),
]
Seed = Annotated[
    int, typer.Option("--seed", metavar="N", min=0, help="Random seed; the same seed gives the same result.")
]

YAML_SUFFIXES = (".yaml", ".yml")
OUTSIDE_BRACKETS = re.compile(r",(?![^\[]*\])")


def value_of(text: str) -> Any:
    """A value read as YAML (a number, true, [1, 2]); text where it is not valid YAML.

    Raises:
        InputError: YAML of more depth, or other keys, than a configuration has.
    """
    from wavegen.core.documents import yaml_value

    return yaml_value(text)


def read_yaml(path: str) -> dict[str, Any]:
    """Read a YAML file of options.

    Raises:
        InputError: as :func:`wavegen.core.documents.read_yaml`, or the file holds no mapping.
    """
    from wavegen.core.documents import read_yaml as read

    found = read(Path(path))
    if not isinstance(found, dict):
        raise InputError(f"{path} must hold 'option: value' lines, one of them with the option 'name'")
    return found


def data_spec(data: str | None, x: str | None, y: str | None) -> dict[str, Any]:
    """The data set's configuration.

    Raises:
        InputError: no ``--data``, or a part of it that is not ``option=value``.
    """
    if data is None:
        raise InputError("no --data: give a data set such as hela, or --data pairs --x TARGETS --y INPUTS")
    spec = read_yaml(data) if data.endswith(YAML_SUFFIXES) else component_spec(data, "--data")
    return spec | {key: folder for key, folder in (("x", x), ("y", y)) if folder is not None}


def grid_spec(grid: str | None) -> dict[str, Any] | None:
    """A time grid's name and options.

    Raises:
        InputError: a part of it that is not ``option=value``.
    """
    return None if grid is None else component_spec(grid, "--grid")


def solver_choice(solver: str | None) -> str | dict[str, Any] | None:
    """A solver's name, or its name and options.

    Raises:
        InputError: a part of it that is not ``option=value``.
    """
    return component_spec(solver, "--solver") if solver and "," in solver else solver


def component_spec(text: str, option: str) -> dict[str, Any]:
    """The configuration in ``NAME,OPTION=VALUE,...``.

    Raises:
        InputError: a part that is not ``option=value``; ``option`` says where it stands.
    """
    name, *parts = OUTSIDE_BRACKETS.split(text)
    return {"name": name, **_nested(parts, option)}


def options_spec(text: str, option: str) -> dict[str, Any]:
    """The options in ``OPTION=VALUE,...``.

    Raises:
        InputError: a part that is not ``option=value``; ``option`` says where it stands.
    """
    return _nested(OUTSIDE_BRACKETS.split(text), option)


def pipeline_spec(pipeline: str, settings: Sequence[str]) -> dict[str, Any]:
    """A pipeline's configuration: a registered name or a YAML file, overridden by ``--set a.b=value``.

    Raises:
        InputError: an unreadable file, or a setting that is not ``a.b=value``.
    """
    from wavegen.core.config import merge

    spec = read_yaml(pipeline) if pipeline.endswith(YAML_SUFFIXES) else {"name": pipeline}
    return merge(spec, _nested(settings, "--set"))


def _nested(settings: Sequence[str], option: str) -> dict[str, Any]:
    """Turn ``a.b=value`` settings into nested mappings.

    Raises:
        InputError: a setting of another form, or one name given both a value and options of its own.
    """
    changes: dict[str, Any] = {}
    for setting in settings:
        path, value = _assignment(setting, option)
        *outer, last = path.split(".")
        place = changes
        for key in outer:
            place = place.setdefault(key, {})
            if not isinstance(place, dict):
                raise InputError(f"{option} {path}: {key} already has a single value")
        place[last] = value
    return changes


def _assignment(text: str, option: str) -> tuple[str, Any]:
    key, equals, value = text.partition("=")
    if not (key and equals):
        raise InputError(f"{option}: {text!r} is not of the form name=value")
    return key, value_of(value)
