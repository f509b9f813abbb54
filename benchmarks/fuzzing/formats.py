"""The formats that are fuzzed: small valid files of each, how they are mutated, and what reads them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.fuzzing import mutate

PLANES = 8  # of a stack that are read
Read = Callable[[Path], object]


@dataclass(frozen=True)
class Seed:
    """A valid file: ``path`` is what the readers are given, ``file`` what is mutated, by one of ``mutations``."""

    path: Path
    file: Path
    mutations: tuple[mutate.Bytes, ...]


@dataclass(frozen=True)
class Format:
    """How seeds are made in a folder, and what reads them; ``strays`` may name files elsewhere, as options do."""

    name: str
    seeds: Callable[[Path], Iterable[Seed]]
    readers: tuple[Read, ...]
    strays: bool = False


def _kinds(folder: Path, *extensions: str, ome: bool | None = None) -> Iterable[Seed]:
    """The kinds of image files of the round trip; of TIFF, those that ImageJ and OME describe, or the others."""
    from benchmarks.file_kinds import KINDS

    tags = (mutate.tiff_tags, mutate.tiff_tags, mutate.damaged)
    for number, kind in enumerate(KINDS):
        described = kind.extension.startswith(".ome") or kind.by in ("ImageJ", "Fiji", "QuPath", "Bio-Formats")
        if kind.extension not in extensions or (ome is not None and described != ome):
            continue
        path = folder / f"{number}{kind.extension}"
        kind.make(path)
        if path.stat().st_size < 20_000:
            chunks = (mutate.png_chunks, mutate.damaged)
            yield Seed(path, path, chunks if kind.extension == ".png" else tags)


def _tiff(folder: Path) -> Iterable[Seed]:
    return _kinds(folder, ".tif", ome=False)


def _described(folder: Path) -> Iterable[Seed]:
    return _kinds(folder, ".tif", ".ome.tif", ome=True)


def _png(folder: Path) -> Iterable[Seed]:
    return _kinds(folder, ".png")


def _zarr(folder: Path) -> Iterable[Seed]:
    """Stores of both versions; their metadata is mutated, one file at a time."""
    from wavegen.io import Stack, write_stack

    for version in ("0.4", "0.5"):
        path = folder / f"{version}.ome.zarr"
        other = {"format": "zarr", "version": version, "interval_s": 2.0}
        stack = Stack(
            np.arange(240, dtype=np.uint16).reshape(2, 2, 6, 10), "TCYX", {"Y": 0.1, "X": 0.1}, ("a", "b"), other
        )
        write_stack(path, stack, {"software": "wavegen"})
        for file in sorted(path.rglob("*")):
            if file.name in ("zarr.json", ".zarray", ".zattrs", ".zgroup"):
                yield Seed(path, file, (mutate.json_text,))


def _mrc(folder: Path) -> Iterable[Seed]:
    """The types and both byte orders, with and without an extended header."""
    for number, (kind, dtype, extended) in enumerate(((0, "i1", 0), (1, "<i2", 0), (2, ">f4", 80), (6, "<u2", 4))):
        order = ">" if dtype.startswith(">") else "<"
        header = np.zeros(256, f"{order}i4")
        header[:4], header[23] = (7, 5, 3, kind), extended
        path = folder / f"{number}.mrc"
        path.write_bytes(header.tobytes() + bytes(extended) + np.arange(105).astype(dtype).tobytes())
        yield Seed(path, path, (mutate.mrc_words,))


def _npy(folder: Path) -> Iterable[Seed]:
    for number, dtype in enumerate(("<f4", "|u1", "<u2", ">f8")):
        path = folder / f"{number}.npy"
        np.save(path, np.arange(168).reshape(14, 12).astype(dtype))
        yield Seed(path, path, (mutate.npy_header,))


GRID = """base: {name: bbdm, network: {width: 4, multipliers: [1]}}
systems: {small: {}, noisy: {bridge.s: 1.0}}
vary: {sampler.steps: [1, 4]}
rows: [{}, {steps: 2, samples: 2, images: 4, solver: generic}]
seeds: 2
data: nanobeads
size: 64
training: {steps: 4, batch: 2, crop: 32}
"""
PLAIN = """base: {name: unet, network: {width: 4, multipliers: [1]}}
seeds: {"": [0, 1]}
data: {name: hela, size: 64}
levels: 1
classical: [input]
training: {minutes: 1.5, ema: 0.9}
"""


def _yaml(folder: Path) -> Iterable[Seed]:
    for name, text in (("grid", GRID), ("plain", PLAIN)):
        path = folder / f"{name}.yaml"
        path.write_text(text)
        yield Seed(path, path, (mutate.yaml_text,))


def _config(folder: Path) -> Iterable[Seed]:
    """Saved pipelines of few parameters; their configurations are mutated, and read with their weights."""
    import torch

    from wavegen.pipeline.pipeline import Pipeline

    torch.manual_seed(0)
    for name in ("bbdm", "mscgm", "unet"):
        small: dict[str, Any] = {"name": name, "network": {"width": 4, "multipliers": [1]}}
        Pipeline.from_config(small).save_pretrained(folder / name)
        yield Seed(folder / name, folder / name / "config.json", (mutate.json_text,))


def _results(folder: Path) -> Iterable[Seed]:
    """A run's folder, and a packed file."""
    from wavegen.reports.pack import pack
    from wavegen.reports.study import read_study

    plan = {"data": {"name": "hela"}, "test": None, "scale": "target", "levels": 0, "size": 64, "reference": "unet"}
    plan["training"] = {"minutes": 1.0, "steps": None, "batch": 8, "seed": 0}
    about = {"command": "wavegen ablate", "date": "2026-01-02", "wavegen": "0.2.0", "machine": "x86_64", "plan": plan}
    rows = [
        {"system": system, "steps": steps, "eta": 1.0, "key": "eta 1", "solver": None, "seed": seed, "images": 8,
         "psnr": 20.0 + seed, "ssim": 0.5, "lpips": 0.1, "nfe": steps, "spread": 0.01, "spread_skill": 0.9,
         "parameters": 1000, "minutes": 1.0, "bridge.s": 0.5}
        for system, steps in (("input", 0), ("unet", 1), ("bbdm", 4)) for seed in (0, 1)
    ]  # fmt: skip
    (folder / "run").mkdir()
    path = folder / "run" / "results.json"
    path.write_text(json.dumps({"format": 1, "about": about, "rows": rows}))
    times = {"rows": [{"system": "unet", "steps": 1, "solver": None, "ms_batch_1": 6.0, "ms_batch_8": 9.0}]}
    (folder / "run" / "times.json").write_text(json.dumps(times))
    pack(read_study([path]), folder / "packed.json")
    yield Seed(path, path, (mutate.json_text,))
    yield Seed(path, folder / "run" / "times.json", (mutate.json_text,))
    yield Seed(folder / "packed.json", folder / "packed.json", (mutate.json_text,))


