"""``wavegen analyze``: data, folders, controls and trained pipelines, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from systems import tiny

from wavegen.cli import main

DATA = "nanobeads,size=64,length=8"


def run(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[Any, str, str]:
    with pytest.raises(SystemExit) as done:
        main(["analyze", *(str(argument) for argument in arguments)])
    return done.value.code, *capsys.readouterr()


def test_data_with_two_transforms(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wavegen.analysis.evidence.calls_without_y", lambda *_: 4)  # seconds for each band
    code, out, err = run(capsys, DATA, "--levels", "1", "--transform", "haar", "--transform", "db2", "--out", tmp_path)
    assert code == 0, err
    for text in ("haar,levels=1", "db2,levels=1", "LL1", "theorem 1", "high bands are sparser"):
        assert text in out
    record = json.loads((tmp_path / "analysis.json").read_text())
    assert [result["transform"] for result in record["results"]] == ["haar,levels=1", "db2,levels=1"]
    image, coarse = record["results"][0]["low"]
    assert (image["name"], coarse["name"]) == ("image", "LL1")
    assert 1 <= coarse["calls_given_y"] <= 64
    report = (tmp_path / "report.md").read_text()
    assert f"| LL1 | 32x32 | {coarse['kurtosis']:.3g} |" in report
    assert "](analysis.png)" in report
    assert (tmp_path / "analysis.png").stat().st_size > 10_000


def test_a_trained_pipeline_measures_its_own_bands(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wavegen.analysis.evidence.calls_without_y", lambda *_: 4)
    pipe = tiny("mscgm-joint")
    pipe.norm.low_scale.fill_(4.0)
    pipe.norm.low_mean.fill_(1.0)
    pipe.save_pretrained(tmp_path / "model")
    code, out, err = run(capsys, tmp_path / "model", "--data", "white-noise,size=64", "--images", "4", "--json")
    assert code == 0, err
    (found,) = json.loads(out)["results"]
    assert found["transform"].startswith("haar,levels=1")
    image, coarse = found["low"]  # an orthonormal LL of white noise: twice the mean, the same scale
    np.testing.assert_allclose(coarse["scale"], image["scale"] / 4, rtol=0.05)
    np.testing.assert_allclose(coarse["mean"], (2 * image["mean"] - 1) / 4, atol=0.01)


def test_a_folder_of_images(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wavegen.analysis.evidence.calls_without_y", lambda *_: 4)
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 255, (40, 32), dtype=np.uint8)).save(tmp_path / "a.png")
    code, out, err = run(capsys, tmp_path, "--levels", "1")
    assert code == 0, err
    assert "one image: no intervals" in out
    Image.fromarray(np.full((40, 32), 7, np.uint8)).save(tmp_path / "b.png")
    code, out, err = run(capsys, tmp_path, "--levels", "2")
    assert code == 0, err
    assert "1 constant crop(s) left out" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nanobeeds",), "nanobeads"),
        (("white-nois",), "white-noise"),
        (("white-noise,colour=3",), "no option 'colour'"),
        (("white-noise,size=big",), "from 16 to 4096"),
        ((DATA, "--levels", "4"), "at most 3 level(s)"),
        ((DATA, "--transform", "hear"), "haar"),
        ((DATA, "--data", "hela"), "leave one of them out"),
        (("mscgm-hela",), "give the data set with --data"),
        (("mscgm-hela", "--data", DATA, "--levels", "1"), "leave them out"),
    ],
)
def test_wrong_wishes_are_refused(capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], message: str) -> None:
    code, out, err = run(capsys, *arguments)
    assert code == 2, err
    assert err.count("\n") == 1
    assert message in err
    assert out == ""
