"""What a command has written, in a form in which an undisturbed and a disturbed run must be equal."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch

from wavegen.core.tensors import read_tensors

_BYTES = torch.uint8

# What tells of time, place or chance, and so differs between two undisturbed runs.
OF_THE_RUN = re.compile(r"minutes|seconds|^ms_|command|date|time|host|machine|python|^model$|^out$")
FIGURES = re.compile(rb"[\d.e+-]+")  # on a page: times are among them, and the scores are in the files beside it
UUID = re.compile(rb"urn:uuid:[0-9a-f-]+")
PARTIAL = (
    "checkpoint.safetensors",
    "log.jsonl",
    "results.json",
    "results.csv",
    "scores.json",
    "table.md",
    "figure.png",
)


def units(folder: Path) -> dict[str, str]:
    """Of each visible result its digest, by its path in ``folder``; an OME-Zarr store is one result."""
    found: dict[str, str] = {}
    for path in _visible(folder):
        name = str(path.relative_to(folder))
        found[name] = _store(path) if path.is_dir() else hashlib.sha256(_content(path)).hexdigest()
    return found


def hidden(folder: Path) -> list[str]:
    """What only a running command may have: temporary files and locks."""
    return sorted(str(p.relative_to(folder)) for p in folder.rglob(".*")) if folder.is_dir() else []


def unreadable(folder: Path) -> list[str]:
    """Files of a run that may stop anywhere, but have to be whole: which are not."""
    bad = []
    for path in (path for path in _visible(folder) if path.name in PARTIAL):
        try:
            _content(path)
        except (ValueError, KeyError) as error:
            bad.append(f"{path.relative_to(folder)}: {error}")
    return bad


def _visible(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.name.startswith("."):
            continue
        if path.is_dir() and path.suffix != ".zarr":
            yield from _visible(path)
        else:
            yield path


def _store(folder: Path) -> str:
    whole = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        whole.update(str(path.relative_to(folder)).encode() + path.read_bytes())
    return whole.hexdigest()


def _content(path: Path) -> bytes:
    """The bytes that have to be the same.

    Raises:
        ValueError: a file that is not whole.
    """
    if path.name == "checkpoint.safetensors":
        tensors, note = read_tensors(path)
        values = hashlib.sha256()
        for name in sorted(tensors):
            values.update(name.encode() + tensors[name].contiguous().flatten().view(_BYTES).numpy().tobytes())
        return json.dumps(_without(note), sort_keys=True).encode() + values.digest()
    if path.suffix == ".jsonl":
        return json.dumps([_without(json.loads(line)) for line in path.read_text().splitlines()]).encode()
    if path.suffix == ".json":
        return json.dumps(_without(json.loads(path.read_text())), sort_keys=True).encode()
    if path.suffix == ".csv":
        return json.dumps([_without(row) for row in csv.DictReader(io.StringIO(path.read_text()))]).encode()
    if path.suffix == ".html":
        return FIGURES.sub(b"", path.read_bytes())
    return UUID.sub(b"", path.read_bytes())


def _without(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without(item) for key, item in value.items() if not OF_THE_RUN.search(str(key))}
    return [_without(item) for item in value] if isinstance(value, list) else value


def repeated_lines(folder: Path) -> int:
    """Steps that a log of a training holds more than once."""
    count = 0
    for log in folder.rglob("log.jsonl"):
        steps = [json.loads(line)["step"] for line in log.read_text().splitlines()]
        count += len(steps) - len(set(steps))
    return count
