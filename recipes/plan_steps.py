"""Spread kept against network calls on a band's measured variances: predicted, on a Gaussian toy, and trained.

    python recipes/plan_steps.py --preset cpu --out out/plan

The toy samples Gaussian data of the band's residual variances with the exact denoiser; ``--trained`` also trains
the band's bridge (BBDM's s = 1 and, where it is another, the planned S) and measures the draws. An interrupted run
goes on where it was. ``smoke`` takes seconds.
"""

from __future__ import annotations

from wavegen.experiments import SpreadStudy, recipe_options, run_command, spread_study


def study(profile: str, data: str, minutes: float) -> SpreadStudy:
    """What is trained and measured."""
    if profile == "cpu":
        training = {"minutes": minutes, "crop": 64, "batch": 8}
        return SpreadStudy(data={"name": data}, training=training)
    training = {"steps": 4, "crop": 16, "batch": 2, "warmup": 1}
    network = {"name": "unet", "width": 8, "multipliers": [1, 2]}
    small = {"size": 128, "pool": 8, "test_images": 8, "draws": 2, "few_images": 2, "calls": (1, 4), "toy_side": 16}
    return SpreadStudy(data={"name": data}, training=training, network=network, **small)


def main() -> None:
    """Print the tables."""
    parser = recipe_options(__doc__, ["smoke", "cpu"], ["nanobeads", "hela"], minutes=4.0)
    parser.add_argument("--trained", action="store_true", help="also train and measure the band's bridge")
    given = parser.parse_args()
    print(spread_study(study(given.profile, given.data, given.minutes), given.out, given.trained))


if __name__ == "__main__":
    run_command(main)
