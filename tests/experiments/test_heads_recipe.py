"""The recipe of heads: every system is a valid configuration of comparable size, and one table runs to its end."""

from __future__ import annotations

import importlib.util
import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from runs_of_recipes import ROOT, run_here
from systems import answer_with, tiny

from wavegen import Pipeline
from wavegen.core.types import Pair
from wavegen.experiments import heads_table, low_band_gap
from wavegen.experiments.studies.heads import coverage
from wavegen.inference.evaluate import Scorer


def recipe() -> Any:
    spec = importlib.util.spec_from_file_location("heads_recipe", ROOT / "recipes" / "heads.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("table", ["heads", "losses", "levels", "gap"])
def test_every_system_builds(table: str) -> None:
    module = recipe()
    for name, spec in module.TABLES[table].items():
        full, small = Pipeline.from_config(spec), Pipeline.from_config(module.shrunk(spec))
        assert 1.5e6 < full.parameters_count < 2.6e6, name
        assert small.parameters_count < 1e5, name
        assert full.transform.levels == small.transform.levels, name
    assert {row.system for row in module.plan("cpu", table, "hela", 4.0, 3).rows} == set(module.TABLES[table])


def test_one_table_runs_to_its_end(tmp_path: Path) -> None:
    some = ["true LL", "noisy, sampled LL", "noisy LL, end to end"]  # every kind of stage; all systems build above
    options = ["--preset", "smoke", "--table", "gap", "--jobs", "1", "--only", ";".join(some)]
    done = run_here("heads.py", *options, "--out", str(tmp_path))
    assert done.returncode == 0, done.stderr
    rows = json.loads((tmp_path / "heads.json").read_text())["rows"]
    assert [row["system"] for row in rows] == some
    assert (tmp_path / "heads.md").read_text() in done.stdout
    assert all(math.isfinite(v) for row in rows for v in row.values() if isinstance(v, float))
    assert rows[0]["psnr_true_ll"] > rows[0]["psnr_sampled_ll"]


def test_the_gap_is_nothing_where_the_low_band_is_right() -> None:
    """With y = x and a coarse network that returns y's band, true and sampled LL are one."""
    pipeline = tiny("mscgm", intensity={"mode": "fixed"}, prediction="x0")
    low = pipeline.transform.coarse_channels(1)
    answer_with(pipeline, lambda x_t, t, condition: (condition[:, :low], x_t))
    image = torch.rand(1, 64, 64, generator=torch.Generator().manual_seed(0))
    found = low_band_gap(pipeline, [Pair(image, image)])
    for metric in ("psnr", "ssim", "spectrum_error"):
        assert found[f"{metric}_true_ll"] == pytest.approx(found[f"{metric}_sampled_ll"], rel=1e-4)
    assert float(found["psnr_true_bands"] or 0) > 100
    assert low_band_gap(tiny("unet"), [Pair(image, image)]) == {}


def test_coverage_sees_what_is_left_out() -> None:
    """Of two kinds of patches one restored: half of the neighbourhoods stay empty."""
    scorer = Scorer()
    if "kid_effnet_lite0" not in scorer.metrics:
        pytest.skip("the weights of EfficientNet-Lite0 are not found")
    generator = torch.Generator().manual_seed(0)
    fine = torch.rand(4, 1, 128, 128, generator=generator)
    broad = torch.nn.functional.interpolate(torch.rand(4, 1, 8, 8, generator=generator), (128, 128), mode="bilinear")
    both = torch.cat([fine, broad])
    again = both + 0.01 * torch.rand(both.shape, generator=generator)
    assert coverage(scorer, again, both)["coverage"] == 1
    part = coverage(scorer, torch.cat([again[:4], again[:4]]), both)
    assert part["coverage"] is not None
    assert part["coverage"] <= 0.6
    assert coverage(scorer, again[:1], both[:1]) == {}


def test_the_table_shows_extremes_over_bands_and_means_over_seeds() -> None:
    rows: list[dict[str, Any]] = [
        {"system": "a", "seed": s, "level0/h/spread": 0.2 + s, "level0/d/spread": 0.5, "level0/h/difference": 0.3,
         "level0/h/energy": 0.5, "level0/d/energy": 1.5, "level0/h/kurtosis": 1.0, "null": 0.1 + 0.2 * s,
         "recall": 0.5, "coverage": 0.25,
         "lpips_true_ll": 0.2, "lpips_sampled_ll": 0.3, "psnr_true_ll": 30.0, "psnr_sampled_ll": 25.0}
        for s in (0, 1)
    ]  # fmt: skip
    rows.append({"system": "b", "seed": 0, "null": 0.0})
    lines = heads_table(rows).splitlines()
    cells = "0.200 | 0.300 | 0.50–1.50 | 1.00–1.00 | 0.200 | 0.50 | 0.25 | 0.2000 | 0.3000 | 50 | 30.00 | 25.00"
    assert lines[2] == f"| a | {cells} |"
    assert lines[3] == "| b | – | – | – | – | 0.000 | – | – | – | – | – | – | – |"
