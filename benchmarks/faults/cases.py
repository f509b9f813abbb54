"""The commands that are disturbed, with small inputs that make each last a second or a few."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import yaml

from wavegen import Pipeline
from wavegen.io import Stack, write_image, write_stack

SMALL = {"network": {"width": 8, "multipliers": [1, 2]}}
DATA = "nanobeads,size=64,length=4"
EVERY = {"checkpoint_every": 10, "preview_every": 20, "log_every": 4}  # often, so that few moments lie between
IMAGES, PLANES, STEPS = 5, 6, 60


class Case(NamedTuple):
    """A command.

    Args:
        name: what the table calls it.
        arguments: of the command line, from the folder of inputs and the folder of the results.
        older: of a run before it, whose results must stay until the new ones take their place.
        again: what is added when it is repeated.
        given: a folder of inputs that the command changes: it is copied to the results before.
        tries: at most, where one takes long.
    """

    name: str
    arguments: Callable[[Path, Path], list[str]]
    older: tuple[str, ...] | None = None
    again: tuple[str, ...] = ()
    given: str | None = None
    tries: int | None = None


def _restore(source: str, target: str, *more: str) -> Callable[[Path, Path], list[str]]:
    def arguments(inputs: Path, out: Path) -> list[str]:
        spread = [out / "spread" if part == "SPREAD" else part for part in more]
        return list(map(str, ["restore", inputs / source, out / target, "--model", inputs / "model", *spread]))

    return arguments


def _train(inputs: Path, out: Path) -> list[str]:
    options = [
        "--data",
        DATA,
        "--steps",
        STEPS,
        "--batch",
        2,
        "--crop",
        32,
        "--validate",
        "off",
        "--out",
        out,
        "--quiet",
    ]
    return list(map(str, ["train", inputs / "pipeline.yaml", *options]))


def _calibrate(inputs: Path, out: Path) -> list[str]:
    return list(map(str, ["calibrate", out, "--data", DATA, "--images", 2, "--steps", 2]))


def _evaluate(inputs: Path, out: Path) -> list[str]:
    options = ["--data", DATA, "--images", 2, "--metrics", "psnr,ssim", "--samples", 2, "--out", out]
    return list(map(str, ["evaluate", "--model", inputs / "model", *options]))


def _ablate(inputs: Path, out: Path) -> list[str]:
    return list(map(str, ["ablate", inputs / "grid.yaml", "--out", out, "--workers", 1]))


def _demo(inputs: Path, out: Path) -> list[str]:
    return ["demo", "--out", str(out)]


FOLDER = _restore("images", "restored", "--samples", "2", "--std", "SPREAD")
KILLED = (
    Case("train", _train, again=("--resume",)),
    Case("restore a folder", FOLDER, ("--seed", "7")),
    Case("restore a stack", _restore("stack.tif", "out.tif"), ("--seed", "7")),
    Case("restore an OME-Zarr", _restore("stack.ome.zarr", "out.ome.zarr"), ("--seed", "7")),
    Case("ablate, its worker a thread", lambda inputs, out: [*_ablate(inputs, out), "in threads"]),
    Case("calibrate", _calibrate, given="model"),
    Case("evaluate", _evaluate, tries=5),
    Case("demo", _demo, tries=3),
    Case("ablate", _ablate, tries=2),
)
FILLED = (
    Case("train", _train, again=("--resume",)),
    Case("restore to TIFF", FOLDER),
    Case("restore to OME-TIFF", _restore("stack.ome.zarr", "out.ome.tif")),
    Case("restore to OME-Zarr", _restore("stack.tif", "out.ome.zarr")),
    Case("restore to PNG and JPEG", _restore("pictures", "restored")),
    Case("evaluate", _evaluate),
    Case("ablate", lambda inputs, out: [*_ablate(inputs, out), "in threads"]),
    Case("demo", _demo),
)


def make_inputs(folder: Path) -> None:
    """Write images, stacks, a model that knows nothing, a pipeline and a grid; the same every time."""
    rng = np.random.default_rng(0)
    torch.manual_seed(0)
    head = {"features": 4, "network": {"width": 8, "multipliers": [1]}}
    pipeline = Pipeline.from_config({"name": "mscgm-joint", **SMALL, "head": head})
    pipeline.save_pretrained(folder / "model")
    for name in ("images", "pictures"):
        (folder / name).mkdir(parents=True)
    for index in range(IMAGES):
        pixels = rng.poisson(40, (64 + 8 * index, 72)).astype(np.uint16)
        write_image(folder / "images" / f"{index}.tif", pixels)
        write_image(folder / "pictures" / f"{index}.{('png', 'jpg')[index % 2]}", pixels.clip(0, 255).astype(np.uint8))
    stack = Stack(rng.poisson(40, (PLANES, 64, 72)).astype(np.uint16), "ZYX", {"X": 0.1, "Y": 0.1, "Z": 0.3})
    for name in ("stack.tif", "stack.ome.zarr"):
        write_stack(folder / name, stack)
    unet: Mapping[str, Any] = {"name": "unet", **SMALL}
    (folder / "pipeline.yaml").write_text(yaml.safe_dump(dict(unet)))
    grid = {
        "base": {**SMALL, "name": "bbdm"},
        "vary": {"bridge.s": [0.1, 0.2]},
        "data": "nanobeads",
        "training": {"steps": 15, "batch": 1, "crop": 32, "warmup": 1, "checkpoint_every": 5},
        "rows": [{"steps": 2}],
        "pool": 2,
        "test_images": 2,
        "size": 32,
        "timed": False,
    }
    (folder / "grid.yaml").write_text(json.dumps(grid))
