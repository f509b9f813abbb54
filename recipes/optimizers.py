"""Which optimiser learns fastest: optimiser x rate, then warm-up, batch, crop and average, in equal processor time.

    python recipes/optimizers.py --screen rates --out out/optimizers
    python recipes/optimizers.py --screen schedule --out out/optimizers
    python recipes/optimizers.py --screen versions --systems mscgm-joint,bbdm-patch,unet --seeds 3 --out out/optimizers

Each screen trains `--systems` on simulated pairs of `--data` for `--minutes` of a quiet core and judges the best
guess (one call) by its mean PSNR on `--images` validation images; the test images are not touched. Minutes are turned
into steps by timing all settings of a system in turn before anything is trained, so that what runs beside changes no
result. A setting that is done in `--out` is not done again; the table is printed, and written beside the runs.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from wavegen.experiments import above_zero, one_or_more, run_command, screen

RATES: dict[str, tuple[float, ...]] = {
    "adamw": (1e-3, 2e-3, 4e-3),
    "muon": (0.01, 0.02, 0.04),
    "schedule-free": (1e-3, 2.5e-3, 5e-3),
    "soap": (1e-3, 3e-3, 6e-3),
}
SCHEDULE: tuple[dict[str, Any], ...] = (
    {},
    {"warmup": 0.02},
    {"warmup": 0.15},
    {"final_rate": 0.0},
    {"final_rate": 0.1},
    {"batch": 4},
    {"batch": 16},
    {"crop": 96},
    {"crop": 192},
    {"optimizer": {"name": "muon", "other_rate": 3e-3}},
    {"optimizer": {"name": "muon", "momentum": 0.95}},
    {"optimizer": {"name": "muon", "iterations": 3}},
    {"clip": 10.0},
)
BEFORE: dict[str, Any] = {"optimizer": {"name": "adamw"}, "warmup": 100, "ema": 0.998}


def settings(which: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """What a screen compares: names, and differences from the defaults of a training."""
    if which == "rates":
        for name, rates in RATES.items():
            yield from ((f"{name} rate={rate}", {"optimizer": {"name": name, "rate": rate}}) for rate in rates)
    elif which == "schedule":
        yield from ((called(setting), setting) for setting in SCHEDULE)
    else:
        yield "defaults", {}
    yield "version 0.1.0", BEFORE


def called(setting: dict[str, Any]) -> str:
    """A setting in a few words."""
    parts = {**setting.get("optimizer", {}), **{k: v for k, v in setting.items() if k != "optimizer"}}
    return " ".join(str(v) if k == "name" else f"{k}={v}" for k, v in parts.items()) or "defaults"


def main() -> None:
    """Read the options, and screen."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--screen", choices=("rates", "schedule", "versions"), default="rates")
    parser.add_argument("--systems", default="mscgm-fidelity", help="presets, separated by commas")
    parser.add_argument("--data", choices=("hela", "nanobeads"), default="hela")
    parser.add_argument("--minutes", type=above_zero, default=1.0, help="of processor time, for each run")
    parser.add_argument("--only", default="", help="settings that are trained, separated by commas")
    parser.add_argument("--seeds", type=one_or_more, default=1)
    parser.add_argument("--images", type=one_or_more, default=24, help="for validation")
    parser.add_argument("--jobs", type=one_or_more, default=2, help="processes of one thread")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    screen(
        given.systems.split(","),
        dict(settings(given.screen)),
        given.out,
        data=given.data,
        minutes=given.minutes,
        only=[name for name in given.only.split(",") if name],
        seeds=given.seeds,
        images=given.images,
        jobs=given.jobs,
    )


if __name__ == "__main__":
    run_command(main)
