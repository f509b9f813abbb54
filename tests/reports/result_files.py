"""Small result files as a comparison writes them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

ABOUT: dict[str, Any] = {
    "command": "python recipes/mscgm_sr.py --root /home/someone/data --out out/sr",
    "date": "2026-01-02",
    "wavegen": "0.1.0",
    "torch": "2.9.0",
    "python": "3.11.0",
    "machine": "x86_64, a processor",
    "threads": 1,
    "plan": {
        "data": {"name": "pairs", "index": "/home/someone/data/index.csv"},
        "test": None,
        "scale": "target",
        "levels": 0,
        "size": 64,
        "training": {"minutes": 1.0, "batch": 8, "seed": 0},
        "rows": [{"system": "hybrid"}],
        "reference": None,
    },
}


def row(system: str, steps: int, seed: int, psnr: float, **more: Any) -> dict[str, Any]:
    """One row; ``more`` adds to it or replaces."""
    made = {"system": system, "steps": steps, "eta": 1.0, "key": "eta 1", "solver": None, "seed": seed, "images": 8}
    scores = {"psnr": psnr, "ssim": psnr / 50, "lpips": 1 / psnr, "kid_effnet_lite0": 2 / psnr, "nfe": steps}
    return {**made, **scores, "parameters": 1_000_000, "minutes": 1.0, **more}


def rows() -> list[dict[str, Any]]:
    """A classical method, a regression, and a hybrid of 1 and 4 calls; three seeds of what is trained."""
    made = [row("input", 0, 0, 20.0, ms_per_image=0.01), row("shrink (weight 2)", 0, 0, 22.0, ms_per_image=5.0)]
    for seed, shift in enumerate((0.0, 0.1, -0.1)):
        made.append(row("unet", 1, seed, 25.0 + shift))
        made.append(row("hybrid", 1, seed, 25.5 + 1.2 * shift, spread=0.001, spread_skill=0.01))
        made.append(row("hybrid", 4, seed, 25.0 + 2 * shift, spread=0.05, spread_skill=0.9))
    return made


TIMES = [
    {"system": "unet", "steps": 1, "solver": None, "ms_batch_1": 60.0, "ms_batch_8": 90.0},
    {"system": "hybrid", "steps": 1, "solver": None, "ms_batch_1": 20.0, "ms_batch_8": 15.0},
    {"system": "hybrid", "steps": 4, "solver": None, "ms_batch_1": 50.0, "ms_batch_8": 30.0},
]


def write(folder: Path, rows: list[dict[str, Any]], times: list[dict[str, Any]] | None = None, **plan: Any) -> Path:
    """A run's folder; ``plan`` replaces parts of its plan."""
    folder.mkdir(parents=True, exist_ok=True)
    about = {**ABOUT, "plan": {**ABOUT["plan"], **plan}}
    (folder / "results.json").write_text(json.dumps({"about": about, "rows": rows}))
    if times is not None:
        (folder / "times.json").write_text(json.dumps({"about": about, "rows": times}))
    return folder


def draw(file: Path, width: int = 1500) -> None:
    """A strip of images."""
    import numpy as np
    from PIL import Image

    ramp = np.linspace(0, 255, width).astype(np.uint8)
    Image.fromarray(np.stack([np.tile(ramp, (40, 1))] * 3, -1)).save(file)
