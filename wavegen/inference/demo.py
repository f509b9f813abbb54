"""The demonstration: shipped models on held-out simulated images with known truth, and on a real micrograph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from wavegen.core.errors import InputError
from wavegen.core.files import atomic
from wavegen.core.intensity import intensity_range
from wavegen.core.optional import need
from wavegen.core.registry import build
from wavegen.core.types import Restoration
from wavegen.data import microscope_sample
from wavegen.inference.evaluate import evaluate
from wavegen.metrics import Scorer, spread
from wavegen.metrics.scales import target_range
from wavegen.pipeline.pipeline import Pipeline
from wavegen.pipeline.storage import shipped

MODELS = {"nanobeads": "mscgm-nanobeads", "hela": "mscgm-hela"}
REAL = "hela"  # the model that restores the real image
SIZE, IMAGES, SAMPLES, SEED = 256, 3, 4, 0
SCALE_BAR_NM = 1000
NO_TRUTH = "No truth is known here:\na real image, and not of the kind\nthat the model was trained on."

Plane = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Row:
    """One line of the figure: planes (H, W) in one unit; ``truth`` is None where nobody knows it."""

    title: str
    unit: str
    pixel_nm: float | None
    planes: dict[str, Plane]
    truth: Plane | None
    notes: dict[str, str]


@dataclass(frozen=True)
class Demo:
    """Scores (one mapping for each data set and method), the figure, and the wall time of all restorations."""

    scores: list[dict[str, Any]]
    figure: Path
    restoring_seconds: float


def demo(out: Path, models: Mapping[str, str | Path] | None = None) -> Demo:
    """Restore, score and draw; the figure goes to ``out/demo.png``.

    Args:
        out: an existing folder.
        models: a trained pipeline (shipped name or folder) for each of ``nanobeads`` and ``hela``; the shipped
            ones by default.

    Raises:
        InputError: a model is not found, ``out`` cannot be written.
    """
    missing = [name for name in MODELS.values() if models is None and name not in shipped()]
    if missing:
        raise InputError(f"this installation has no trained model {missing[0]!r}; install wavegen with its checkpoints")
    pipelines = {name: Pipeline.from_pretrained(where) for name, where in (models or MODELS).items()}
    scorer = Scorer()
    for key in scorer.keys_of("distribution"):
        del scorer.metrics[key]  # a distance between distributions means nothing for a few images
    scores: list[dict[str, Any]] = []
    rows: list[Row] = []
    seconds = 0.0
    for name, pipeline in pipelines.items():
        found, row, spent = _simulated(name, pipeline, scorer)
        scores, seconds = scores + found, seconds + spent
        rows.append(row)
    found, row, spent = _real(pipelines[REAL])
    path = out / "demo.png"
    _draw([*rows, row], path)
    return Demo(scores + found, path, seconds + spent)


def _simulated(name: str, pipeline: Pipeline, scorer: Scorer) -> tuple[list[dict[str, Any]], Row, float]:
    """Scores of input, one draw and the mean of draws over held-out images; the first image's row; seconds."""
    data = build("dataset", {"name": name, "split": "test", "size": SIZE, "length": IMAGES})
    y = torch.stack([data[i].y for i in range(IMAGES)])
    result = pipeline.restore(y, samples=SAMPLES, seed=[SEED + i for i in range(IMAGES)])
    scores = []
    for method, given in _methods(y, result).items():
        found = evaluate(lambda y, first, given=given: given, data, batch=IMAGES, scorer=scorer)  # type: ignore[misc]
        kept = {key: value for key, value in found.items() if key not in ("images", "kid_effnet_lite0")}
        if len(given.samples) == 1:
            kept["spread"] = None
        scores.append({"images": name, "method": method, **kept})
    first = data[0]
    shown = {"input": first.y[0], "restored": result.samples[0, 0, 0], "spread": result.std[0, 0]}
    notes = {}
    for kind in ("input", "restored"):
        notes[kind] = f"{float(scorer.paired(shown[kind][None, None], first.x[None])['psnr']):.1f} dB PSNR"
    planes = {kind: plane.numpy() for kind, plane in shown.items()}
    row = Row(f"{name}\n(simulated)", "photons", data.pixel_nm, planes, first.x[0].numpy(), notes)
    return scores, row, result.seconds


