"""``wavegen bench degradations``: what it prints, and how it answers a wrong folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from wavegen.cli import main


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as done:
        main(["bench", "degradations", *arguments])
    return int(done.value.code or 0)


def test_figures_hold_what_the_documentation_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--json", "--figure", str(tmp_path / "new" / "all.png")) == 0
    figures = json.loads(capsys.readouterr().out)
    assert len(figures["fwhm"]) == 13
    assert all(abs(row["error_percent"]) < 2 for row in figures["fwhm"])
    assert abs(figures["camera"]["slope_error_percent"]) < 2
    assert figures["camera"]["worst_variance_error_percent"] < 2
    assert {"widefield", "mask", "downsample", "chain"} <= {row["model"] for row in figures["adjoint"]}
    assert all(row["error"] < 1e-5 for row in figures["adjoint"])
    assert figures["set5_bicubic_x4_db"] is None
    assert 10_000 < (tmp_path / "new" / "all.png").stat().st_size < 200_000


def test_wrong_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--data", str(tmp_path)) == 2
    assert "sr/set5/hr/*.png" in capsys.readouterr().err
