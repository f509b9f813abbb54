"""Result files that cannot be reported on are refused by one line that says why."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from result_files import ABOUT, TIMES, row, rows, write

from wavegen.cli import main
from wavegen.core.errors import InputError
from wavegen.reports import read_study
from wavegen.reports.blocks import Table, Text
from wavegen.reports.pack import pack
from wavegen.reports.portable import portable
from wavegen.reports.sections import scores


def run(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[Any, str, str]:
    with pytest.raises(SystemExit) as done:
        main(["report", *(str(argument) for argument in arguments)])
    return done.value.code, *capsys.readouterr()


def test_several_runs_are_one_study(tmp_path: Path) -> None:
    first = write(tmp_path / "first", rows()[:5], TIMES[:2])
    second = write(tmp_path / "second", rows()[4:], [{**TIMES[0], "ms_batch_1": 99.0}, TIMES[2]])
    study = read_study([first, second / "results.json"])
    assert study.name == "first and second"
    assert list(study.rows) == rows()  # the row that both have is one
    assert list(study.times) == TIMES  # of the first that has it
    assert len(study.about) == 2


def test_files_of_other_data_do_not_join(tmp_path: Path) -> None:
    files = [write(tmp_path / "a", rows()), write(tmp_path / "b", rows(), data={"name": "hela"})]
    with pytest.raises(InputError, match=r"b/results.json and .*a/results.json are of different data: data"):
        read_study(files)
    with pytest.raises(InputError, match="different data: scale 'luma' is not 'target'"):
        read_study([files[0], write(tmp_path / "c", rows(), scale="luma")])
    moved = write(tmp_path / "d", rows(), data={"name": "pairs", "index": "/elsewhere/index.csv"})
    assert len(read_study([files[0], moved]).about) == 2  # the same data in another place


def test_two_scores_of_one_row_do_not_join(tmp_path: Path) -> None:
    files = [write(tmp_path / "a", [row("unet", 1, 0, 25.0)]), write(tmp_path / "b", [row("unet", 1, 0, 26.0)])]
    with pytest.raises(InputError, match="different scores of unet, 1 at eta 1, seed 0"):
        read_study(files)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "not JSON"),
        ("[1]", "is not a file of results"),
        ("\udcff", "not JSON"),
        ({"rows": [row("unet", 1, 0, 25.0)]}, "lacks 'about'"),
        ({"about": {}, "rows": [row("unet", 1, 0, 25.0)]}, "lacks 'about'"),
        ({"about": [], "rows": [row("unet", 1, 0, 25.0)]}, "lacks 'about'"),
        ({"about": ABOUT, "rows": []}, "has no rows"),
        ({"about": ABOUT}, "has no rows"),
        ({"about": ABOUT, "rows": [3]}, "row 1 of .* is not a record"),
        ({"about": ABOUT, "rows": [row("a", 1, 0, 25.0), {"system": "b"}]}, "row 2 of .* lacks 'steps'"),
        ({"about": ABOUT, "rows": [{**row("a", 1, 0, 25.0), "ssim": None}]}, r"row 1 .*\(a, 1 at eta 1\) has no ssim"),
        ({"about": ABOUT, "rows": [{**row("a", 1, 0, 25.0), "psnr": float("nan")}]}, "has no psnr"),
        ({"about": ABOUT, "rows": [row("a", 1, 0, 25.0)], "times": 3}, "times that are no list"),
    ],
)
def test_bad_files_are_refused(content: Any, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = content if isinstance(content, str) else json.dumps(content)
    (tmp_path / "results.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(InputError, match=message):
        read_study([tmp_path])
    code, _, err = run(capsys, tmp_path, "--out", tmp_path / "report")
    assert code == 2
    assert len(err.strip().splitlines()) == 1
    assert not (tmp_path / "report").exists()


def test_missing_files_and_wrong_options(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write(tmp_path / "run", rows(), TIMES)
    for arguments, message in (
        ((tmp_path / "nothing", "--out", tmp_path / "r"), "no results in"),
        ((tmp_path, "--out", tmp_path / "r"), "no results in"),
        ((folder,), "with --out DIR, --pack FILE or both"),
        ((), "with --out DIR, --pack FILE or both"),
        ((folder, "--docs", tmp_path), "leave RESULTS and other options out"),
        ((folder, "--out", tmp_path / "r", "--against", "hybrid"), "no row 'hybrid' in run"),
        (("--docs", tmp_path), "no templates"),
    ):
        code, _, err = run(capsys, *arguments)
        assert code == 2, arguments
        assert message in err
    assert not (tmp_path / "r").exists()


def test_the_command_writes_and_prints(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write(tmp_path / "run", rows(), TIMES)
    code, out, err = run(capsys, folder, "--out", tmp_path / "report", "--pack", tmp_path / "kept.json")
    assert code == 0, err
    assert "| hybrid, 1 at eta 1 | 1, 8 |" in out
    assert {p.name for p in (tmp_path / "report").iterdir()} >= {"report.html", "report.md"}
    assert read_study([tmp_path / "kept.json"]).about[0]["date"] == "2026-01-02"


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("/home/me/data/index.csv", "index.csv"),
        ("a --root /home/me/data --out out/x", "a --root data --out out/x"),
        ("pairs,index=/data/w2s/index.csv,split=train", "pairs,index=index.csv,split=train"),
        ("python recipes/benchmark.py", "python recipes/benchmark.py"),
        ("tcp://127.0.0.1:8786/x/y", "tcp://127.0.0.1:8786/x/y"),
        ("../data/a.csv and S/v", "../data/a.csv and S/v"),
    ],
)
def test_paths_of_a_machine_are_shortened(text: str, short: str) -> None:
    assert portable({"a": [text, 1, None]}) == {"a": [short, 1, None]}


def test_images_without_a_score_are_named_in_reports_and_packed_files(tmp_path: Path) -> None:
    left_out = {"psnr": {"infinite": ["0.tif", "1.tif"]}, "ssim": {"undefined": ["2.tif"]}}
    made = rows()
    made[0] = {**made[0], "psnr": None, "left_out": left_out}
    study = read_study([write(tmp_path / "run", made)])
    assert study.rows[0]["left_out"] == left_out
    lines = [block.text for block in scores(study) if isinstance(block, Text)]
    assert lines == [
        "input: PSNR: without 2 of 8 images (0.tif, 1.tif), "
        "whose score is infinite, as where an image equals its target.",
        "input: SSIM: without 1 of 8 images (2.tif), whose score is not defined, as where a target is constant.",
    ]
    pack(study, tmp_path / "packed.json")
    assert read_study([tmp_path / "packed.json"]).rows[0]["left_out"] == left_out


@pytest.mark.parametrize("wrong", ["x", {"psnr": 1}, {"psnr": {"infinite": "a"}}, {"psnr": {"infinite": [1]}}])
def test_a_wrong_list_of_images_is_refused(tmp_path: Path, wrong: Any) -> None:
    with pytest.raises(InputError, match=r"row 1 of .*: left_out must hold, by metric and reason, names of images"):
        read_study([write(tmp_path / "run", [{**rows()[0], "left_out": wrong}])])


def test_a_reference_without_an_error_is_no_measure_of_spreads(tmp_path: Path) -> None:
    made = [row("exact", 1, 0, 99.0, rmse=0.0), row("hybrid", 4, 0, 25.0, rmse=0.1, spread=0.05, spread_skill=0.9)]
    study = read_study([write(tmp_path / "run", made, reference="exact")])
    (table,) = (block for block in scores(study) if isinstance(block, Table))
    assert "hybrid, 4 at eta 1" in [line[0] for line in table.rows]
