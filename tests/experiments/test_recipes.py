"""Recipes run from start to end in seconds, do nothing twice, and refuse another configuration.

One is run as a user runs it, in a process of its own with workers in theirs; the others in this process.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from runs_of_recipes import ROOT, run, run_here

from wavegen.bridges.planning import levels
from wavegen.core.errors import InputError
from wavegen.experiments import SpreadStudy, spread_study
from wavegen.experiments.studies import claims, spread


def test_super_resolution_trains_judges_and_does_nothing_twice(tmp_path: Path) -> None:
    """Two of its systems in processes; ``test_task_recipes`` builds all six."""
    options = ["--preset", "smoke", "--out", str(tmp_path / "sr"), "--only", "mscgm-joint,unet"]
    first = run("mscgm_sr.py", *options, "--data", "nanobeads")
    assert first.returncode == 0, first.stderr
    rows = json.loads((tmp_path / "sr" / "results.json").read_text())["rows"]
    assert {row["system"] for row in rows} == {"mscgm-joint", "unet"}
    for row in rows:
        assert row["nfe"] == row["steps"], row
        assert 0 < row["psnr"] < 60, row
    assert all(name in (tmp_path / "sr" / "table.md").read_text() for name in ("| unet, 1", "| mscgm-joint, 4"))
    assert (tmp_path / "sr" / "figure.png").stat().st_size > 10_000
    weights = {p: p.stat().st_mtime_ns for p in (tmp_path / "sr" / "runs").glob("*/checkpoint.safetensors")}
    assert len(weights) == 2
    second = run_here("mscgm_sr.py", *options, "--data", "nanobeads")
    assert second.returncode == 0, second.stderr
    assert "done unet, seed 0" in first.stderr
    assert "done " not in second.stderr
    assert {p: p.stat().st_mtime_ns for p in weights} == weights
    other = run_here("mscgm_sr.py", *options, "--data", "hela")
    assert other.returncode == 2
    assert len(other.stderr.strip().splitlines()) == 1
    assert "another data" in other.stderr


def test_claims_print_their_evidence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "PHOTONS", claims.PHOTONS[:2])
    monkeypatch.setattr(claims.lossless, "__defaults__", (30, 0))
    done = run_here("claims.py", "--preset", "smoke", "--out", str(tmp_path / "claims"))
    assert done.returncode == 0, done.stderr
    evidence = json.loads(done.stdout)
    assert evidence["claim 1, lossless"]["uint16 absolute"] == 0
    assert evidence["claim 1, lossless"]["float32 relative"] <= 1e-6
    assert [len(levels) for levels in evidence["claim 4, heads"].values()] == [1, 2]


def test_spread_study_measures_what_it_predicts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spread, "TOY_VARIANCES", 4)
    monkeypatch.setattr(levels, "ITERATIONS", 40)  # what is predicted of a plan holds for any plan
    options = ["--preset", "smoke", "--out", str(tmp_path / "plan"), "--trained"]
    done = run_here("plan_steps.py", *options)
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "plan" / "spread.json").read_text())
    for row in found["toy"]:  # 16 x 16 draws of each variance
        assert row["largest difference"] < 0.4
    assert {row["how"] for row in found["trained"]} == {"uniform, eta 1", "planned for v", "planned"}
    assert all(row["measured"] == 0 for row in found["trained"] if row["calls"] == 1)
    again = run_here("plan_steps.py", *options)
    assert again.stdout == done.stdout
    assert "measuring" not in again.stderr  # it goes on where it was
    other = SpreadStudy(data={"name": "hela"}, training={"steps": 4})
    with pytest.raises(InputError, match="another study"):
        spread_study(other, tmp_path / "plan")


def test_bridges_are_compared_with_their_own_samplers_and_students(tmp_path: Path) -> None:
    options = ["--preset", "smoke", "--out", str(tmp_path / "bridges"), "--jobs", "1"]
    first = run_here("bridges.py", *options)
    assert first.returncode == 0, first.stderr
    rows = json.loads((tmp_path / "bridges" / "results.json").read_text())["rows"]
    ways = {(row["system"], row["steps"], row["key"], row["nfe"]) for row in rows}
    assert ("ddbm-ve", 40, "eta 0, heun, karras", 79) in ways
    assert ("bbdp distilled", 2, "eta 1, times values=[1.0, 0.9, 0.0]", 2) in ways
    assert all(abs(row["s"] - 1.5) < 1e-9 for row in rows if row["system"] != "regression")
    assert "| spread kept |" in (tmp_path / "bridges" / "table.md").read_text()
    assert "| ddbm-ve | ddbm-ve sigma_max = 1.225 | 1.5 | 6.4e+03 |" in first.stdout
    second = run_here("bridges.py", *options)
    assert second.returncode == 0, second.stderr
    assert not second.stderr


@pytest.mark.parametrize("recipe", sorted(p.name for p in (ROOT / "recipes").glob("*.py")))
def test_wrong_options_are_refused(recipe: str) -> None:
    done = run_here(recipe, "--preset", "huge", "--out", "x")
    assert done.returncode == 2
    assert ("there is no recipe '--preset'" if recipe == "run.py" else "huge") in done.stderr
