"""What is worth doing with few pairs: augmentation, each kind alone and all together, from 4, 12 and 54 pairs.

    python recipes/few_pairs.py --preset cpu --out out/few-pairs
    python recipes/few_pairs.py --preset cpu --index index.csv --dataset w2s --out out/few-pairs

Every setting trains `--system` for the same processor time of a quiet core, which is turned into steps by timing all
settings in turn first, and is judged by the mean PSNR of its best guess (one call) on twelve validation images: of
simulated data, those of the validation split; of files, images that are held out, the same ones for any number of
pairs. The test images are not touched. Of files there are as many training pairs as are left, if these are fewer.

``smoke`` takes seconds and means nothing. What is done in ``--out`` is not done again.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from wavegen.experiments import recipe_options, run_command, screen

AUGMENTATIONS: dict[str, dict[str, float]] = {
    "turns and mirrors alone": {},
    "gain 0.1": {"gain": 0.1},
    "gain 0.3": {"gain": 0.3},
    "noise 0.02": {"noise": 0.02},
    "noise 0.06": {"noise": 0.06},
    "content 0.5": {"content": 0.5},
    "content 0.9": {"content": 0.9},
    "all": {"gain": 0.1, "noise": 0.02, "content": 0.5},
}
PRESETS: dict[str, dict[str, Any]] = {
    "smoke": {"pairs": (4,), "minutes": 0.01, "images": 2, "size": 64, "training": {"crop": 32, "batch": 2}},
    "cpu": {"pairs": (4, 12, 54), "minutes": 2.0, "images": 12, "size": 256, "training": {}},
}


def main() -> None:
    """Read the options, and screen."""
    parser = recipe_options(__doc__, list(PRESETS), ("hela", "nanobeads"), seeds=1, more=("jobs",))
    parser.add_argument("--system", default="mscgm-fidelity", help="a preset of pipelines")
    parser.add_argument("--index", type=Path, help="instead of --data, a table of pairs; its train split is used")
    parser.add_argument("--dataset", help="keep the rows of the table whose dataset is this")
    given = parser.parse_args()
    preset = PRESETS[given.profile]
    files = {"name": "pairs", "index": str(given.index), "split": "train", "dataset": given.dataset}
    for pairs in preset["pairs"]:
        screen(
            [given.system],
            {name: {**preset["training"], "augment": options} for name, options in AUGMENTATIONS.items()},
            given.out,
            data=given.data if given.index is None else files,
            pool=pairs,
            size=preset["size"],
            images=preset["images"],
            minutes=given.minutes or preset["minutes"],
            seeds=given.seeds,
            jobs=given.jobs,
        )


if __name__ == "__main__":
    run_command(main)
