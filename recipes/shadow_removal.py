"""Shadow removal: photographs with and without the shadow of something outside the picture.

    python recipes/shadow_removal.py --preset cpu --data shadow --root FOLDER --out out/shadow

Data
    hela     simulated specimens under soft-edged random shadows: no files needed
    shadow   real photographs of one scene per split, from a folder with an ``index.csv``: three images train
    istd     the published layout of ISTD (arXiv 1712.02478): train_A, train_C, test_A, test_C under ``--root``
The network is not told where the shadow is.

Presets: see recipes/denoise.py (nothing is shipped from here).
"""

from pathlib import Path

from wavegen.experiments import Data, run_task

METHODS = ("input", "gain and gamma", "adaptive histogram", "retinex")
COLOUR = {"channels": 3, "intensity": {"mode": "fixed", "scale": 255.0}}


def hela(root: Path) -> Data:
    """Simulated specimens, in one channel."""

    def part(split: str, length: int) -> dict[str, object]:
        source = {"name": "hela", "split": split, "length": length}
        return {"name": "degraded", "source": source, "degradation": {"name": "shadow", "tint": 0.0}}

    return Data(part("train", 512), part("test", 64), settings={"intensity": {"mode": "fixed"}})


def shadow(root: Path) -> Data:
    """Real photographs, RGB."""
    table = {"name": "pairs", "index": str(root / "index.csv"), "dataset": "shadow"}
    return Data(table | {"split": "train"}, table | {"split": "test"}, "fixed", COLOUR, METHODS)


def istd(root: Path) -> Data:
    """The published set, RGB."""
    layout = {"name": "istd", "root": str(root)}
    return Data(layout | {"split": "train"}, layout | {"split": "test"}, "fixed", COLOUR, METHODS)


if __name__ == "__main__":
    run_task(__doc__, {"hela": hela, "shadow": shadow, "istd": istd})
