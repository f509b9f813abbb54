"""Where runs and their files lie, and how they are read and told apart."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from wavegen.core.documents import read_json as read
from wavegen.core.errors import InputError
from wavegen.core.files import write_text
from wavegen.reports.study import FORMAT

Result = dict[str, Any]
AGAIN = "delete it, and repeat the command that made it"
UNSAFE = re.compile(r"[^\w .,=+()\[\]-]")


def safe_name(name: str) -> str:
    """A name as that of a file; where characters had to go, a hash tells it from others."""
    safe = UNSAFE.sub("_", name)[:120]
    return safe if safe == name else f"{safe}-{hashlib.sha256(name.encode()).hexdigest()[:6]}"


def run_folder(out: Path, system: str, seed: int) -> Path:
    """Where one training lives."""
    return out / "runs" / f"{safe_name(system)}-seed{seed}"


def model_hash(folder: Path) -> str:
    """The first digits of a trained model's SHA-256, or nothing; scores of another model are not reused."""
    file = folder / "model" / "model.safetensors"
    return _hashed(file, file.stat().st_mtime_ns) if file.exists() else ""


@lru_cache(maxsize=4096)
def _hashed(file: Path, changed: int) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()[:12]


def digest(value: Any) -> str:
    """The first 16 digits of the SHA-256 of a value's JSON."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def read_json(file: Path, advice: str) -> Result:
    """A file of results that must hold names and values; empty where there is no file.

    Raises:
        InputError: it cannot be read, is not such a file, or is of a newer format; ``advice`` says what to do.
    """
    if not file.exists():
        return {}
    values = read(file, advice)
    if not isinstance(values, dict):
        raise InputError(f"{file} is damaged (no names in it); {advice}")
    return FORMAT.read(values, file)


def write_json(file: Path, values: Mapping[str, Any]) -> None:
    """Write a file of results with the number of its format, whole or not at all."""
    write_text(file, json.dumps(FORMAT.stamped(values), indent=1) + "\n")


def read_rows(file: Path) -> list[Result]:
    """The rows of ``results.json`` and its kind.

    Raises:
        InputError: a damaged file.
    """
    rows: Any = read_json(file, AGAIN).get("rows", [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise InputError(f"{file} is damaged (its rows are no records); {AGAIN}")
    return rows
