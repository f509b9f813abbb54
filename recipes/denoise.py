"""Denoising: the hybrid, its rivals and classical filters on noisy micrographs.

    python recipes/denoise.py --preset cpu --data w2s --root FOLDER --out out/denoise-w2s
    python recipes/denoise.py --preset cpu --data hela --out out/denoise-hela

Data
    hela    simulated filaments and vesicles (60 nm), 5 photons at the 99.9 percentile, read noise of 1: no files needed
    w2s     W2S (arXiv 2003.05961): one widefield exposure against the mean of 400; ``--root`` is a folder with an
            ``index.csv`` (columns dataset, task, split, input, target). Input and target are on unrelated scales,
            so that both are stretched on their own and scores allow a gain and an offset.

Presets
    smoke   seconds: does everything run?
    cpu     4 processor minutes of training for each system (``--minutes`` changes it)
    ship    the longer training of the hybrid that made the checkpoint ``denoise-hela`` (``--export``)
    paper   the paper's structure under the settings that arXiv 2407.05259 states; for a GPU

What is trained or scored already in ``--out`` is not done again.
"""

from pathlib import Path

from wavegen.experiments import Data, Shipment, run_task

CAMERA = {"name": "camera", "photons": 5.0, "read_noise": 1.0, "offset": 0.0, "bits": None, "output": "input"}
FILTERS = ("input", "gaussian", "total variation", "non-local means")


def hela(root: Path) -> Data:
    """Simulated specimens under a camera."""

    def part(split: str, length: int) -> dict[str, object]:
        source = {"name": "hela", "split": split, "length": length}
        return {"name": "degraded", "source": source, "degradation": CAMERA}

    return Data(part("train", 512), part("test", 64), classical=FILTERS)


def w2s(root: Path) -> Data:
    """Real exposures."""
    table = {"name": "pairs", "index": str(root / "index.csv"), "dataset": "w2s"}
    own = {"intensity": {"target": "own"}}
    return Data(table | {"split": "train"}, table | {"split": "test"}, "affine", own, FILTERS)


SHIPPED = {
    "hela": Shipment(
        name="denoise-hela",
        purpose="Removes photon and read noise from images of filaments and vesicles, one channel.",
        limits="- Trained on simulated specimens of 60 nm resolution at 20 nm a pixel, at one light level "
        "(5 photons at the 99.9 percentile).",
        command="python recipes/denoise.py --preset ship --out OUT --export DIR",
    )
}

if __name__ == "__main__":
    run_task(__doc__, {"hela": hela, "w2s": w2s}, SHIPPED)
