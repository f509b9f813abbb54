"""The recipes of the tasks: every preset of every data set is a valid comparison, and one of them runs."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from runs_of_recipes import RECIPES, run_here

from wavegen import Pipeline
from wavegen.core.errors import InputError
from wavegen.core.registry import validate
from wavegen.experiments import read_recipe
from wavegen.experiments.spec.tiny import shrunk
from wavegen.experiments.studies import runner
from wavegen.io import write_image
from wavegen.metrics.classical import METHODS

TASKS = ("denoise", "deblur", "inpaint", "low_light", "shadow_removal", "mixed_degradation", "own_data")
ALL = {file.stem: read_recipe(file) for file in sorted(RECIPES.glob("*.yaml"))}
CHOICES = [(name, data) for name, recipe in ALL.items() if recipe.base is None for data in recipe.data]


def test_every_task_has_data_without_files() -> None:
    for task in TASKS:
        assert {"hela", "example"} & ALL[task].data.keys(), task


@pytest.mark.parametrize(("task", "data"), CHOICES, ids=[f"{t}-{n}" for t, n in CHOICES])
def test_profiles_are_valid(task: str, data: str) -> None:
    recipe = ALL[task]
    for profile in recipe.profiles:
        plan = recipe.comparison(profile, data, root=Path("somewhere"), seeds=2)
        assert set(plan.classical) <= METHODS.keys()
        for spec in (plan.data, plan.test):
            if spec is not None:
                validate("dataset", spec)
                assert "{root}" not in str(spec)
        assert {row.system for row in plan.rows} <= plan.systems.keys()
        assert (plan.training.steps is None) != (plan.training.minutes is None)
    for spec in recipe.comparison("smoke", data).systems.values():
        assert Pipeline.from_config(spec).parameters_count < 400_000


def test_every_recipe_of_settings_has_an_entry_and_a_page() -> None:
    for name, recipe in ALL.items():
        assert (RECIPES / f"{name}.py").read_text().count(f'main("{name}")') == 1
        assert f"python recipes/{name}.py --preset" in recipe.about
        assert "smoke" in recipe.profiles


def test_rows_are_expanded_each_once() -> None:
    recipe = ALL["denoise"].model_copy(
        update={"rows": [{"system": ["unet", "bbdm"], "steps": [1, 4]}, {"system": "bbdm", "steps": 4, "samples": 2}]}
    )
    rows = recipe.comparison("cpu", "hela").rows
    assert [(row.system, row.steps) for row in rows] == [("unet", 1), ("unet", 4), ("bbdm", 1), ("bbdm", 4)]


def test_a_row_without_a_system_judges_all() -> None:
    recipe = ALL["denoise"].model_copy(update={"rows": [{"steps": 1}, {"system": "unet", "steps": 4}]})
    plan = recipe.comparison("cpu", "hela")
    assert [(row.system, row.steps) for row in plan.rows] == [*((name, 1) for name in plan.systems), ("unet", 4)]


def test_networks_are_judged_on_validation_images_and_all_can_be_trained() -> None:
    recipe = ALL["ablate_networks"]
    options = runner._parser(recipe).parse_args(["--out", "x"])
    assert options.split == recipe.split == "validation"
    assert runner._parser(ALL["denoise"]).parse_args(["--out", "x"]).split == "test"
    systems = recipe.comparison("cpu", "hela").systems
    built = {name: Pipeline.from_config(spec) for name, spec in systems.items()}
    assert len({pipeline.config.model_dump_json() for pipeline in built.values()}) == len(systems)
    for name, pipeline in built.items():
        assert 0.5e6 < pipeline.parameters_count < 2.5e6, name
        assert pipeline.config.critic is None or len(pipeline.config.stages) == 1


def test_small_networks_keep_the_blocks_of_the_levels_that_are_left() -> None:
    small = shrunk({"name": "unet", "network": {"multipliers": [1, 2, 3], "blocks": [1, 2, 3]}})
    assert Pipeline.from_config(small).coarse.blocks == [1, 2]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rowz: []", "unknown option 'rowz'; did you mean .*'rows'"),
        ("- 1", "expected options by name"),
        ("a: [", "not YAML"),
        ("extends: tusk", "tusk.yaml"),
    ],
)
def test_wrong_files_are_named(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(InputError, match=message):
        read_recipe(tmp_path / "mine.yaml")


def test_unknown_profiles_and_data_are_refused_with_near_matches() -> None:
    with pytest.raises(InputError, match="no preset 'cpuu'; did you mean 'cpu'"):
        ALL["denoise"].comparison("cpuu")
    with pytest.raises(InputError, match="no data 'helas'; did you mean 'hela'"):
        ALL["denoise"].comparison("cpu", "helas")


def test_own_pairs_make_a_table(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for split, i in product(("train", "test"), range(2)):
        truth = np.kron(rng.integers(0, 4000, (12, 10 + 2 * i)), np.ones((4, 4)))
        for kind, image in (("targets", truth), ("inputs", 100 + 0.5 * truth + rng.normal(0, 100, truth.shape))):
            (tmp_path / split / kind).mkdir(parents=True, exist_ok=True)
            write_image(tmp_path / split / kind / f"{i}.tif", image.clip(0, 65535).astype(np.uint16))
    out = tmp_path / "out"
    done = run_here("own_data.py", "--root", str(tmp_path), "--out", str(out), "--data", "unrelated", "--jobs", "1")
    assert done.returncode == 0, done.stderr
    rows: list[dict[str, Any]] = json.loads((out / "results.json").read_text())["rows"]
    systems = {row["system"].split(" (")[0] for row in rows}
    assert {"input", "gaussian", "total variation", "unet", "mscgm-joint", "bbdm"} <= systems
    assert (out / "figure.png").stat().st_size > 10_000
    assert "| unet" in (out / "table.md").read_text()


def test_missing_files_are_named(tmp_path: Path) -> None:
    done = run_here("denoise.py", "--data", "w2s", "--root", str(tmp_path), "--out", str(tmp_path / "out"))
    assert done.returncode == 2
    assert "index.csv" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    wrong = run_here("inpaint.py", "--out", str(tmp_path / "out"), "--export", str(tmp_path))
    assert wrong.returncode == 2
    assert "--export goes with --preset ship" in wrong.stderr
