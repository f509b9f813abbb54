"""Low light: short exposures of photographs against long ones.

    python recipes/low_light.py --preset cpu --data lol --root FOLDER --out out/low-light

Data
    hela       simulated specimens that give 2 photons at the 99.9 percentile: no files needed
    lol        real pairs from a folder with an ``index.csv``
    lol-full   the published layout of LOL (arXiv 1808.04560): our485 and eval15 under ``--root``
Inputs are stretched by their own percentiles, results are on the fixed 8-bit scale: how bright the long exposure
was cannot be seen in the short one, but photographs are alike.

Presets: see recipes/denoise.py (nothing is shipped from here).
"""

from pathlib import Path

from wavegen.experiments import Data, run_task

METHODS = ("input", "gain and gamma", "adaptive histogram", "retinex")
DIM = {"name": "camera", "photons": 2.0, "read_noise": 0.5, "offset": 0.0, "background": 0.2, "bits": None}
COLOUR = {"channels": 3, "intensity": {"target": "fixed", "scale": 255.0}}


def hela(root: Path) -> Data:
    """Simulated specimens, in one channel."""

    def part(split: str, length: int) -> dict[str, object]:
        source = {"name": "hela", "split": split, "length": length}
        return {"name": "degraded", "source": source, "degradation": DIM}

    return Data(part("train", 512), part("test", 64), settings={"intensity": {"target": "fixed"}})


def lol(root: Path) -> Data:
    """Real pairs, RGB."""
    table = {"name": "pairs", "index": str(root / "index.csv"), "dataset": "lol"}
    return Data(table | {"split": "train"}, table | {"split": "test"}, "fixed", COLOUR, METHODS)


def lol_full(root: Path) -> Data:
    """The published set, RGB."""
    layout = {"name": "lol", "root": str(root)}
    return Data(layout | {"split": "train"}, layout | {"split": "test"}, "fixed", COLOUR, METHODS)


if __name__ == "__main__":
    run_task(__doc__, {"hela": hela, "lol": lol, "lol-full": lol_full})
