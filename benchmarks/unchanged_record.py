"""Record what must not change: restorations of every shipped model, and weights after a few training steps.

    python benchmarks/unchanged_record.py OUT.safetensors [--only restorations|weights]

It uses only names that version 0.1.0 has, so that ``unchanged.py`` can run it on that version and on this one.
All of it is float32 arithmetic on one thread.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor

import wavegen
from wavegen import Pair, Pipeline
from wavegen.training import Training, fit

MODELS = ("deblur-hela", "denoise-hela", "fidelity-hela", "mscgm-hela", "mscgm-nanobeads", "realism-hela")
# The presets of 0.1.0; later ones are not compared with it.
PRESETS = (
    "bbdm", "bbdm-gan", "bbdm-patch", "bbdm-patch-gan", "bridge-all", "cgan", "ddpm", "diffll", "flow", "gan-all",
    "goub", "i2sb", "irsde", "latent", "mscgm", "mscgm-fidelity", "mscgm-joint", "mscgm-realism", "refusion",
    "resshift", "unet", "wavediff",
)  # fmt: skip
CALLS = (1, 4)
STEPS = 20
Callback = Callable[[dict[str, Any], Pipeline], None]


class Blobs:
    """Smooth random images and their blurred, noisy versions, in units of about 100."""

    def __len__(self) -> int:
        return 6

    def __getitem__(self, index: int) -> Pair:
        generator = torch.Generator().manual_seed(index)
        x = 100 * F.avg_pool2d(torch.rand(1, 1, 46, 46, generator=generator), 3, 1)
        y = F.avg_pool2d(x, 5, 1, 2, count_include_pad=False) + torch.randn(x.shape, generator=generator)
        return Pair(x[0], y[0])


def images() -> dict[str, np.ndarray]:
    """Two inputs: sparse filaments of few photons as uint16, and a smooth field of odd size as float32."""
    rng = np.random.default_rng(7)
    line = np.zeros((48, 56))
    for start, slope in ((4, 0.3), (20, 0.6), (40, -0.5)):
        columns = np.arange(56)
        rows = (start + slope * columns).round().astype(int)
        inside = (rows >= 0) & (rows < 48)
        line[rows[inside], columns[inside]] = 60
    smooth = F.avg_pool2d(torch.from_numpy(rng.random((1, 1, 57, 49))), 9, 1)[0, 0].numpy()
    return {
        "filaments": (rng.poisson(line + 5) + 100).astype(np.uint16),
        "smooth": (400 * smooth + rng.normal(0, 4, smooth.shape)).astype(np.float32),
    }


def restorations(model: str) -> dict[str, Tensor]:
    """Samples of both images at one and at four calls, two draws each, as float32."""
    pipeline = Pipeline.from_pretrained(model)
    pipeline.precision = "float32"
    most = pipeline.bridge.max_steps
    return {
        f"{model}/{name}/{steps} calls": torch.from_numpy(
            pipeline.restore(image.astype(np.float32), steps=steps, samples=2, seed=3).samples
        )
        for name, image in images().items()
        for steps in CALLS
        if most is None or steps <= most
    }


def trained(preset: str, callbacks: Sequence[Callback] = ()) -> dict[str, Tensor]:
    """The weights of a preset after ``STEPS`` training steps; the callbacks are told of every step."""
    torch.manual_seed(0)
    pipeline = Pipeline.from_config(preset)
    training = Training(
        steps=STEPS, batch=2, crop=32, warmup=2, ema=0.9, optimizer={"name": "adamw"}, precision="float32", log_every=1
    )
    with tempfile.TemporaryDirectory() as folder:
        fit(pipeline, Blobs(), training, Path(folder), callbacks=callbacks)
    return {f"{preset}/{key}": value.clone() for key, value in pipeline.state_dict().items()}


def main() -> None:
    """Parse the command line and record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--only", choices=["restorations", "weights"])
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    found: dict[str, Tensor] = {}
    if arguments.only != "weights":
        for model in MODELS:
            found |= restorations(model)
    if arguments.only != "restorations":
        for preset in PRESETS:
            found |= trained(preset)
    save_file(
        {key: value.contiguous() for key, value in found.items()}, str(arguments.out), {"version": wavegen.__version__}
    )


if __name__ == "__main__":
    main()
