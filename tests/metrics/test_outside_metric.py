"""A metric in one file outside the package, found by its entry point: scored, in a grid's results, in a report."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

PLUGIN = """
import torch
from wavegen import register
from wavegen.metrics import EnsembleMetric, PairedMetric


@register("metric", "mae", "mean absolute error", capabilities=("paired", "lower_is_better"))
class MeanAbsoluteError(PairedMetric):
    title, unit, form, factor = "MAE", "counts", ".1f", 100.0
    higher_is_better, best, values = False, 0.0, (0.0, float("inf"))

    def __call__(self, restored, target, data_range):
        return ((restored - target).abs() / data_range).mean(dim=(1, 2, 3))


@register("metric", "agreement", "one less the mean absolute error", capabilities=("paired", "higher_is_better"))
class Agreement(PairedMetric):
    title = "agreement"
    higher_is_better, best, values = True, 1.0, (-float("inf"), 1.0)

    def __call__(self, restored, target, data_range):
        return 1 - ((restored - target).abs() / data_range).mean(dim=(1, 2, 3))


@register("metric", "old", "a function that declares nothing")
def build_old():
    return lambda restored, target, data_range: torch.zeros(len(restored))
"""
GRID: dict[str, Any] = {
    "base": {"name": "bbdm", "network": {"width": 8, "multipliers": [1, 2]}, "sampler": {"steps": 1}},
    "vary": {"bridge.s": [0.1, 0.2]},
    "classical": ["input"],
    "data": "nanobeads",
    "training": {"steps": 2, "batch": 2, "crop": 32, "warmup": 1},
    "pool": 2,
    "test_images": 2,
    "size": 64,
    "timed": False,
}


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """With a distribution of one file that registers metrics."""
    folder = tmp_path_factory.mktemp("outside")
    (folder / "toy_metric.py").write_text(PLUGIN)
    info = folder / "toy_metric-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: toy-metric\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[wavegen.components]\ntoy = toy_metric\n")
    paths = [str(folder), str(Path(__file__).resolve().parents[2]), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths)), "OMP_NUM_THREADS": "1"}


def run(environment: dict[str, str], *command: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "wavegen", *command]
    done = subprocess.run(line, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done


def test_it_is_evaluated_beside_the_standard_metrics(environment: dict[str, str], tmp_path: Path) -> None:
    model = ("evaluate", "--model", "mscgm-hela", "--data", "hela,size=64,length=2", "--steps", "1")
    done = run(environment, *model, "--out", str(tmp_path))
    assert "MAE counts ×100" in done.stdout
    assert "PSNR dB" in done.stdout
    assert "metric 'old' (toy_metric) is no subclass of wavegen.metrics.PairedMetric" in done.stderr
    report = json.loads((tmp_path / "evaluation.json").read_text())
    restored, unrestored = report["restored"], report["input"]
    assert restored["mae"] == pytest.approx(1 - restored["agreement"], abs=1e-6)
    assert restored["mae"] < unrestored["mae"]
    assert "<th>MAE counts ×100</th>" in (tmp_path / "evaluation.html").read_text()
    chosen = run(environment, *model, "--metrics", "mae,ri_psnr", "--json")
    keys = set(json.loads(chosen.stdout)["restored"])
    assert keys == {"mae", "ri_psnr", "nfe", "ms_per_image", "images"}


def test_a_grid_scores_it_and_a_report_shows_it_with_its_direction(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "grid.yaml").write_text(yaml.safe_dump(GRID))
    out = tmp_path / "out"
    run(environment, "ablate", str(tmp_path / "grid.yaml"), "--out", str(out), "--workers", "1")
    rows = json.loads((out / "results.json").read_text())["rows"]
    assert len(rows) == 3
    assert all(row["mae"] == pytest.approx(1 - row["agreement"], abs=1e-6) for row in rows)
    assert "MAE counts ×100" in (out / "table.md").read_text()
    # Two more seeds, each a little better in one system, so that there is something to tell.
    results = json.loads((out / "results.json").read_text())
    better = "bridge.s=0.2"
    for seed in (1, 2):
        for row in rows:
            gain = 0.1 * seed if row["system"] == better else 0.0
            results["rows"].append(
                {**row, "seed": seed, "mae": row["mae"] - gain, "agreement": row["agreement"] + gain}
            )
    for row in results["rows"]:
        if row["system"] == better:
            row["mae"], row["agreement"] = row["mae"] - 1, row["agreement"] + 1
    (out / "results.json").write_text(json.dumps(results))
    label = next(f"{r['system']}, {r['steps']} at {r['key']}" for r in rows if r["system"] == "bridge.s=0.1")
    run(environment, "report", str(out), "--out", str(tmp_path / "report"), "--against", label)
    page = (tmp_path / "report" / "report.md").read_text()
    head, line = _table(page, f"less {label}", better)
    told = dict(zip(head, line, strict=True))
    assert told["MAE counts ×100"].startswith("-")
    assert told["MAE counts ×100"].endswith("better")
    assert told["agreement"].startswith("+")
    assert told["agreement"].endswith("better")


def _table(page: str, title: str, row: str) -> tuple[list[str], list[str]]:
    """Head and one line of the table whose first column is called ``title``."""
    lines = [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in page.splitlines()]
    at = next(i for i, line in enumerate(lines) if line[0] == title)
    return lines[at], next(line for line in lines[at:] if line[0].startswith(row))
