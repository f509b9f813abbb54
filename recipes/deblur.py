"""Deblurring: from confocal or widefield to what a sharper microscope would have seen.

    python recipes/deblur.py --preset cpu --data hela --out out/deblur-hela
    python recipes/deblur.py --preset cpu --data sted --root FOLDER --out out/deblur-sted

Data
    hela      simulated specimens through a widefield objective (NA 1.4, 520 nm, 20 nm pixels) and a camera
    bbbc039   real nuclei (BBBC039, CC0), blurred and exposed in the computer: known truth, real structures
    sted      real confocal images against STED of the same field (TA-GAN's samples); 4 training images
    biosr     real widefield images against SIM of the same field (BioSR); 1 training image
``--root`` is a folder with an ``index.csv`` for all but ``hela``.

Presets: see recipes/denoise.py; ``ship`` makes the checkpoint ``deblur-hela``.
"""

from pathlib import Path

from wavegen.experiments import Data, Shipment, run_task

CAMERA = {"name": "camera", "photons": 50.0, "read_noise": 1.0, "offset": 0.0, "bits": None, "output": "input"}
METHODS = ("input", "total variation", "richardson-lucy")


def exposed(pixel_nm: float) -> dict[str, object]:
    """A widefield objective and a camera."""
    return {"name": "chain", "parts": [{"name": "widefield", "pixel_nm": pixel_nm}, CAMERA]}


def hela(root: Path) -> Data:
    """Simulated specimens."""

    def part(split: str, length: int) -> dict[str, object]:
        source = {"name": "hela", "split": split, "length": length}
        return {"name": "degraded", "source": source, "degradation": exposed(20.0)}

    return Data(part("train", 512), part("test", 64), classical=METHODS)


def bbbc039(root: Path) -> Data:
    """Real nuclei; 65 nm pixels are assumed, so that the blur spans a few of them."""
    common = {
        "name": "simulated", "index": str(root / "index.csv"), "dataset": "bbbc039",
        "degradation": {"name": "chain", "parts": [{"name": "gaussian_blur", "sigma": 3.0}, CAMERA]},
    }  # fmt: skip
    train = common | {"split": "train", "repeats": 4}
    return Data(train, common | {"split": "test", "seed": 1}, classical=METHODS, known={"sigma": 3.0})


def sted(root: Path) -> Data:
    """Real confocal and STED images, on unrelated scales."""
    return _real(root, "sted")


def biosr(root: Path) -> Data:
    """Real widefield and SIM images."""
    return _real(root, "biosr")


def _real(root: Path, dataset: str) -> Data:
    table = {"name": "pairs", "index": str(root / "index.csv"), "dataset": dataset}
    own = {"intensity": {"target": "own"}}
    return Data(table | {"split": "train"}, table | {"split": "test"}, "affine", own, METHODS)


SHIPPED = {
    "hela": Shipment(
        name="deblur-hela",
        purpose="Sharpens widefield images (NA 1.4, 520 nm) of filaments and vesicles to 60 nm, one channel.",
        limits="- Trained on simulated specimens at 20 nm a pixel, in focus, 50 photons at the 99.9 percentile.",
        command="python recipes/deblur.py --preset ship --out OUT --export DIR",
    )
}

if __name__ == "__main__":
    run_task(__doc__, {"hela": hela, "bbbc039": bbbc039, "sted": sted, "biosr": biosr}, SHIPPED)
