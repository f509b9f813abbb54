"""Verified weight files as tensors; nothing that a file could execute is ever executed."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from wavegen.metrics.weights import require

# How a pickled array is put together; the function's home has moved between numpy 1 and 2.
_ALLOWED: dict[tuple[str, str], Callable[..., Any]] = {
    ("numpy.core.multiarray", "_reconstruct"): np.empty(0).__reduce__()[0],  # type: ignore[dict-item]
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
}


class ArrayUnpickler(pickle.Unpickler):
    """Reads dictionaries of numpy arrays and refuses everything else."""

    def find_class(self, module: str, name: str) -> Any:
        """The few names that an array needs.

        Raises:
            pickle.UnpicklingError: the pickle asks for anything else.
        """
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"refused to load {module}.{name}: only numpy arrays are read")
        return _ALLOWED[module, name]


def read_torch(name: str, path: str | Path | None = None) -> dict[str, Tensor]:
    """The state dictionary in a verified .pth file (``torch.load`` with ``weights_only=True``)."""
    state: dict[str, Tensor] = torch.load(require(name, path), map_location="cpu", weights_only=True)
    return state


def read_lpips(name: str, path: str | Path | None = None) -> tuple[list[tuple[Tensor, Tensor]], list[Tensor]]:
    """Trunk and heads of one of the LPIPS files, as PyTorch lays them out.

    Returns:
        (weight (out, in, k, k), bias (out,)) of every convolution of the trunk in order, and the
        weight (1, channels, 1, 1) of the five heads.
    """
    with require(name, path).open("rb") as stream:
        tree: Mapping[str, Any] = ArrayUnpickler(stream).load()
    trunk = next(tree[key] for key in tree if not key.startswith("NetLinLayer"))
    convolutions = [trunk[f"Conv_{i}"] for i in range(len(trunk))]
    heads = [tree[f"NetLinLayer_{i}"]["Conv_0"]["kernel"] for i in range(len(tree) - 1)]
    return [(_oihw(c["kernel"]), torch.from_numpy(c["bias"].copy())) for c in convolutions], [
        _oihw(kernel) for kernel in heads
    ]


def _oihw(kernel: np.ndarray[Any, Any]) -> Tensor:
    """A convolution kernel stored as (height, width, in, out) in PyTorch's order."""
    return torch.from_numpy(np.ascontiguousarray(kernel.transpose(3, 2, 0, 1)))
