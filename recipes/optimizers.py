"""Which optimiser learns fastest: optimiser x rate, then warm-up, batch, crop and average, in equal processor time.

    python recipes/optimizers.py --screen rates --out out/optimizers
    python recipes/optimizers.py --screen schedule --out out/optimizers
    python recipes/optimizers.py --screen seeds --systems mscgm-joint,bbdm-patch,unet --out out/optimizers

Each screen trains `--systems` on simulated pairs of `--data` for `--minutes` of a quiet core and judges the best
guess (one call) by its mean PSNR on `--images` validation images; the test images are not touched. Minutes are turned
into steps by timing all settings of a system in turn before anything is trained, so that what runs beside changes no
result. A setting that is done in `--out` is not done again; the table is printed, and written beside the runs.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

Setting = dict[str, Any]
POOL, SIZE = 256, 256
ROUNDS, WARM = 9, 2
RATES: dict[str, tuple[float, ...]] = {
    "adamw": (1e-3, 2e-3, 4e-3),
    "muon": (0.01, 0.02, 0.04),
    "schedule-free": (1e-3, 2.5e-3, 5e-3),
    "soap": (1e-3, 3e-3, 6e-3),
}
SCHEDULE: tuple[Setting, ...] = (
    {},
    {"warmup": 0.02},
    {"warmup": 0.15},
    {"final_rate": 0.0},
    {"final_rate": 0.1},
    {"batch": 4},
    {"batch": 16},
    {"crop": 96},
    {"crop": 192},
    {"ema": [0.02]},
    {"ema": [0.1]},
    {"optimizer": {"name": "muon", "other_rate": 3e-3}},
    {"optimizer": {"name": "muon", "momentum": 0.9}},
    {"optimizer": {"name": "muon", "iterations": 3}},
    {"clip": 10.0},
)
# Version 0.1.0, beside which the others are printed.
BEFORE: Setting = {"optimizer": {"name": "adamw"}, "warmup": 100, "ema": 0.998}


def settings(screen: str) -> Iterator[Setting]:
    """What a screen compares: differences from the defaults of a training."""
    if screen == "rates":
        for name, rates in RATES.items():
            yield from ({"optimizer": {"name": name, "rate": rate}} for rate in rates)
        yield BEFORE
    elif screen == "schedule":
        yield from SCHEDULE
    else:
        yield from (BEFORE, {})


def called(setting: Setting) -> str:
    """A setting in a few words."""
    if setting == BEFORE:
        return "version 0.1.0"
    parts = {**setting.get("optimizer", {}), **{k: v for k, v in setting.items() if k != "optimizer"}}
    return " ".join(str(v) if k == "name" else f"{k}={v}" for k, v in parts.items()) or "defaults"


def seconds_per_step(system: str, given: list[Setting], data: Any) -> list[float]:
    """Processor time of one step of each setting: medians over rounds in which all take their turn."""
    import torch

    from wavegen import Pipeline, build
    from wavegen.data import Crops
    from wavegen.losses import Objective
    from wavegen.optimizers import roles_of
    from wavegen.training import Training

    runs = []
    for setting in given:
        training = Training(steps=1, **setting)
        torch.manual_seed(0)
        pipe = Pipeline.from_config({"name": system}).train()
        pipe.to(memory_format=torch.channels_last)
        optimizer = build("optimizer", training.optimizer, roles=roles_of(pipe, pipe.transform))
        runs.append(
            (training, pipe, Objective(pipe), optimizer, Crops(data, training.crop, 0, 1 << 20, pipe.normalise))
        )
    taken: list[list[float]] = [[] for _ in runs]
    for turn in range(WARM + ROUNDS):
        for seconds, (training, pipe, objective, optimizer, crops) in zip(taken, runs, strict=True):
            began = time.process_time()
            pairs = [crops[turn * training.batch + i] for i in range(training.batch)]
            x, y = (torch.stack(images) for images in zip(*pairs, strict=True))
            losses = objective(x, y).losses
            optimizer.zero_grad()
            torch.stack(list(losses.values())).sum().backward()
            torch.nn.utils.clip_grad_norm_(pipe.parameters(), training.clip)
            optimizer.step()
            if turn >= WARM:
                seconds.append(time.process_time() - began)
    return [statistics.median(seconds) for seconds in taken]


def images(data: str, split: str, count: int, folder: Path) -> Any:
    """The first images of a split, in memory; they are made once and kept in a file."""
    from wavegen import build
    from wavegen.data import InMemory

    source = build("dataset", {"name": data, "split": split, "size": SIZE, "length": count})
    return InMemory(source, path=folder / f"{split}-{data}-{count}.npz")


def run(job: dict[str, Any]) -> dict[str, Any]:
    """Train one setting and judge it."""
    import torch

    from wavegen import Pipeline
    from wavegen.metrics import psnr
    from wavegen.metrics.scales import scaled
    from wavegen.training import Training, fit

    torch.set_num_threads(1)
    folder, setting = Path(job["folder"]), job["setting"]
    done = folder / "score.json"
    if done.exists():
        return dict(json.loads(done.read_text()))
    training = Training(steps=job["steps"], seed=job["seed"], **setting)
    torch.manual_seed(job["seed"])  # first weights
    pipe = Pipeline.from_config({"name": job["system"]})
    pipe = fit(pipe, images(job["data"], "train", POOL, folder.parent), training, folder, resume=True)
    pairs = images(job["data"], "validation", job["images"], folder.parent)
    scores = [
        float(psnr(*scaled("target", pipe.restore(pair.y, steps=1).image[None], pair.x[None]), 1.0))
        for pair in (pairs[i] for i in range(len(pairs)))
    ]
    score = {**job, "folder": folder.name, "psnr": statistics.mean(scores)}
    done.write_text(json.dumps(score))
    return score


def main() -> None:
    """Calibrate, train what is not trained, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--screen", choices=("rates", "schedule", "seeds"), default="rates")
    parser.add_argument("--systems", default="mscgm-fidelity")
    parser.add_argument("--data", default="hela")
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--images", type=int, default=24)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    import torch

    torch.set_num_threads(1)
    given = list(settings(options.screen))
    calibration = options.out / f"calibration-{options.screen}.json"
    pool = images(options.data, "train", POOL, options.out)
    known = json.loads(calibration.read_text()) if calibration.exists() else {}
    jobs = []
    for system in options.systems.split(","):
        if f"{system} {options.data}" not in known:
            known[f"{system} {options.data}"] = seconds_per_step(system, given, pool)
            calibration.write_text(json.dumps(known, indent=1))
        for seed in range(options.seeds):
            for setting, seconds in zip(given, known[f"{system} {options.data}"], strict=True):
                name = f"{system}-{options.data}-{options.minutes:g}min-{called(setting)}-seed{seed}".replace(" ", "_")
                jobs.append(
                    {
                        "system": system, "data": options.data, "minutes": options.minutes, "seed": seed,
                        "setting": setting, "images": options.images, "ms": round(1000 * seconds, 1),
                        "steps": max(2, round(60 * options.minutes / seconds)), "folder": str(options.out / name),
                    }
                )  # fmt: skip
    images(options.data, "validation", options.images, options.out)  # for all
    with ProcessPoolExecutor(options.jobs, mp_context=get_context("spawn")) as pool:
        rows = []
        for row in pool.map(run, jobs):
            rows.append(row)
            print(
                f"{row['system']:16} {row['data']:10} {called(row['setting']):40} seed {row['seed']} "
                f"{row['steps']:6} steps of {row['ms']:6.1f} ms  {row['psnr']:.2f} dB",
                flush=True,
            )
    file = options.out / f"{options.screen}-{options.data}-{options.minutes:g}min.json"
    file.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
