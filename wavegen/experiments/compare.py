"""Scores and times of the trained systems of a comparison, and what they were made on."""

from __future__ import annotations

import json
import math
import platform
import statistics
from datetime import date
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from wavegen.core.errors import InputError
from wavegen.core.files import write_text
from wavegen.core.registry import build
from wavegen.core.tensors import read_note
from wavegen.core.types import PairSource, Restoration
from wavegen.data import InMemory, LowBand, Simulator, is_simulator
from wavegen.degradations import sigma_pixels
from wavegen.experiments.classical import method_named, restorer, tune
from wavegen.experiments.command import command_line
from wavegen.experiments.identity import read_json
from wavegen.experiments.plan import Comparison, Row, restored_by
from wavegen.experiments.train_systems import model_hash, run_folder
from wavegen.inference.evaluate import Scorer, evaluate
from wavegen.pipeline.pipeline import Pipeline
from wavegen.version import __version__

Result = dict[str, Any]
TIMED_RUNS = 5
LONG = 50
DAMAGED_TIMES = "delete it to have the times taken again"


def images_of(plan: Comparison, split: str = "test") -> PairSource:
    """The images that a split of the plan stands for; other data than simulators' have no validation split."""
    spec = {**plan.data, "split": split, "size": plan.size, "length": plan.test_images}
    if not is_simulator(plan.data):
        if split != "test" or plan.test is None:
            raise InputError(f"data {plan.data['name']!r} has no {split} images; give the comparison a test set")
        spec = plan.test
    made: PairSource = build("dataset", spec)
    return InMemory(LowBand(made, plan.levels)) if plan.levels else made


def score_classical(plan: Comparison, name: str, data: PairSource, scorer: Scorer) -> Result:
    """Tune a method where the truth may be looked at, and score it."""
    simulated = is_simulator(plan.data)
    tuning = images_of(plan, "validation") if simulated else build("dataset", plan.data)
    known = plan.known
    if isinstance(data, Simulator) and not known:  # from the confocal to the STED spot, both Gaussian
        known = {"sigma": sigma_pixels(math.sqrt(data.confocal_fwhm_nm**2 - data.sted_fwhm_nm**2), data.pixel_nm)}
    method = method_named(name)
    options = tune(method, tuning, plan.scale, known)
    scores = evaluate(
        restorer(method, options, data, plan.scale), data, images=plan.test_images, scorer=scorer, batch=1
    )
    label = ", ".join(f"{key} {value:.3g}" for key, value in options.items())
    name = f"{name} ({label})" if label else name
    return {"system": name, "steps": 0, "eta": 0.0, "seed": 0, "parameters": 0, "minutes": 0.0, **scores}


def score_row(row: Row, seed: int, images: int, folder: Path, data: PairSource, scorer: Scorer) -> Result:
    """The scores of one trained model, sampled in one way, on the first ``images`` of the data."""
    pipe = Pipeline.from_pretrained(folder / "model")

    def restore(y: Tensor, first: int, samples: int = 1) -> Restoration:
        return restored_by(pipe, row, y, range(first, first + len(y)), samples)

    count = min(row.spread_images, images) if row.samples > 1 else 0
    together = row.samples if count == images else 1
    scores = evaluate(lambda y, i: restore(y, i, together), data, images=images, scorer=scorer)
    scores.pop("ms_per_image")  # timed apart, all rows in turn
    if together < row.samples:
        drawn = evaluate(lambda y, i: restore(y, i, row.samples), data, images=count, perceptual=False)
        scores |= {name: drawn[name] for name in scorer.keys_of("ensemble")}
    note = read_note(folder / "checkpoint.safetensors")
    return {
        "system": row.system,
        "steps": row.steps,
        "eta": row.eta,
        "key": row.key(),
        "solver": row.solver_words,
        "seed": seed,
        "model": model_hash(folder),
        "parameters": pipe.parameters_count,
        "minutes": note["progress"]["core_seconds"] / 60,
        "training_steps": note["progress"]["step"],
        "s": pipe.bridge.total_variance,
        "s_over_v": s_over_v(pipe, data),
        **scores,
    }


