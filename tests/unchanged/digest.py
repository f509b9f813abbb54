"""What is kept of the arrays of version 0.1.0: restorations whole, of weights and losses a digest.

The bits of a float32 run depend on the processor: sums are made in another order. In restorations that stays below
1e-6 of the range. In training it does not stay small everywhere: early steps of AdamW move a weight by about the
learning rate times the *sign* of its gradient, so a weight whose gradient is rounding noise moves one way on one
processor and the other way on another (up to 2e-3 of the range). The digest therefore keeps only entries that do not
depend on the order of sums: ``record.py`` repeats the run of 0.1.0 with several arithmetics, and an entry is kept if
all of them agree ``STRICTER`` times better than the test then asks: within ``TOLERANCE`` of the tensor's range and what
float32 can tell apart (``ULPS`` of the largest value). Of the weights 71 % (unet, cgan) to 99.8 %
qualify, and some of every tensor of every preset. On a processor that nobody tried a few may stray all the same: at
most ``STRAY`` of a preset's, and no more than a sixth of any tensor's. A change of what is computed moves whole
tensors: S of the bridge larger by 0.5 %, or a weight of a loss by 0.5 %, is told.

A digest lies in the recorded file as ``PRESET/at`` (positions), ``PRESET/value`` and ``PRESET/range`` (of each
tensor), its tensors' names and numbers of entries in the file's metadata.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor

FILE = Path(__file__).with_name("recorded.safetensors")
TOLERANCE, ULPS, STRICTER = 1e-5, 4, 5
STRAY = 0.005  # share of a preset's entries
CANDIDATES, ENTRIES = 96, 12  # of a tensor: positions looked at, positions kept


def benchmark(name: str) -> ModuleType:
    """A script of ``benchmarks/``, which is no package."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).parents[2] / "benchmarks" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def trained(record: ModuleType, preset: str) -> dict[str, Tensor]:
    """Weights after training, and every figure of the log (``log/NAME``) by step; without the preset in the names."""
    steps: list[dict[str, float]] = []

    def note(figures: dict[str, Any], _: object) -> None:
        steps.append({k: v for k, v in figures.items() if isinstance(v, float) and k != "core_minutes"})

    found = {key.partition("/")[2]: value for key, value in record.trained(preset, [note]).items()}
    for name in sorted({name for step in steps for name in step}):
        found[f"log/{name}"] = torch.tensor([step.get(name, 0.0) for step in steps], dtype=torch.float64)
    return found


def extent(values: Tensor) -> float:
    """The range of some values; of equal ones their size."""
    return float(values.max() - values.min()) or float(values.abs().max()) or 1.0


def allowed(spread: float, values: Tensor) -> float:
    """The largest difference that counts as none: a share of the range, and what float32 can tell apart."""
    return TOLERANCE * spread + ULPS * torch.finfo(torch.float32).eps * float(values.abs().max())


def vector(values: Tensor) -> Tensor:
    """All entries, and after them their mean and root mean square."""
    flat = values.double().flatten()
    return torch.cat([flat, flat.mean()[None], flat.square().mean().sqrt()[None]])


def positions(runs: Sequence[Tensor]) -> Tensor:
    """Where entries are kept of a tensor that several arithmetics computed: spread evenly over those that agree."""
    vectors = torch.stack([vector(run) for run in runs])
    count = vectors.shape[1]
    looked = torch.linspace(0, count - 3, min(CANDIDATES, count - 2)).round().long()
    looked = torch.cat([looked, torch.tensor([count - 2, count - 1])])
    most = allowed(extent(runs[0].double()), runs[0]) / STRICTER
    kept = looked[(vectors - vectors[0]).abs().amax(0)[looked] <= most]
    inside, sums = kept[kept < count - 2], kept[kept >= count - 2]
    few = torch.linspace(0, len(inside) - 1, min(ENTRIES, len(inside))).round().long()
    return torch.cat([inside[few], sums])


def digest(runs: Sequence[Mapping[str, Tensor]]) -> tuple[dict[str, Tensor], list[tuple[str, int]]]:
    """Of one preset, trained with several arithmetics: the arrays for the file, and (name, entries) of each tensor."""
    names = sorted(name for name, value in runs[0].items() if value.numel())
    at = {name: positions([run[name] for run in runs]) for name in names}
    value = torch.cat([vector(runs[0][name])[at[name]] for name in names])
    arrays = {
        "at": torch.cat([at[name] for name in names]).int(),
        "value": value.float(),
        "range": torch.tensor([extent(runs[0][name].double()) for name in names]),
    }
    return arrays, [(name, len(at[name])) for name in names]


def recorded(preset: str) -> dict[str, tuple[Tensor, Tensor, float]]:
    """Of each tensor of a preset: positions, values of 0.1.0 at them, and the range."""
    with safe_open(str(FILE), "pt") as file:
        at, value, ranges = (file.get_tensor(f"{preset}/{part}") for part in ("at", "value", "range"))
        entries = json.loads(file.metadata()[preset])
    sizes = [count for _, count in entries]
    parts = zip(entries, at.long().split(sizes), value.double().split(sizes), ranges.tolist(), strict=True)
    return {name: (where, values, spread) for (name, _), where, values, spread in parts}
