"""``wavegen plan``: before training from data, after it from a model, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from systems import tiny

from wavegen import Pipeline, build
from wavegen.bridges import shares_kept
from wavegen.cli import main

DATA = "nanobeads,size=64,length=16"


def run(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[Any, str, str]:
    with pytest.raises(SystemExit) as done:
        main(["plan", *(str(argument) for argument in arguments)])
    return done.value.code, *capsys.readouterr()


def test_plan_from_data(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, out, err = run(capsys, DATA, "--steps", "4", "--out", tmp_path)
    assert code == 0, err
    assert "kappa" in out
    assert (tmp_path / "plan.png").stat().st_size > 10_000
    report = json.loads((tmp_path / "plan.json").read_text())
    assert [band["band"] for band in report["bands"]] == ["LL2", "H2", "V2", "D2", "H1", "V1", "D1"]
    for band in report["bands"]:
        concentration = max(band["kurtosis"] / 3, 1)
        assert band["variances"] == [v * concentration for v in band["residual"]]
    assert f"{report['bands'][0]['kurtosis']:.3g}" in out
    assert [row["calls"] for row in report["table"]] == [1, 2, 3, 4, 8, 16, 50, 200]
    settings = yaml.safe_load(out[out.index("bridge:") :])
    assert settings["sampler"] == report["plan"]["sampler"]
    pipeline = Pipeline.from_config({"name": "mscgm", "conditioning": "ll", **settings})
    grid = pipeline.grid(None, pipeline.config.sampler.grid)
    kept = shares_kept(pipeline.bridge, report["bands"][0]["variances"], grid, 0.0, settings["sampler"]["solver"])
    assert abs(float(kept.min()) - report["plan"]["least"]) < 1e-9


def test_plan_of_a_model_keeps_its_bridge(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    tiny("mscgm-joint").save_pretrained(tmp_path / "model")
    code, out, err = run(capsys, tmp_path / "model", "--data", DATA, "--share", "0.5", "--json")
    assert code == 0, err
    report = json.loads(out)
    assert report["plan"]["bridge"] == {"name": "bbdp", "s": 0.1}
    assert report["plan"]["mean"] >= 0.5
    assert [band["band"] for band in report["bands"]] == ["LL1"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((DATA, "--steps", "2", "--share", "0.5"), "either --steps or --share"),
        ((DATA, "--process", "bbdb"), "bbdp"),
        ((DATA, "--process", "regression"), "nothing to plan"),
        ((DATA, "--data", "hela"), "leave one of them out"),
        ((DATA, "--steps", "0"), "from 1 to 1000"),
        ((DATA, "--transform", "haar,levels=4"), "at least 8x8"),
        (("nanobeads,size=64,length=4",), "8 or more"),
        (("nowhere",), "no trained pipeline"),
        (("mscgm-hela",), "no --data"),
        (("mscgm-hela", "--data", DATA, "--process", "bbdp"), "leave them out"),
    ],
)
def test_wrong_wishes_are_refused(capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], message: str) -> None:
    code, out, err = run(capsys, *arguments)
    assert code == 2, err
    assert err.count("\n") == 1
    assert message in err
    assert out == ""


def test_every_process_is_listed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wavegen.analysis.demand.step_table.__defaults__", ((1, 2),))
    code, out, err = run(capsys, DATA, "--process", "all", "--steps", "2", "--json")
    assert code == 0, err
    found = [row["process"] for row in json.loads(out)["table"]]
    assert found[0] == "bbdp"
    assert {"irsde", "resshift", "ddpm", "flow"} <= set(found)
    assert "regression" not in found
    assert build("bridge", found[0]).max_steps is None