def _methods(y: Tensor, result: Restoration) -> dict[str, Restoration]:
    """The input as it is, one draw, and the mean of all draws."""
    unrestored = Restoration(y, torch.zeros_like(y), y[None], 0, 0.0)
    averaged = replace(result, samples=result.image[None], nfe=result.nfe * SAMPLES)
    return {"input": unrestored, "restored": result, f"mean of {SAMPLES}": averaged}


def _real(pipeline: Pipeline) -> tuple[list[dict[str, Any]], Row, float]:
    """The middle of the real image: nothing to score it by but its spread."""
    whole = microscope_sample().pixels
    top, left = ((side - SIZE) // 2 for side in whole.shape[-2:])
    pixels = whole[:, top : top + SIZE, left : left + SIZE]
    result = pipeline.restore(pixels, samples=SAMPLES, seed=SEED)
    low, scale = target_range(torch.from_numpy(pixels.astype(np.float32))[None])
    draws = (torch.from_numpy(result.samples.astype(np.float32))[:, None] - low) / scale
    score = {
        "images": "real image", "method": "restored", "spread": float(spread(draws)[0]), "nfe": result.nfe,
        "ms_per_image": 1000 * result.seconds / SAMPLES,
    }  # fmt: skip
    planes = {"input": pixels[0], "restored": result.samples[0, 0], "spread": result.std[0]}
    row = Row("real micrograph\n(ships with scikit-image)", "grey levels", None, planes, None, {})
    return [score], row, result.seconds


def _draw(rows: Sequence[Row], path: Path) -> None:
    """One line per row; input, restored and truth share a colour scale only where they share a meaning."""
    Figure = need("matplotlib.figure", "plot", "the demonstration's figure").Figure
    titles = {
        "input": "input",
        "restored": "restored (one draw)",
        "spread": f"spread (std of {SAMPLES} draws)",
        "truth": "truth",
    }
    figure = Figure(figsize=(15.5, 3.5 * len(rows)), layout="constrained")
    axes = figure.subplots(len(rows), len(titles), squeeze=False)
    for line, row in zip(axes, rows, strict=True):
        line[0].set_ylabel(row.title, fontsize=13)
        bright = row.truth if row.truth is not None else row.planes["restored"]
        for axis, kind in zip(line, titles, strict=True):
            axis.set_xticks([])
            axis.set_yticks([])
            if row is rows[0]:
                axis.set_title(titles[kind], fontsize=13)
            plane = row.truth if kind == "truth" else row.planes[kind]
            if plane is None:
                axis.set_axis_off()
                axis.text(0.5, 0.5, NO_TRUTH, ha="center", va="center", fontsize=12, transform=axis.transAxes)
                continue
            top = sum(intensity_range(bright if kind in ("restored", "truth") else plane))
            shown = axis.imshow(plane, cmap="viridis" if kind == "spread" else "inferno", vmin=0, vmax=top or 1.0)
            figure.colorbar(shown, ax=axis, fraction=0.046, pad=0.02, label=row.unit)
            axis.set_xlabel(row.notes.get(kind, ""), fontsize=12)
            if row.pixel_nm and kind == "input":
                _scale_bar(axis, plane.shape, row.pixel_nm)
    with atomic(path) as file:
        figure.savefig(file, format="png", dpi=80)


def _scale_bar(axis: Any, shape: tuple[int, ...], pixel_nm: float) -> None:
    """A white bar of :data:`SCALE_BAR_NM` in the lower left corner."""
    length, row, column = SCALE_BAR_NM / pixel_nm, 0.94 * shape[0], 0.05 * shape[1]
    axis.plot([column, column + length], [row, row], color="white", linewidth=3)
    axis.text(column + length / 2, row - 4, f"{SCALE_BAR_NM / 1000:g} µm", color="white", ha="center", va="bottom")
