"""What a training step is made of: crops, orthogonalisation, optimisers, and the parts of a network."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from wavegen.core.registry import build
from wavegen.data import Crops, InMemory
from wavegen.losses import Objective
from wavegen.networks.convolutions import Depthwise
from wavegen.networks.norms import normalisation
from wavegen.optimizers import roles_of
from wavegen.optimizers.muon import A, B, C, all_orthogonalised
from wavegen.optimizers.roles import as_matrix
from wavegen.pipeline.pipeline import Pipeline
from wavegen.pipeline.precision import autocast

SYSTEM = "mscgm-fidelity"
BATCH, CROP, SIDE = 8, 128, 32  # of a training, and of the grid that parts are timed on
CHANNELS = (32, 48, 64, 68, 96, 104, 128)
OPTIMIZERS = ("adamw", "schedule-free", "soap", "muon")


class Timed(NamedTuple):
    """Median processor time of a call."""

    part: str
    what: str
    ms: float


def in_turn(calls: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Median processor milliseconds of calls that take turns, after one round that is not counted."""
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for turn in range(rounds + 1):
        for name, call in calls.items():
            began = time.process_time()
            call()
            if turn:
                taken[name].append(1000 * (time.process_time() - began))
    return {name: statistics.median(times) for name, times in taken.items()}


def bench_steps(data: str, rounds: int) -> list[Timed]:
    """Every part, on one thread."""
    torch.manual_seed(0)
    ways: tuple[tuple[str, Mapping[str, Callable[[], object]]], ...] = (
        (f"{BATCH} crops of {data}", _crops(data)),
        (f"all matrices of {SYSTEM} orthogonalised", _orthogonalised()),
        (f"update of {SYSTEM}", _updates()),
        (f"forward and backward, {BATCH} maps of {SIDE}²", _parts()),
    )
    return [Timed(part, what, ms) for part, calls in ways for what, ms in in_turn(calls, rounds).items()]


def _crops(data: str) -> dict[str, Callable[[], object]]:
    source = InMemory(build("dataset", {"name": data, "split": "train", "size": 256, "length": 2 * BATCH}))
    crops = Crops(source, CROP, 0, 1 << 40, Pipeline.from_config({"name": SYSTEM}).normalise)
    forgetful = Crops(source, CROP, 0, 1 << 40, crops.transform)
    forgetful._room = 0  # nothing fits: every image is normalised again
    for kept in (crops, forgetful):
        [kept[i] for i in range(10 * BATCH)]

    def batch(of: Crops) -> Callable[[], object]:
        return lambda: [of[i] for i in range(BATCH)]

    return {"whole images kept": batch(crops), "normalised for every crop": batch(forgetful)}


def _orthogonalised() -> dict[str, Callable[[], object]]:
    pipe = Pipeline.from_config({"name": SYSTEM})
    roles = roles_of(pipe, pipe.transform)
    matrices = [torch.randn_like(as_matrix(roles.parameters[i].detach())) for i in sorted(roles.matrices)]
    return {
        "Newton-Schulz, float32": lambda: [_newton_schulz(m, torch.float32) for m in matrices],
        "Newton-Schulz, bf16": lambda: [_newton_schulz(m, torch.bfloat16) for m in matrices],
        "by Gram matrices, float32": lambda: all_orthogonalised(matrices),
    }


def _newton_schulz(matrix: Tensor, dtype: torch.dtype) -> Tensor:
    """The polynomial as it is published, five times on the matrix itself."""
    x = (matrix.mT if matrix.shape[0] > matrix.shape[1] else matrix).to(dtype)
    x = x / x.norm()
    for _ in range(5):
        gram = x @ x.mT
        x = A * x + (B * gram + C * gram @ gram) @ x
    return x


def _updates() -> dict[str, Callable[[], object]]:
    calls: dict[str, Callable[[], object]] = {}
    for name in OPTIMIZERS:
        pipe = Pipeline.from_config({"name": SYSTEM}).train()
        pipe.to(memory_format=torch.channels_last)
        optimizer = build("optimizer", {"name": name}, roles=roles_of(pipe, pipe.transform))
        losses = Objective(pipe)(torch.rand(2, 1, 64, 64), torch.rand(2, 1, 64, 64)).losses
        torch.stack(list(losses.values())).sum().backward()
        calls[name] = optimizer.step
    return calls


def _parts() -> dict[str, Callable[[], object]]:
    modules: dict[str, nn.Module] = {}
    for channels in CHANNELS:
        modules[f"3 x 3 convolution, {channels} channels"] = nn.Conv2d(channels, channels, 3, padding=1)
    for channels in (48, 96, 128):
        modules[f"1 x 1 convolution, {channels} channels"] = nn.Conv2d(channels, channels, 1)
    for kernel in (3, 7):
        modules[f"depthwise {kernel} x {kernel}, 48 channels"] = Depthwise(48, kernel)
        plain = nn.Conv2d(48, 48, kernel, padding=kernel // 2, groups=48)
        modules[f"depthwise {kernel} x {kernel}, 48 channels, torch's"] = plain
    modules["layer norm, 48 channels"] = normalisation("layer", 48)
    modules["rms norm, 48 channels"] = normalisation("rms", 48)
    modules["SiLU, 48 channels"], modules["GELU, 48 channels"] = nn.SiLU(), nn.GELU()
    return {name: _both_ways(module) for name, module in modules.items()}


def _both_ways(module: nn.Module) -> Callable[[], object]:
    """Forward and backward of a module in the precision of a training."""
    module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    channels = next((p.shape[0] for p in module.parameters()), 48)
    x = torch.randn(BATCH, channels, SIDE, SIDE).contiguous(memory_format=torch.channels_last)
    x = x.bfloat16().requires_grad_()

    def call() -> None:
        with autocast("auto", x.device):
            out: Any = module(x)
        out.backward(torch.ones_like(out))

    return call


class Cost(NamedTuple):
    """A network beside today's: ratios of processor time, medians over turns."""

    name: str
    parameters: int
    radius: int | None
    training: float
    use: float
    ms: tuple[float, float]


def bench_networks(systems: Mapping[str, Mapping[str, Any]], rounds: int) -> list[Cost]:
    """Forward and backward of a batch, and a restoration of 256², of every system over those of the first."""
    x, y, image = torch.rand(BATCH, 1, CROP, CROP), torch.rand(BATCH, 1, CROP, CROP), torch.rand(1, 256, 256)

    def ready(spec: Mapping[str, Any]) -> tuple[Pipeline, Callable[[], None]]:
        torch.manual_seed(0)
        pipe = Pipeline.from_config(spec)
        pipe.to(memory_format=torch.channels_last)
        objective = Objective(pipe)

        def train() -> None:
            pipe.zero_grad()
            torch.stack(list(objective(x, y).losses.values())).sum().backward()

        return pipe, train

    first, learn = ready(next(iter(systems.values())))
    costs = []
    for name, spec in systems.items():
        pipe, train = ready(spec)
        turns = [
            in_turn({"a": learn, "b": train, "c": lambda: first.restore(image), "d": lambda: pipe.restore(image)}, 1)  # noqa: B023
            for _ in range(rounds)
        ]
        ratio = {k: statistics.median(turn[k] / turn[of] for turn in turns) for k, of in (("b", "a"), ("d", "c"))}
        ms = (statistics.median(turn["b"] for turn in turns), statistics.median(turn["d"] for turn in turns))
        costs.append(
            Cost(name, pipe.parameters_count, getattr(pipe.coarse, "radius", None), ratio["b"], ratio["d"], ms)
        )
    return costs
