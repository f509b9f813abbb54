"""A training run's whole state in one safetensors file, so that resuming continues bit for bit."""

from __future__ import annotations

import contextlib
import math
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError
from torch import Tensor, nn
from torch.optim import Optimizer

from wavegen.core.errors import InputError
from wavegen.core.tensors import check_numbers, check_state, read_note, read_tensors, write_tensors
from wavegen.core.versions import Format, unchanged
from wavegen.pipeline.config import PipelineConfig
from wavegen.training.averages import Averages
from wavegen.training.config import Training
from wavegen.training.stream import same_means

HARMLESS = {"workers", "checkpoint_every", "preview_every", "log_every"}  # options that cannot change the weights
FORMAT = Format("a checkpoint", (unchanged,))


@dataclass
class Progress:
    """How far a run is: stage, step within it, steps planned for each stage, processor seconds.

    The rest is what :class:`~wavegen.training.budget.Budget` goes by: how much of the stage is done (``within``) and
    how many of its steps are ``left``, the seconds of a step of each stage (``costs``) and of the latest steps, those
    of everything else (``besides``) and the ``longest`` of it.
    """

    stage: int = 0
    step_in_stage: int = 0
    step: int = 0
    plan: list[int] = field(default_factory=list)
    core_seconds: float = 0.0
    within: float = 0.0
    left: float = 0.0
    costs: list[float] = field(default_factory=list)
    recent: list[float] = field(default_factory=list)
    besides: float = 0.0
    longest: float = 0.0


def _averages(averages: Averages) -> dict[str, Tensor]:
    """The first by the names that it has had since there was only one."""
    first, *others = averages.values
    tensors = {f"ema.{i}": value for i, value in enumerate(first)}
    return tensors | {f"ema.{n}.{i}": value for n, more in enumerate(others, 1) for i, value in enumerate(more)}


def _optimizer_tensors(prefix: str, optimizer: Optimizer) -> dict[str, Tensor]:
    states = optimizer.state_dict()["state"]
    return {f"{prefix}.{i}.{key}": value for i, state in states.items() for key, value in state.items()}


def _optimizer_state(
    path: Path, prefix: str, tensors: dict[str, Tensor], optimizer: Optimizer
) -> dict[int, dict[str, Tensor]]:
    """The inverse of :func:`_optimizer_tensors`.

    Raises:
        InputError: a tensor that belongs to no parameter, or has neither its shape nor one value.
    """
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        if not key.startswith(prefix + "."):
            continue
        index, _, name = key.removeprefix(prefix + ".").partition(".")
        known = index.isascii() and index.isdigit() and len(index) < 9 and int(index) < len(parameters) and bool(name)
        if not known or value.shape not in _state_shapes(parameters[int(index)].shape):
            raise InputError(f"{path}: tensor {key!r} is no state of this optimizer; start the training anew")
        state.setdefault(int(index), {})[name] = value
    return state


def _state_shapes(shape: torch.Size) -> set[tuple[int, ...]]:
    """What an optimizer may keep of a parameter: one value, its own shape, a square of its rows or columns."""
    rows = shape[0] if shape else 1
    columns = math.prod(shape[1:])
    return {(), tuple(shape), (rows, rows), (columns, columns)}


def save(
    path: Path,
    modules: dict[str, nn.Module],
    optimizers: dict[str, Optimizer],
    averages: Averages,
    progress: Progress,
    run: Any,
    means: list[float],
) -> None:
    """Write everything atomically; a resume must repeat ``run``, the configuration, and ``means``, of the data."""
    tensors: dict[str, Tensor] = {}
    for name, module in modules.items():
        tensors.update({f"{name}.{key}": value for key, value in module.state_dict().items()})
    for name, optimizer in optimizers.items():
        tensors.update(_optimizer_tensors(name, optimizer))
    tensors.update(_averages(averages))
    # Parameters may share memory with nothing else here; clones keep safetensors from refusing views.
    note = FORMAT.stamped({"progress": asdict(progress), "run": run, "means": means})
    write_tensors(path, {k: v.clone() for k, v in tensors.items()}, note)


def recorded(path: Path) -> dict[str, Any]:
    """The progress and the configuration that a checkpoint records.

    Raises:
        InputError: the file is broken, of a newer format, or does not say how far its run was.
    """
    note = FORMAT.read(read_note(path), path, ("progress", "run", "means"))
    run, progress = note.get("run"), note.get("progress")
    means = note.get("means", [])
    known = isinstance(run, dict) and isinstance(progress, dict) and _is_progress(progress)
    if not known or not isinstance(means, list) or not all(type(mean) in (int, float) for mean in means):
        raise InputError(f"{path} does not say how far its run was; start the training anew")
    return note


