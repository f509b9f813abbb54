"""What ``pip install wavegen`` costs: size of the wheel, packages, megabytes, time to import, the first steps.

    python benchmarks/lean.py [--source FOLDER] [--wheel-only]

Builds the wheel of FOLDER (this repository), and unless ``--wheel-only`` is given installs it with its base
dependencies into a new virtual environment (about 5 GB where torch comes with CUDA, deleted afterwards), measures, and
runs the first steps of the README there without a network. The exit code is 1 where a limit is broken. MB are millions
of bytes.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# Wheel in MB; processor seconds for ``import wavegen`` and ``wavegen --help``, as medians of RUNS.
LIMITS = {"wheel": 15.0, "import": 0.1, "help": 0.5}
RUNS = 5
# Proxies of a network that is not there.
OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    **dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9"),
}
IMAGE = """
import numpy as np, tifffile
cell = np.random.default_rng(0).poisson(20, (64, 80)).astype(np.uint16)
tifffile.imwrite("cell.tif", cell)
tifffile.imwrite("stack.ome.tif", np.stack([cell, cell]), metadata={"axes": "CYX"})
"""
PYTHON = """
import numpy as np
from wavegen import Pipeline
pipe = Pipeline.from_pretrained("realism-hela")
image = np.random.default_rng(0).poisson(20, size=(64, 80)).astype(np.uint16)
result = pipe.restore(image, samples=4, seed=0)
assert result.image.dtype == np.uint16 and result.image.shape == (64, 80) and result.std.max() > 0
"""
FIRST_STEPS = (
    "restore cell.tif restored.tif --model realism-hela --samples 8 --std spread.tif",
    "restore stack.ome.tif restored.ome.tif --model fidelity-hela --channels each",
    "train mscgm-joint --data hela,size=64,length=4 --steps 2 --crop 32 --batch 2 --quiet --out run",
    "restore cell.tif own.tif --model run/model",
    "list",
)


def wheels(source: Path, into: Path) -> list[Path]:
    """Build the wheel of a source tree, and that of its models where it has them."""
    for folder in (source, source / "models"):
        if (folder / "pyproject.toml").is_file():
            pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check", "--no-deps"]
            subprocess.run([*pip, "--wheel-dir", str(into), str(folder)], check=True)
    return sorted(into.glob("*.whl"), key=lambda path: not path.name.startswith("wavegen-"))


def megabytes(folder: Path) -> float:
    """Size of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink()) / 1e6


def median_seconds(command: list[str], cwd: Path) -> float:
    """Median processor time of a few runs, after one that fills the caches: others on the machine hardly change it."""
    seconds = []
    for _ in range(RUNS + 1):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, cwd=cwd, check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return statistics.median(seconds[1:])


def measure(wheel: Path, folder: Path) -> dict[str, float]:
    """Install a wheel into a new environment, print what it costs, and take the first steps."""
    venv.create(folder / "venv", with_pip=True)
    python, command = str(folder / "venv" / "bin" / "python"), str(folder / "venv" / "bin" / "wavegen")
    pip = [python, "-m", "pip", "--disable-pip-version-check"]
    start = time.perf_counter()
    subprocess.run([*pip, "install", "--quiet", str(wheel)], check=True)
    print(f"installed in {time.perf_counter() - start:.0f} s", flush=True)
    listed = subprocess.run([*pip, "list", "--format=freeze"], check=True, capture_output=True, text=True).stdout
    packages = {line.partition("==")[0].lower() for line in listed.split()} - {"pip", "setuptools"}
    site = next((folder / "venv" / "lib").glob("python*/site-packages"))
    whole = megabytes(site)
    torch = sum(megabytes(site / name) for name in ("torch", "nvidia", "triton"))
    print(f"packages: {len(packages)}, {whole:.0f} MB, of which torch with CUDA and triton {torch:.0f} MB")
    nothing = median_seconds([python, "-c", "pass"], folder)
    times = {
        "import": median_seconds([python, "-c", "import wavegen"], folder) - nothing,
        "help": median_seconds([command, "--help"], folder),
    }
    print(f"import wavegen: {times['import']:.3f} processor seconds beyond Python's own {nothing:.3f}")
    print(f"wavegen --help: {times['help']:.3f} processor seconds")
    subprocess.run([python, "-c", IMAGE], cwd=folder, check=True)
    environment = os.environ | OFFLINE
    for step in ([python, "-c", PYTHON], *([command, *text.split()] for text in FIRST_STEPS)):
        start = time.perf_counter()
        subprocess.run(step, cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)
        what = "the Python block" if step[0] == python else f"wavegen {' '.join(step[1:])}"
        print(f"done in {time.perf_counter() - start:4.1f} s: {what}", flush=True)
    return times


def main() -> int:
    """Measure, print, and compare with the limits."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", type=Path, default=ROOT, metavar="FOLDER", help="source tree of wavegen")
    parser.add_argument("--wheel-only", action="store_true", help="only build the wheels and print their sizes")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="wavegen-lean-") as name:
        built = wheels(given.source.resolve(), Path(name))
        for wheel in built:
            print(f"{wheel.name}: {wheel.stat().st_size / 1e6:.2f} MB", flush=True)
        found = {"wheel": built[0].stat().st_size / 1e6}
        if not given.wheel_only:
            found |= measure(built[0], Path(name))
    broken = [f"{key} {value:.2f}, limit {LIMITS[key]:g}" for key, value in found.items() if value > LIMITS[key]]
    print("limits: " + ("; ".join(broken) if broken else "kept"))
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
