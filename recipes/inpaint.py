"""Inpainting: a quarter of the image is missing (value 0) in boxes, strokes or pixels.

    python recipes/inpaint.py --preset cpu --data hela --out out/inpaint-hela
    python recipes/inpaint.py --preset cpu --data bbbc039 --root FOLDER --out out/inpaint-bbbc039

Data
    hela      simulated specimens, missing boxes
    bbbc039   real nuclei (BBBC039, CC0), missing strokes; ``--root`` is a folder with an ``index.csv``
The network is not told where the holes are: it sees zeros, as the user's software leaves them.

Presets: see recipes/denoise.py (nothing is shipped from here).
"""

from pathlib import Path

from wavegen.experiments import Data, run_task

METHODS = ("input", "biharmonic")
KEEP = {"intensity": {"mode": "fixed"}}  # images are 0 to 1, and 0 means missing


def hela(root: Path) -> Data:
    """Simulated specimens."""

    def part(split: str, length: int) -> dict[str, object]:
        source = {"name": "hela", "split": split, "length": length}
        return {"name": "degraded", "source": source, "degradation": {"name": "mask", "shape": "boxes"}}

    return Data(part("train", 512), part("test", 64), settings=KEEP, classical=METHODS)


def bbbc039(root: Path) -> Data:
    """Real nuclei."""
    common = {
        "name": "simulated", "index": str(root / "index.csv"), "dataset": "bbbc039",
        "degradation": {"name": "mask", "shape": "strokes"},
    }  # fmt: skip
    train = common | {"split": "train", "repeats": 4}
    return Data(train, common | {"split": "test", "seed": 1}, settings=KEEP, classical=METHODS)


if __name__ == "__main__":
    run_task(__doc__, {"hela": hela, "bbbc039": bbbc039})
