"""Mixed degradations: blur, noise, background, bleaching and holes of random strength and in random order.

    python recipes/mixed_degradation.py --preset cpu --data hela --out out/mixed-hela
    python recipes/mixed_degradation.py --preset cpu --data bbbc039 --root FOLDER --out out/mixed-bbbc039

Data
    hela      simulated specimens
    bbbc039   real nuclei (BBBC039, CC0); ``--root`` is a folder with an ``index.csv``
One model for all: it is told neither what was done to an image nor how strongly.

Presets: see recipes/denoise.py (nothing is shipped from here).
"""

from pathlib import Path

from wavegen.experiments import Data, run_task

METHODS = ("input", "gaussian", "non-local means", "richardson-lucy")
MIXED = {
    "name": "random_chain",
    "parts": [
        {"name": "gaussian_blur", "sigma": [0.5, 4.0]},
        {"name": "motion_blur", "length": 9, "angle": [0.0, 180.0]},
        {"name": "background", "level": [0.0, 0.5]},
        {"name": "bleaching", "remaining": [0.3, 1.0]},
        {"name": "gaussian_noise", "sigma": [0.01, 0.2]},
        {"name": "mask", "fraction": [0.0, 0.2], "shape": "pixels"},
    ],
}


def hela(root: Path) -> Data:
    """Simulated specimens."""

    def part(split: str, length: int) -> dict[str, object]:
        return {
            "name": "degraded",
            "source": {"name": "hela", "split": split, "length": length},
            "degradation": MIXED,
        }

    return Data(part("train", 512), part("test", 64), classical=METHODS)


def bbbc039(root: Path) -> Data:
    """Real nuclei."""
    common = {
        "name": "simulated",
        "index": str(root / "index.csv"),
        "dataset": "bbbc039",
        "degradation": MIXED,
    }
    train = common | {"split": "train", "repeats": 4}
    return Data(train, common | {"split": "test", "seed": 1}, classical=METHODS)


if __name__ == "__main__":
    run_task(__doc__, {"hela": hela, "bbbc039": bbbc039})