def _beads(folder: Path) -> Iterable[Seed]:
    """Bead stacks, plain and compressed."""
    import tifffile

    z, y, x = np.ogrid[-1:2, -16:17, -16:17]
    bead = (1000 * np.exp(-(z**2 + y**2 + x**2) / 6) + 5).astype(np.uint16)
    for number, compression in enumerate((None, "zlib", "lzw")):
        path = folder / f"{number}.tif"
        tifffile.imwrite(path, bead, compression=compression, photometric="minisblack")
        yield Seed(path, path, (mutate.tiff_tags, mutate.damaged))


def _safetensors(folder: Path) -> Iterable[Seed]:
    """Weights, and a checkpoint with its note."""
    import torch

    from wavegen.core.tensors import write_tensors

    progress = {"stage": 0, "step_in_stage": 1, "step": 1, "plan": [5], "core_seconds": 0.5}
    note = {"format": 1, "progress": progress, "run": {"data": {"name": "hela"}}, "means": [0.5]}
    tensors = {"a.weight": torch.ones(2, 3), "a.bias": torch.zeros(2).half(), "steps": torch.tensor(3)}
    for name, more in (("model", {}), ("checkpoint", note)):
        path = folder / f"{name}.safetensors"
        write_tensors(path, tensors, more)
        yield Seed(path, path, (mutate.safetensors,))


def read_stack(path: Path) -> None:
    """Open a stack and read its first and its last planes."""
    from wavegen.core.guard import guarded
    from wavegen.io import Place, open_stack

    stack = open_stack(path)
    last = Place(stack.size("T") - 1, stack.size("Z") - 1)
    for place in (*islice(stack.places(), PLANES), last):
        guarded(path, lambda _, place=place: stack.plane(place))  # as restoring does


def read_as_image(path: Path) -> None:
    """What training and scoring read."""
    from wavegen.io import image_header, read_image

    assert image_header(path).shape == read_image(path).pixels.shape


def read_data_file(path: Path) -> None:
    """What data sets read: header and pixels."""
    from wavegen.data.files import finite, pixel_header

    assert pixel_header(path).shape == tuple(finite(path).shape)


def read_grid_file(path: Path) -> None:
    """What ``wavegen ablate`` reads."""
    from wavegen.cli.specs import read_yaml
    from wavegen.experiments.spec.grid import read_grid

    read_grid(read_yaml(str(path)), str(path))


def read_model(path: Path) -> None:
    """What ``wavegen restore`` reads of a saved pipeline."""
    from wavegen.pipeline.pipeline import Pipeline

    Pipeline.from_pretrained(path)


def read_results(path: Path) -> None:
    """What ``wavegen report`` reads, and its table."""
    from wavegen.reports.study import read_study
    from wavegen.reports.tables import aggregate, markdown

    study = read_study([path])
    markdown(aggregate(study.rows, study.times, study.reference))


def read_beads(path: Path) -> None:
    """A point spread function measured from beads."""
    from wavegen.degradations import read_psf

    read_psf(path, size=11)


def read_tensor_file(path: Path) -> None:
    """Tensors and their note."""
    from wavegen.core.tensors import read_tensors

    read_tensors(path)


def read_checkpoint(path: Path) -> None:
    """What a training that goes on reads of its checkpoint."""
    from wavegen.training import state

    state.recorded(path)


FORMATS = {
    f.name: f
    for f in (
        Format("tiff", _tiff, (read_stack, read_as_image)),
        Format("ome-imagej", _described, (read_stack, read_as_image)),
        Format("png", _png, (read_stack, read_as_image)),
        Format("zarr", _zarr, (read_stack,)),
        Format("mrc", _mrc, (read_data_file,)),
        Format("npy", _npy, (read_data_file,)),
        Format("yaml", _yaml, (read_grid_file,), strays=True),
        Format("config", _config, (read_model,), strays=True),
        Format("results", _results, (read_results,)),
        Format("beads", _beads, (read_beads,)),
        Format("safetensors", _safetensors, (read_tensor_file, read_checkpoint)),
    )
}
