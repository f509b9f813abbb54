"""Guards that each kind of component can be added by one file outside the package, found through an entry point.

The files are those that the documentation shows, ``docs/examples/plugins``. Run with ``-s`` for the table of their
lengths.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from wavegen.core.registry import KINDS, names

PLUGINS = Path(__file__).resolve().parents[2] / "docs" / "examples" / "plugins"
ROOT = PLUGINS.parents[2]
NAMES = {
    "transform": "plain_sums",
    "bridge": "slow_start",
    "solver": "fading_noise",
    "grid": "geometric",
    "head": "one_layer",
    "network": "plain",
    "degradation": "motion_stripe",
    "dataset": "gratings",
    "metric": "mean_error",
    "loss": "gradient_l1",
    "critic": "shallow",
    "optimizer": "sign",
    "pipeline": "small_bbdm",
}
CHECK = "assert {name!r} in wavegen.names({kind!r}); check_component({kind!r}, {name!r})"
PREAMBLE = """
import warnings
warnings.simplefilter("error")
import torch, wavegen
from wavegen.testing import check_component
torch.set_num_threads(1)
tiny = {"network": {"name": "unet", "width": 4, "multipliers": [1, 2]}, "head": {"name": "copy"}}
def restored(name="small_bbdm", **changes):
    pipe = wavegen.Pipeline.from_config({"name": name, **changes})
    return pipe.restore(torch.rand(1, 24, 24), steps=2).image
def same(image):
    assert image.shape == (1, 24, 24) and bool(torch.isfinite(image).all())
"""
# How a component is used where its kind is used.
USES = {
    "transform": 'same(restored(transform={"name": "plain_sums", "levels": 1}))',
    "bridge": 'same(restored(bridge={"name": "slow_start", "s": 0.2}))',
    "solver": 'same(restored(sampler={"steps": 2, "solver": {"name": "fading_noise"}}))',
    "grid": 'same(restored(sampler={"steps": 2, "grid": {"name": "geometric", "share": 0.3}}))',
    "head": 'same(restored(head={"name": "one_layer", "kernel": 5}))',
    "network": 'same(restored(network={"name": "plain", "width": 8}))',
    "degradation": """
data = wavegen.build("dataset", {"name": "degraded", "source": {"name": "hela", "size": 32, "length": 1},
                                 "degradation": {"name": "motion_stripe", "pixels": 3}})
assert data[0].x.shape == data[0].y.shape == (1, 32, 32)
""",
    "dataset": """
from wavegen.data import Crops
crop = Crops(wavegen.build("dataset", {"name": "gratings", "size": 32}), 16, 0, 4)[0]
assert crop.x.shape == (1, 16, 16)
""",
    "metric": """
from wavegen.core.types import Restoration
from wavegen.inference.evaluate import evaluate
data = wavegen.build("dataset", {"name": "hela", "size": 32, "length": 2})
scores = evaluate(lambda y, first: Restoration(y, y, y[None], 1, 0.1), data, perceptual=False)
assert scores["mean_error"] > 0, scores
""",
    "loss": """
stages = [{"name": "fit", "share": 1.0, "weights": {"coarse": 1.0, "gradient_l1": 0.5}}]
pipe = wavegen.Pipeline.from_config({"name": "small_bbdm", "stages": stages})
from wavegen.losses import Objective
x = torch.rand(2, 1, 32, 32)
pipe.fit_normalisation(list(x))
y, generator = x + 0.1 * torch.rand(2, 1, 32, 32), torch.Generator().manual_seed(0)
terms = Objective(pipe)(x, y, 0, generator, torch.nn.ModuleList())
assert terms.losses["gradient_l1"] > 0
""",
    "critic": """
from wavegen.core.config import merge
from wavegen.pipeline.presets import preset
changes = {"critic": {"network": {"name": "shallow", "width": 8}}, "network": {"width": 4}}
config = merge(preset("cgan"), changes)
pipe = wavegen.Pipeline.from_config(config)
assert pipe.config.critic.network["name"] == "shallow"
""",
    "optimizer": """
import tempfile
from pathlib import Path
from wavegen.data import InMemory
from wavegen.training import Training, fit
data = InMemory(wavegen.build("dataset", {"name": "hela", "size": 32, "length": 2}))
training = Training(steps=2, batch=2, crop=32, optimizer={"name": "sign", "rate": 1e-3})
with tempfile.TemporaryDirectory() as out:
    fit(wavegen.Pipeline.from_config({"name": "small_bbdm"}), data, training, Path(out))
""",
    "pipeline": "same(restored())",
}
HERE = [kind for kind in NAMES if kind in KINDS and names(kind)]
pytestmark = pytest.mark.skipif("solver" not in KINDS, reason="the registry of this version has no solvers and grids")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as pip would leave it: one module for each file, and a dist-info that names them as entry points."""
    folder = tmp_path_factory.mktemp("site")
    points = ["[wavegen.components]"]
    for kind in HERE:
        (folder / f"my_{kind}.py").write_text((PLUGINS / f"{kind}.py").read_text(encoding="utf-8"), encoding="utf-8")
        points.append(f"{kind} = my_{kind}")
    info = folder / "my_plugins-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: my-plugins\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text("\n".join(points) + "\n", encoding="utf-8")
    return folder


def run(folder: Path, code: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(folder), str(ROOT)])
    return subprocess.run(
        [sys.executable, "-c", PREAMBLE + code],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": path, "HF_HUB_OFFLINE": "1"},
    )


def test_every_kind_has_one_file() -> None:
    assert {path.stem for path in PLUGINS.glob("*.py")} == set(NAMES)
    print("\nkind        | files | lines (without comments, docstrings and blank lines)")
    for kind in NAMES:
        print(f"{kind:11} |     1 | {code_lines(PLUGINS / f'{kind}.py')}")
        assert code_lines(PLUGINS / f"{kind}.py") <= 30


def code_lines(path: Path) -> int:
    """Lines that hold code."""
    import ast

    tree = ast.parse(path.read_text(encoding="utf-8"))
    held: set[int] = set()
    strings: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            strings |= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
        elif isinstance(node, ast.stmt | ast.expr):
            held.add(node.lineno)
    return len(held - strings)


def test_they_keep_their_contracts_and_are_used(installed: Path) -> None:
    """One process for all kinds: each is listed, passes its check, and works where its kind is used."""
    parts = []
    for kind in HERE:
        lines = [CHECK.format(kind=kind, name=NAMES[kind]), *USES[kind].strip().splitlines()]
        parts.append("\n".join([f"print('{kind}', flush=True)", *lines]))
    done = run(installed, "\n".join(parts))
    assert done.returncode == 0, f"after {done.stdout.split()[-1:]}: {done.stderr}"
    assert done.stdout.split() == HERE