def time_rows(plan: Comparison, out: Path) -> list[Result]:
    """Milliseconds per image at batch 1 and 8: rows in turn in one process, medians; written to ``times.json``.

    Rows of ``LONG`` calls and more take minutes and are timed once. Times are wall times on one thread: let nothing
    else run. What the file holds is kept; delete it to have all taken again.
    """
    torch.set_num_threads(1)
    # eta, grid and temperature change less than 2 % of the work: each (system, steps, solver) is timed once.
    rows = {
        (row.system, row.steps, row.solver_words): row
        for row in plan.rows
        if (run_folder(out, row.system, plan.seeds_of(row.system)[0]) / "model").exists()
    }
    file = out / "times.json"
    kept = read_times(file)
    for time in kept:
        rows.pop((time["system"], time["steps"], time.get("solver")), None)
    if not rows:
        return kept
    batches = {count: _timing_batch(images_of(plan), count, plan.size) for count in (1, 8)}
    systems = {row.system for row in rows.values()}
    pipes = {s: Pipeline.from_pretrained(run_folder(out, s, plan.seeds_of(s)[0]) / "model") for s in systems}
    times: dict[tuple[Any, ...], list[float]] = {}
    for turn in range(TIMED_RUNS + 1):
        for key, row in rows.items():
            if row.steps >= LONG and turn != 1:
                continue
            for batch, y in batches.items():
                seconds = restored_by(pipes[row.system], row, y, range(batch)).seconds
                if turn:  # the first turn warms up
                    times.setdefault((*key, batch), []).append(1000 * seconds / batch)
    made = kept + [
        {
            "system": row.system,
            "steps": row.steps,
            "solver": row.solver_words,
            "ms_batch_1": statistics.median(times[*key, 1]),
            "ms_batch_8": statistics.median(times[*key, 8]),
        }
        for key, row in rows.items()
    ]
    write_text(file, json.dumps({"about": about(plan), "rows": made}, indent=1) + "\n")
    return made


def read_times(file: Path) -> list[Result]:
    """What :func:`time_rows` has written.

    Raises:
        InputError: a damaged file.
    """
    rows = read_json(file, DAMAGED_TIMES).get("rows", []) if file.exists() else []
    if not isinstance(rows, list) or not all(
        isinstance(row, dict) and {"system", "steps"} <= row.keys() for row in rows
    ):
        raise InputError(f"{file} is damaged (its rows are no times); {DAMAGED_TIMES}")
    return rows


def _timing_batch(data: PairSource, count: int, size: int) -> Tensor:
    """``count`` inputs of one size, at most ``size`` pixels wide: what times are stated for."""
    ys = [data[i % len(data)].y for i in range(count)]
    height, width = (min(size, *(y.shape[axis] for y in ys)) for axis in (-2, -1))
    return torch.stack([y[..., :height, :width] for y in ys])


@torch.inference_mode()
def s_over_v(pipe: Pipeline, data: PairSource, images: int = 8) -> float | None:
    """Total variance S of the bridge over the residual variance v of its band, which step counts depend on.

    v is the mean squared error of the one-call estimate on the first images: the variance of x0 given y, plus
    what the network has not learnt. None for processes that are not pinned at y, whose S means something else.
    """
    if pipe.bridge.total_variance is None or not pipe.bridge.pinned:
        return None
    errors = []
    for i in range(min(images, len(data))):
        x, y = (image[None] for image in pipe.normalise(data[i]))
        bands, true = pipe.transform.forward(y), pipe.transform.forward(x)
        y_low, t = pipe.norm.low(bands.ll, 0), torch.ones(1)
        x0 = pipe.denoiser(pipe.condition(y, bands))(y_low, t, y_low)
        errors.append(float((x0 - pipe.norm.low(true.ll, 0)).square().mean()))
    return pipe.bridge.total_variance / statistics.fmean(errors)


def about(plan: Comparison) -> Result:
    """What the figures were made on."""
    return {
        "command": command_line(),
        "date": date.today().isoformat(),
        "wavegen": __version__,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "machine": f"{platform.machine()}, {cpu_name()}",
        "threads": torch.get_num_threads(),
        "plan": plan.model_dump(mode="json"),
    }


def cpu_name() -> str:
    """The processor's own name, where it can be had."""
    capabilities: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return str(capabilities.get("cpu_name") or platform.processor() or "unknown processor")
