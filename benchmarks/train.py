"""How fast training is: images a second and peak memory of several loops over one task."""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.memory import peak_mb
from benchmarks.peers.worker import count, sized, unet2d
from wavegen.core.errors import InputError, near_matches
from wavegen.core.registry import build
from wavegen.core.types import Pair
from wavegen.data import Crops, InMemory
from wavegen.optimizers import roles_of
from wavegen.pipeline.pipeline import Pipeline
from wavegen.training import Training, fit
from wavegen.training.learning_rate import rate, warmup_steps
from wavegen.training.stream import STATISTICS

WARM = 5  # steps before the clock, and between two readings of it
TAIL = 0.2  # share of the steps whose loss is the final one


@dataclass(frozen=True)
class Task:
    """What every loop does: an L1 regression of x from y at full resolution, with the same crops and optimiser."""

    data: str = "hela"
    steps: int = 60
    batch: int = 8
    crop: int = 128
    pool: int = 16
    size: int = 256
    seed: int = 0
    threads: int = 1
    width: int = 32
    multipliers: tuple[int, ...] = (1, 2, 4, 5)

    @property
    def network(self) -> dict[str, Any]:
        """The U-Net of the wavegen loops."""
        return {"name": "unet", "width": self.width, "multipliers": list(self.multipliers)}


# Of the plain loops: autocast to bfloat16, channels_last, torch.compile.
PLAIN: dict[str, tuple[bool, bool, bool]] = {
    "plain loop, float32": (False, False, False),
    "plain loop, bf16": (True, False, False),
    "plain loop, bf16, channels_last": (True, True, False),
    "plain loop, bf16, channels_last, compile": (True, True, True),
}
FIT = {"wavegen fit, float32": "float32", "wavegen fit, bf16": "bf16"}
DIFFUSERS = "diffusers UNet2DModel, plain loop, float32"
LOOPS = (*PLAIN, *FIT, DIFFUSERS)


def bench_train(task: Task, loops: tuple[str, ...] = LOOPS) -> list[dict[str, Any]]:
    """One row for each loop: images_per_second, peak_mb, final_loss, parameters; or ``skipped`` with the reason.

    Every loop runs in a process of its own, one after the other; the rate is the median over stretches of the run,
    the first left out; memory is the process's peak less what it held before its first step; the loss is the mean
    L1 of the last fifth of the steps.

    Raises:
        InputError: an unknown loop, or too few steps.
    """
    for name in loops:
        if name not in LOOPS:
            raise InputError(f"unknown loop {name!r}; {near_matches(name, LOOPS)}")
    if task.steps < 3 * WARM:
        raise InputError(f"steps = {task.steps}: give at least {3 * WARM}")
    rows = []
    for name in loops:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
            row = process.submit(_run, name, asdict(task)).result()
        said = row.get("skipped") or f"{row['images_per_second']:.1f} images/s"
        print(f"{name}: {said}", file=sys.stderr)
        rows.append({"loop": name, **row})
    return rows


def _run(name: str, options: dict[str, Any]) -> dict[str, Any]:
    """One loop, in a process of its own."""
    task = Task(**{**options, "multipliers": tuple(options["multipliers"])})
    torch.set_num_threads(task.threads)
    if name == DIFFUSERS and find_spec("diffusers") is None:
        return {"skipped": "diffusers is not installed; pip install 'wavegen[bench]'"}
    spec = {"name": task.data, "split": "train", "size": task.size, "length": task.pool}
    data = InMemory(build("dataset", spec))
    torch.manual_seed(task.seed)
    if name in FIT:
        return _fit(task, data, FIT[name])
    half, last, compiled = PLAIN.get(name, (False, False, False))
    try:
        return _plain(task, data, diffusers_unet(task) if name == DIFFUSERS else None, half, last, compiled)
    except Exception as error:
        if not compiled:
            raise
        return {"skipped": f"torch.compile does not work here: {type(error).__name__}"}


def _pipeline(task: Task) -> Pipeline:
    """The regression as a pipeline; it also says how intensities are normalised."""
    stage = {"name": "fit", "weights": {"l1": 1.0}}
    return Pipeline.from_config({"name": "unet", "network": task.network, "stages": [stage]})


def _crops(task: Task, data: InMemory, pipe: Pipeline) -> Crops:
    return Crops(data, task.crop, task.seed, length=1 << 40, transform=pipe.normalise)


