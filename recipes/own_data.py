"""Your own pairs: the hybrid, its rivals and classical filters on images that you have, in one table.

    python recipes/own_data.py --preset cpu --root FOLDER --out out/mine

``--root`` holds four folders of TIFF, PNG or JPEG files; a pair has the same file name:
    train/targets   train/inputs   test/targets   test/inputs
Run ``wavegen data check`` on them first: pairs that are shifted against each other teach a network to blur.

Data
    one-scale   target and input share one intensity scale (the same detector and exposure, or simulated)
    unrelated   they do not: each is stretched on its own, and scores allow a gain and an offset
    example     a few simulated pairs instead of files, to see what the table looks like

Presets: see recipes/denoise.py. To keep the model, use OUT/runs/mscgm-joint-seed0/model with ``wavegen restore``.
"""

from pathlib import Path

from wavegen.experiments import Data, run_task

METHODS = ("input", "gaussian", "total variation", "non-local means", "richardson-lucy")


def _pairs(root: Path, split: str) -> dict[str, object]:
    return {"name": "pairs", "x": str(root / split / "targets"), "y": str(root / split / "inputs")}


def one_scale(root: Path) -> Data:
    """Pairs on one intensity scale."""
    return Data(_pairs(root, "train"), _pairs(root, "test"), classical=METHODS)


def unrelated(root: Path) -> Data:
    """Pairs on unrelated scales."""
    own = {"intensity": {"target": "own"}}
    return Data(_pairs(root, "train"), _pairs(root, "test"), "affine", own, METHODS)


def example(root: Path) -> Data:
    """Simulated pairs."""
    return Data({"name": "nanobeads"}, classical=("input", "richardson-lucy"))


if __name__ == "__main__":
    run_task(__doc__, {"one-scale": one_scale, "unrelated": unrelated, "example": example})
