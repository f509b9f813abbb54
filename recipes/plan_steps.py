"""Spread kept against network calls on a band's measured variances: predicted, on a Gaussian toy, and trained.

    python recipes/plan_steps.py --preset cpu --out out/plan

The toy samples Gaussian data of the band's residual variances with the exact denoiser; ``--trained`` also trains
the band's bridge (BBDM's s = 1 and, where it is another, the planned S) and measures the draws. An interrupted run
goes on where it was. ``smoke`` takes seconds.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from wavegen.experiments import SpreadStudy, above_zero, run_command, spread_study


def study(preset: str, data: str, minutes: float) -> SpreadStudy:
    """What is trained and measured."""
    if preset == "cpu":
        training = {"minutes": minutes, "crop": 64, "batch": 8}
        return SpreadStudy(data={"name": data}, training=training)
    training = {"steps": 4, "crop": 16, "batch": 2, "warmup": 1}
    network = {"name": "unet", "width": 8, "multipliers": [1, 2]}
    small = {"size": 128, "pool": 8, "test_images": 8, "draws": 2, "few_images": 2, "calls": (1, 4), "toy_side": 16}
    return SpreadStudy(data={"name": data}, training=training, network=network, **small)


def main() -> None:
    """Parse the command line and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", choices=["smoke", "cpu"], default="smoke")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--data", choices=["nanobeads", "hela"], default="nanobeads")
    parser.add_argument("--minutes", type=above_zero, default=4.0, help="processor minutes of training for each system")
    parser.add_argument("--trained", action="store_true", help="also train and measure the band's bridge")
    arguments = parser.parse_args()
    print(spread_study(study(arguments.preset, arguments.data, arguments.minutes), arguments.out, arguments.trained))


if __name__ == "__main__":
    run_command(main)
