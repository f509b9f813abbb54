"""The recipes of the tasks: every preset of every data set is a valid comparison, and one of them runs."""

from __future__ import annotations

import json
import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wavegen import Pipeline
from wavegen.core.registry import validate
from wavegen.experiments import Data
from wavegen.experiments.classical import METHODS
from wavegen.experiments.recipe import PRESETS, comparison
from wavegen.io import write_image

RECIPES = Path(__file__).resolve().parents[2] / "recipes"
TASKS = ("denoise", "deblur", "inpaint", "low_light", "shadow_removal", "mixed_degradation", "own_data")


def choices() -> list[tuple[str, str, Callable[[Path], Data]]]:
    """Every data set of every recipe: the functions from the root folder to a Data."""
    found = []
    for task in TASKS:
        names = runpy.run_path(str(RECIPES / f"{task}.py"))
        makers = {
            k: v for k, v in names.items() if callable(v) and getattr(v, "__annotations__", {}).get("root") is Path
        }
        found += [(task, k, v) for k, v in makers.items() if not k.startswith("_")]
    return found


CHOICES = choices()


def test_every_task_has_data_without_files() -> None:
    for task in TASKS:
        assert any(t == task and name in ("hela", "example") for t, name, _ in CHOICES), task


@pytest.mark.parametrize(("task", "name", "make"), CHOICES, ids=[f"{t}-{n}" for t, n, _ in CHOICES])
def test_presets_are_valid(task: str, name: str, make: Callable[[Path], Data]) -> None:
    data = make(Path("somewhere"))
    assert set(data.classical) <= METHODS.keys()
    for preset in PRESETS:
        plan = comparison(data, preset, None, 2)
        for spec in (plan.data, plan.test):
            if spec is not None:
                validate("dataset", spec)
        assert {row.system for row in plan.rows} <= plan.systems.keys()
    smallest = comparison(data, "smoke", None, 1)
    for spec in smallest.systems.values():
        assert Pipeline.from_config(spec).parameters_count < 100_000


def run(recipe: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(RECIPES / recipe), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=400, check=False)


def test_own_pairs_make_a_table(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for split in ("train", "test"):
        for kind in ("targets", "inputs"):
            folder = tmp_path / split / kind
            folder.mkdir(parents=True)
            for i in range(2):
                write_image(folder / f"{i}.tif", rng.integers(0, 4000, (48, 40 + 8 * i)).astype(np.uint16))
    out = tmp_path / "out"
    done = run("own_data.py", "--root", str(tmp_path), "--out", str(out), "--data", "unrelated", "--jobs", "1")
    assert done.returncode == 0, done.stderr
    rows: list[dict[str, Any]] = json.loads((out / "results.json").read_text())["rows"]
    systems = {row["system"].split(" (")[0] for row in rows}
    assert {"input", "gaussian", "total variation", "unet", "mscgm-joint", "bbdm"} <= systems
    assert (out / "figure.png").stat().st_size > 10_000
    assert "| unet" in (out / "table.md").read_text()


def test_missing_files_are_named(tmp_path: Path) -> None:
    done = run("denoise.py", "--data", "w2s", "--root", str(tmp_path), "--out", str(tmp_path / "out"))
    assert done.returncode == 2
    assert "index.csv" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    wrong = run("inpaint.py", "--out", str(tmp_path / "out"), "--export", str(tmp_path))
    assert wrong.returncode == 2
    assert "--export goes with --preset ship" in wrong.stderr
