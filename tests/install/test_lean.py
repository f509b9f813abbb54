"""Guards the lean installation: what the base dependencies alone must do, and how the rest is refused.

The extras' packages are hidden from one process, which runs the commands one after another.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import tifffile

LEAN = Path(__file__).with_name("lean.py")
SMALL = "hela,size=64,length=8"
TRAIN = f"train mscgm-joint --data {SMALL} --steps 2 --crop 32 --batch 2 --quiet"
DONE = (
    "--help",
    "list",
    "list model",
    "list transform haar",
    "restore cell.tif restored.tif --model realism-hela --samples 2 --std spread.tif",
    "restore stack.tif stacked.tif --model fidelity-hela --channels each",
    f"{TRAIN} --out run",
    "restore cell.tif own.png --model run/model",
    f"calibrate run/model --data {SMALL} --images 1 --dry-run",
    f"analyze {SMALL} --levels 1 --size 32 --images 1",
    f"plan {SMALL}",
    f"learn-basis {SMALL} --out basis.json --steps 2 --taps 4",
    "data check pairs,x=x,y=y",
    "weights",
)
REFUSED = {
    f"analyze {SMALL} --levels 2 --size 64 --images 2 --out analysis": "plot",
    f"plan {SMALL} --out planned": "plot",
    f"{TRAIN} --out tracked --track": "track",
    "restore cell.tif restored.ome.zarr --model fidelity-hela": "zarr",
}
RUN = """
import contextlib, io, json, sys
from wavegen.cli import main
found = {}
for command in json.loads(COMMANDS):
    error = io.StringIO()
    with contextlib.redirect_stderr(error), contextlib.redirect_stdout(io.StringIO()):
        try:
            main(command.split())
        except SystemExit as done:
            found[command] = [done.code, error.getvalue()]
        except Exception as bug:
            found[command] = [1, repr(bug)]
print(json.dumps(found))
"""


class Outcome(NamedTuple):
    """Exit code and standard error of one command."""

    code: int
    error: str


def lean(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run code with the extras hidden, in a folder, without a home that holds weights."""
    env = os.environ | {
        "OMP_NUM_THREADS": "1",
        "HOME": str(folder),
        "XDG_CACHE_HOME": str(folder),
        "PYTHONWARNINGS": "ignore",
    }
    return subprocess.run(
        [sys.executable, str(LEAN), code], cwd=folder, env=env, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the commands run, with the files that they read."""
    where = tmp_path_factory.mktemp("lean")
    rng = np.random.default_rng(0)
    tifffile.imwrite(where / "cell.tif", rng.poisson(20, (40, 48)).astype(np.uint16))
    tifffile.imwrite(where / "stack.tif", rng.poisson(20, (2, 40, 48)).astype(np.uint16), imagej=True)
    for side in ("x", "y"):
        (where / side).mkdir()
        tifffile.imwrite(where / side / "one.tif", np.add.outer(*[np.hanning(64)] * 2).astype(np.float32))
    return where


@pytest.fixture(scope="module")
def outcomes(folder: Path) -> dict[str, Outcome]:
    done = lean(RUN.replace("COMMANDS", repr(json.dumps([*DONE, *REFUSED]))), folder)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return {command: Outcome(*values) for command, values in found.items()}


@pytest.mark.parametrize("command", DONE)
def test_the_base_installation_is_enough(command: str, outcomes: dict[str, Outcome]) -> None:
    assert outcomes[command].code == 0, outcomes[command].error


@pytest.mark.parametrize(("command", "extra"), REFUSED.items())
def test_a_missing_extra_is_named_in_one_line(
    command: str, extra: str, outcomes: dict[str, Outcome], folder: Path
) -> None:
    code, error = outcomes[command]
    assert code == 2
    assert error.startswith("wavegen: error:")
    assert error.count("\n") == 1
    assert error.endswith(f'pip install "wavegen[{extra}]"\n')


def test_it_is_refused_before_the_work(outcomes: dict[str, Outcome], folder: Path) -> None:
    """Neither a report without its figure nor a run without its tracks."""
    assert not list(folder.glob("analysis/*")) + list(folder.glob("planned/*"))
    assert not (folder / "tracked" / "checkpoint.safetensors").exists()


def test_the_extras_are_hidden(folder: Path) -> None:
    """The tests above would tell nothing if a process started by ``lean.py`` could see them."""
    code = """
import importlib.util, importlib.metadata
for module in ("lpips", "matplotlib", "timm", "torchvision", "skimage", "distributed", "pytorch_fid", "numba", "zarr"):
    assert importlib.util.find_spec(module) is None, module
    try:
        importlib.metadata.version({"skimage": "scikit-image", "pytorch_fid": "pytorch-fid"}.get(module, module))
    except importlib.metadata.PackageNotFoundError:
        continue
    raise AssertionError(module)
"""
    done = lean(code, folder)
    assert done.returncode == 0, done.stderr


def test_every_module_can_be_imported(folder: Path) -> None:
    """No module of the package needs an extra to be imported."""
    code = """
import importlib, pkgutil, wavegen
for module in pkgutil.walk_packages(wavegen.__path__, "wavegen."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
"""
    done = lean(code, folder)
    assert done.returncode == 0, done.stderr
