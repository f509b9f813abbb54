"""One peer in its own process and environment: ``python worker.py PEER FOLDER``.

Needs numpy, torch and the peer's library only, so that it runs where this package is not installed. ``FOLDER`` holds
``job.json``; the pairs are beside it in ``pairs``, (N, C, H, W) float32 in network units. Written there: the
restorations ``restored-STEPS.npy``, (samples, images, C, H, W), and at the end ``record.json``.
"""

from __future__ import annotations

import json
import math
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

Job = dict[str, Any]
Array = np.ndarray[Any, Any]
Restore = Callable[[Tensor, int, torch.Generator], Tensor]
BATCH, TIMED_RUNS, LONG = 8, 5, 50


@dataclass
class Trained:
    """What a peer gives back: (B, C, H, W) restored in a number of calls, and how it was trained."""

    restore: Restore
    parameters: int
    core_seconds: float
    training_steps: int
    library: str


def crops(job: Job, x: np.ndarray[Any, Any], y: Array, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """A batch of random crops in one of the eight orientations."""
    side, pairs = job["crop"], []
    for _ in range(job["batch"]):
        i, turns, mirrored = int(rng.integers(len(x))), int(rng.integers(4)), bool(rng.integers(2))
        top, left = (int(rng.integers(n - side + 1)) for n in x.shape[-2:])
        cut = [np.rot90(a[i, :, top : top + side, left : left + side], turns, (1, 2)) for a in (x, y)]
        pairs.append([torch.from_numpy(np.ascontiguousarray(a[..., ::-1] if mirrored else a)) for a in cut])
    return torch.stack([p[0] for p in pairs]), torch.stack([p[1] for p in pairs])


def average(means: Sequence[Tensor], values: Sequence[Tensor], count: Any) -> None:
    """Polyak averaging whose early steps are forgotten faster."""
    weight = 1 - min(0.998, (1 + int(count)) / (10 + int(count)))
    torch._foreach_lerp_(list(means), list(values), weight)


def loop(
    job: Job, network: nn.Module, loss: Callable[[Tensor, Tensor], Tensor], x: Array, y: Array
) -> tuple[nn.Module, float, int]:
    """A plain loop: AdamW, warm-up and cosine rate, clipped gradients, averaged weights; minutes of processor time.

    Returns the averaged network, processor seconds and steps.
    """
    rng = np.random.default_rng(job["seed"])
    averaged = torch.optim.swa_utils.AveragedModel(network, multi_avg_fn=average)
    optimizer = torch.optim.AdamW(network.parameters(), 1e-3, (0.9, 0.98), weight_decay=1e-2)
    step, share, began = 0, 0.0, time.process_time()
    while share < 1:
        rate = min(1.0, (step + 1) / 100) * (0.02 + 0.98 * (1 + math.cos(math.pi * share)) / 2)
        for group in optimizer.param_groups:
            group["lr"] = 1e-3 * rate
        value = loss(*crops(job, x, y, rng))
        optimizer.zero_grad(set_to_none=True)
        value.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        averaged.update_parameters(network)
        step += 1
        seconds = time.process_time() - began
        share = step / job["steps"] if job["steps"] else seconds / (60 * job["minutes"])
    return averaged.module.eval(), time.process_time() - began, step


def sized(job: Job, make: Callable[[int], nn.Module], widths: range) -> nn.Module:
    """The network of the width that has about the wanted number of parameters."""

    def distance(width: int) -> int:
        with torch.device("meta"):
            return abs(count(make(width)) - int(job["parameters"]))

    return make(min(widths, key=distance))


def count(network: nn.Module) -> int:
    """Number of parameters."""
    return sum(p.numel() for p in network.parameters())


def deepinv(job: Job, x: Array, y: Array) -> Trained:
    """deepinv's DRUNet from scratch, L1: its trained weights are for Gaussian noise, and a download."""
    from deepinv.models import DRUNet

    def make(width: int) -> nn.Module:
        # Its constructor wants a device even where the default one is meant.
        return DRUNet(1, 1, nc=(width, 2 * width, 4 * width, 8 * width), pretrained=None)  # type: ignore[no-any-return]

    network = sized(job, make, range(4, 65, 2))
    trained, seconds, steps = loop(job, network, lambda a, b: F.l1_loss(network(b, 0.0), a), x, y)

    def restore(y: Tensor, calls: int, generator: torch.Generator) -> Tensor:
        restored: Tensor = trained(y, 0.0)
        return restored

    return Trained(restore, count(network), seconds, steps, f"deepinv {version('deepinv')}")


def unet2d(width: int, multipliers: Sequence[int] = (1, 2, 4, 5)) -> nn.Module:
    """diffusers' UNet2DModel of two channels in and one out, without attention."""
    from diffusers import UNet2DModel

    return UNet2DModel(  # type: ignore[no-any-return]
        in_channels=2,
        out_channels=1,
        block_out_channels=tuple(width * m for m in multipliers),
        layers_per_block=1,
        down_block_types=("DownBlock2D",) * len(multipliers),
        up_block_types=("UpBlock2D",) * len(multipliers),
        norm_num_groups=2,
        add_attention=False,
    )


def diffusers(job: Job, x: Array, y: Array) -> Trained:
    """diffusers' UNet2DModel and DDPM of 1000 steps with y concatenated, velocity target; sampled by its DDIM."""
    from diffusers import DDIMScheduler, DDPMScheduler

    network, chain = sized(job, unet2d, range(4, 65, 2)), DDPMScheduler(prediction_type="v_prediction")
    mean, scale = float(x.mean()), float(x.std())
    generator = torch.Generator().manual_seed(job["seed"])

    def loss(clean: Tensor, given: Tensor) -> Tensor:
        clean, given = (clean - mean) / scale, (given - mean) / scale
        t = torch.randint(1000, (len(clean),), generator=generator)
        eps = torch.randn(clean.shape, generator=generator)
        out = network(torch.cat([chain.add_noise(clean, eps, t), given], dim=1), t).sample
        return F.mse_loss(out, chain.get_velocity(clean, eps, t))

    trained, seconds, steps = loop(job, network, loss, x, y)

    def restore(y: Tensor, calls: int, generator: torch.Generator) -> Tensor:
        scheduler = DDIMScheduler.from_config(chain.config, clip_sample=False, timestep_spacing="trailing")
        scheduler.set_timesteps(calls)
        state, given = torch.randn(y.shape, generator=generator), (y - mean) / scale
        for t in scheduler.timesteps:
            state = scheduler.step(trained(torch.cat([state, given], dim=1), t).sample, t, state, eta=0.0).prev_sample
        return state * scale + mean

    return Trained(restore, count(network), seconds, steps, f"diffusers {version('diffusers')}")


def careamics(job: Job, x: Array, y: Array) -> Trained:
    """CAREamics' CARE with its own network, loss, optimiser, loop and choice of checkpoint, until the time is up."""
    from careamics import CAREamist
    from careamics.config.factories.care_n2n_factory import create_advanced_care_config
    from lightning.pytorch import Callback

    class Clock(Callback):  # type: ignore[misc]
        def on_train_epoch_end(self, trainer: Any, module: Any) -> None:
            spent = time.process_time() - began
            over = trainer.global_step >= job["steps"] if job["steps"] else spent >= 60 * job["minutes"]
            trainer.should_stop = trainer.should_stop or over

    config = create_advanced_care_config(
        experiment_name="care",
        data_type="array",
        axes="SYX",
        patch_size=[job["crop"], job["crop"]],
        batch_size=job["batch"],
        num_epochs=100_000,
        num_steps=job["steps"] or 20,
        num_workers=0,
        trainer_params={"accelerator": "cpu"},
        seed=job["seed"] + 1,  # careamics refuses 0
    )
    careamist = CAREamist(config, work_dir=job["folder"], callbacks=[Clock()], enable_progress_bar=False)
    began = time.process_time()
    careamist.train(train_data=np.array(y[:, 0]), train_data_target=np.array(x[:, 0]))
    seconds = time.process_time() - began
    steps = careamist.trainer.global_step
    network = careamist.model.model.eval()
    return Trained(_Care(careamist, network), count(network), seconds, steps, f"careamics {version('careamics')}")


class _Care:
    """Whole images by the library's own prediction; ``bare`` is its network alone, which is what is timed."""

    def __init__(self, careamist: Any, network: nn.Module) -> None:
        self.careamist, self.network = careamist, network

    def __call__(self, y: Tensor, calls: int, generator: torch.Generator) -> Tensor:
        predicted, _ = self.careamist.predict(y[:, 0].numpy(), batch_size=1, tile_overlap=None)
        stack = np.concatenate([np.asarray(part).reshape(-1, *y.shape[-2:]) for part in predicted])
        return torch.from_numpy(stack.astype(np.float32))[:, None]

    def bare(self, y: Tensor) -> Tensor:
        """The network on standardised images."""
        out: Tensor = self.network(y)
        return out


PEERS = {"careamics": careamics, "deepinv": deepinv, "diffusers": diffusers}


def milliseconds(trained: Trained, y: Array, calls: int, batch: int) -> float:
    """Per image of at most 256 pixels: the median of a few runs after one, or one run of many calls."""
    images = torch.from_numpy(np.array(y[np.arange(batch) % len(y)][..., :256, :256]))
    bare, generator = getattr(trained.restore, "bare", None), torch.Generator().manual_seed(0)
    spent = []
    for _ in range(1 if calls >= LONG else TIMED_RUNS + 1):
        began = time.perf_counter()
        if bare is None:
            trained.restore(images, calls, generator)
        else:
            bare(images)
        spent.append(1000 * (time.perf_counter() - began) / batch)
    return statistics.median(spent[1:] or spent)


def main(peer: str, folder: Path) -> None:
    """Train the peer, restore the test images as the job says, and record it."""
    torch.set_num_threads(1)
    job = json.loads((folder / "job.json").read_text(encoding="utf-8")) | {"folder": str(folder)}
    torch.manual_seed(job["seed"])
    x, y, test = (np.load(folder.parent / "pairs" / f"{name}.npy", mmap_mode="r") for name in ("x", "y", "test"))
    trained = PEERS[peer](job, x, y)
    samplings = []
    with torch.no_grad():
        for sampling in job["walks"]:
            images = np.array(test[: sampling["images"]])
            drawn = []
            for sample in range(sampling["samples"]):
                generator = torch.Generator().manual_seed(sample)
                parts = torch.split(torch.from_numpy(images), BATCH)
                drawn.append(torch.cat([trained.restore(part, sampling["steps"], generator) for part in parts]))
            np.save(folder / f"restored-{sampling['steps']}.npy", torch.stack(drawn).float().numpy())
            times = {f"ms_batch_{n}": milliseconds(trained, test, sampling["steps"], n) for n in (1, 8)}
            samplings.append({**sampling, **times})
    record = {
        "library": trained.library,
        "torch": torch.__version__,
        "parameters": trained.parameters,
        "core_seconds": trained.core_seconds,
        "training_steps": trained.training_steps,
        "walks": samplings,
    }
    (folder / "record.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