def _fit(task: Task, data: InMemory, precision: str) -> dict[str, Any]:
    """The package's own loop, with its averages, clipping, guard and records."""
    pipe = _pipeline(task)
    clock: list[float] = []
    losses: list[float] = []

    def reading(record: dict[str, Any], pipeline: Pipeline) -> None:
        losses.append(record["l1"])
        if record["step"] % WARM == 0:
            clock.append(time.perf_counter())

    training = Training(
        steps=task.steps,
        batch=task.batch,
        crop=task.crop,
        seed=task.seed,
        precision=precision,  # type: ignore[arg-type]
        log_every=1,
        checkpoint_every=10 * task.steps,
        optimizer={"name": "adamw"},
    )
    before = peak_mb()
    with tempfile.TemporaryDirectory() as folder:
        fit(pipe, data, training, Path(folder) / "run", callbacks=[reading])
    tail = losses[-max(1, round(len(losses) * TAIL)) :]
    return _row(task, clock, tail, before, pipe.coarse)


class _Wavegen(nn.Module):
    """The package's network alone, with the call of the others."""

    def __init__(self, pipeline: Pipeline) -> None:
        super().__init__()
        self.network = pipeline.coarse  # so that every loop starts at the same weights

    def forward(self, y: Tensor) -> Tensor:
        """x from y, normalised; the pipeline, too, gives it the state, which is y, and the condition, which is y."""
        out: Tensor = self.network(torch.cat([y, y], dim=1))[0]
        return out


class _Diffusers(nn.Module):
    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network

    def forward(self, y: Tensor) -> Tensor:
        out: Tensor = self.network(torch.cat([y, y], dim=1), 0).sample
        return out


def diffusers_unet(task: Task) -> nn.Module:
    """UNet2DModel without attention, of the levels and (nearly) the number of parameters of the package's."""
    wanted = count(_pipeline(task).coarse)
    return _Diffusers(sized({"parameters": wanted}, lambda width: unet2d(width, task.multipliers), range(4, 129, 2)))


def _plain(
    task: Task, data: InMemory, model: nn.Module | None, half: bool, last: bool, compiled: bool
) -> dict[str, Any]:
    """What one writes first: batch, forward, loss, backward, step."""
    pipe = _pipeline(task)
    net = model or _Wavegen(pipe)
    crops = _crops(task, data, pipe)
    pipe.fit_normalisation(crops[i].x for i in range(STATISTICS))
    scale = float(pipe.norm.low_scale)
    if last:
        net.to(memory_format=torch.channels_last)
    call: Callable[[Tensor], Tensor] = torch.compile(net) if compiled else net
    settings = Training(steps=task.steps, optimizer={"name": "adamw"})
    optimizer: torch.optim.Optimizer = build("optimizer", settings.optimizer, roles=roles_of(net))
    clock, losses, before = [], [], peak_mb()
    for step, (x, y) in enumerate(_batches(task, crops, pipe)):
        if step == task.steps:
            break
        for group in optimizer.param_groups:
            rise = warmup_steps(settings.warmup, task.steps)
            group["lr"] = group["initial_lr"] * rate(step / task.steps, step, rise, settings.final_rate)
        if last:
            y = y.contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            out = call(y)
        loss = scale * F.l1_loss(out.float(), x)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        losses.append(float(loss.detach()))
        if (step + 1) % WARM == 0:
            clock.append(time.perf_counter())
    return _row(task, clock, losses[-max(1, round(len(losses) * TAIL)) :], before, net)


def _batches(task: Task, crops: Crops, pipe: Pipeline) -> Iterator[Pair]:
    """The batches that :func:`fit` sees, normalised."""
    first = 0
    while True:
        items = [crops[i] for i in range(first, first + task.batch)]
        x, y = (torch.stack(images) for images in zip(*items, strict=True))
        yield Pair(pipe.norm.low(x, 0), pipe.norm.low(y, 0))
        first += task.batch


def _row(task: Task, clock: list[float], losses: list[float], before: float, net: nn.Module) -> dict[str, Any]:
    stretches = [b - a for a, b in pairwise(clock)]
    return {
        "images_per_second": WARM * task.batch / statistics.median(stretches),
        "peak_mb": peak_mb() - before,
        "final_loss": statistics.fmean(losses),
        "parameters": count(net),
    }
