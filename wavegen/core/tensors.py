"""Tensors on disk: safetensors + JSON, written whole or not at all; no pickle is ever loaded."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor

from wavegen.core.errors import InputError
from wavegen.core.files import write_bytes
from wavegen.core.guard import guarded

Result = TypeVar("Result")


def write_tensors(path: Path, tensors: Mapping[str, Tensor], note: Mapping[str, Any] | None = None) -> None:
    """Write named tensors atomically, with ``note`` as JSON in the file's header."""
    plain = {name: t.detach().cpu().contiguous() for name, t in tensors.items()}
    write_bytes(path, save(plain, metadata={"note": json.dumps(dict(note or {}))}))


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read what :func:`write_tensors` wrote.

    Raises:
        InputError: the file is missing or is not a whole safetensors file.
    """

    def read(file: Any) -> tuple[dict[str, Tensor], dict[str, Any]]:
        return {name: file.get_tensor(name) for name in file.keys()}, _note(file)  # noqa: SIM118

    return _opened(path, read)


def read_note(path: Path) -> dict[str, Any]:
    """The note alone, without reading the tensors.

    Raises:
        InputError: as :func:`read_tensors`.
    """
    return _opened(path, _note)


def _opened(path: Path, read: Callable[[Any], Result]) -> Result:
    if not path.is_file():
        raise InputError(f"no file {path}; give a folder that save_pretrained wrote")

    def opened(path: Path) -> Result:
        with safe_open(path, framework="pt") as file:
            return read(file)

    return guarded(path, opened, "not a readable safetensors file", "copy it again")


def _note(file: Any) -> dict[str, Any]:
    note = json.loads((file.metadata() or {}).get("note", "{}"))
    if not isinstance(note, dict):
        raise InputError("its note holds no names with values; copy it again")
    return note


def check_state(path: Path, found: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> None:
    """Compare names and shapes of a file's tensors with a model's.

    Raises:
        InputError: naming the first missing, unknown or wrong-shaped tensor.
    """
    missing, unknown = sorted(wanted.keys() - found.keys()), sorted(found.keys() - wanted.keys())
    if missing or unknown:
        what = f"lacks {missing[0]!r}" if missing else f"has an unknown tensor {unknown[0]!r}"
        raise InputError(
            f"{path} {what} ({len(missing)} missing, {len(unknown)} unknown); "
            "its config.json is not the one that it was saved with"
        )
    for name, tensor in wanted.items():
        if tensor.shape != found[name].shape:
            raise InputError(
                f"{path}: tensor {name!r} has shape {tuple(found[name].shape)}, "
                f"the configuration says {tuple(tensor.shape)}"
            )


def check_numbers(path: Path, found: Mapping[str, Tensor]) -> None:
    """Refuse weights that nothing can be computed with.

    Raises:
        InputError: naming the first tensor that is not of a floating-point type, or not finite.
    """
    for name, tensor in found.items():
        if not tensor.is_floating_point():
            raise InputError(
                f"{path}: tensor {name!r} has type {tensor.dtype}; weights are floating-point numbers: convert them, "
                "or save the model again"
            )
        bad = int((~torch.isfinite(tensor.float())).sum())
        if bad:
            raise InputError(
                f"{path}: tensor {name!r} has {bad} of {tensor.numel()} values that are NaN or infinite: its training "
                "diverged, or the file is damaged; use another model, or train again"
            )