def _is_progress(values: dict[str, Any]) -> bool:
    """Whether values are those of :class:`Progress`; version 0.1.0 wrote the first five."""
    names = [part.name for part in fields(Progress)]
    if not {*names[:5]} <= values.keys() <= {*names}:
        return False
    whole, seconds = values.get("plan"), [values.get(name, []) for name in ("costs", "recent")]
    if not isinstance(whole, list) or not all(isinstance(part, list) for part in seconds):
        return False
    counts = [*(values[name] for name in ("stage", "step_in_stage", "step")), *whole]
    times = [values["core_seconds"], *(values.get(name, 0.0) for name in ("within", "left", "besides", "longest"))]
    times += [time for part in seconds for time in part]
    return all(type(n) is int and n >= 0 for n in counts) and all(type(time) in (int, float) for time in times)


def present_form(run: dict[str, Any]) -> dict[str, Any]:
    """A recorded run with its pipeline's configuration as this version writes it.

    Options that were added since then had what is their default now, the optimizer of version 0.1.0 what it had then.
    """
    if "pipeline" in run:
        with contextlib.suppress(ValidationError):
            run = {**run, "pipeline": PipelineConfig.model_validate(run["pipeline"]).model_dump(mode="json")}
    if "training" in run:
        with contextlib.suppress(ValidationError):
            run = {**run, "training": described(Training.model_validate(run["training"]))}
    return run


def described(training: Training) -> dict[str, Any]:
    """A training as its checkpoint records it; what cannot change the weights is left out."""
    return training.model_dump(mode="json", exclude=HARMLESS)


def check_run(path: Path, run: dict[str, Any]) -> None:
    """Compare the configuration recorded in a checkpoint with another.

    Raises:
        InputError: they differ; the message names the parts that do.
    """
    was = _as_asked(present_form(recorded(path)["run"]), run)
    changed = sorted(_changed(was.get(k), run.get(k), k) for k in {*was, *run} if was.get(k) != run.get(k))
    if changed:
        raise InputError(
            f"{path} belongs to a run with another {', '.join(changed)}; repeat its options or give another --out"
        )


def _as_asked(was: dict[str, Any], now: dict[str, Any]) -> dict[str, Any]:
    """A recorded run whose scale of targets is what ``auto`` chose, where ``auto`` is asked for now."""
    pipeline, asked = was.get("pipeline", {}), now.get("pipeline", {}).get("intensity", {}).get("target")
    if asked != "auto" or pipeline.get("intensity", {}).get("target") not in ("input", "matched"):
        return was
    return {**was, "pipeline": {**pipeline, "intensity": {**pipeline["intensity"], "target": "auto"}}}


def _changed(was: Any, now: Any, name: str) -> str:
    """What of a part differs: its name, and the options with their values then and now."""
    if isinstance(was, list) or isinstance(now, list) or isinstance(was, dict) != isinstance(now, dict):
        return name
    if not isinstance(was, dict):
        return f"{name} {was}, now {now}"
    said = (_changed(was.get(k), now.get(k), k) for k in {**was, **now} if was.get(k) != now.get(k))
    return f"{name} ({'; '.join(said)})"


def check_data(path: Path, means: list[float]) -> None:
    """Compare the data that a run began with, by the means of its first crops, with those given now.

    Raises:
        InputError: they are others. States of versions before 0.2 do not say what they began with.
    """
    was = recorded(path).get("means", means)
    if not same_means(was, means):
        raise InputError(
            f"the data are not those that the run of {path} began with, though they are described in the same way; "
            "restore them, or give another --out"
        )


def load(
    path: Path, modules: dict[str, nn.Module], optimizers: dict[str, Optimizer], averages: Averages, run: Any
) -> Progress:
    """Restore what :func:`save` wrote.

    Raises:
        InputError: the file is broken, or belongs to a run with another configuration (named).
    """
    check_run(path, run)
    note = recorded(path)
    tensors, _ = read_tensors(path)
    for name, module in modules.items():
        own = {k.removeprefix(name + "."): v for k, v in tensors.items() if k.startswith(name + ".")}
        check_state(path, own, module.state_dict())
        check_numbers(path, own)
        module.load_state_dict(own)
    for name, optimizer in optimizers.items():
        state = _optimizer_state(path, name, tensors, optimizer)
        optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
    check_state(path, {k: v for k, v in tensors.items() if k.startswith("ema.")}, _averages(averages))
    for name, value in _averages(averages).items():
        value.copy_(tensors[name])
    return Progress(**note["progress"])
