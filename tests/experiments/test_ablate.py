"""Running grids: once, again, after failures, on a full disk, over damaged files."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from grids import BRIDGE, grid, in_this_process, trained
from PIL import Image

from wavegen.cli import main
from wavegen.core.errors import InputError
from wavegen.experiments import ablate, compare, read_grid
from wavegen.experiments.engine import execution, runs
from wavegen.experiments.engine.grids import overview, prepare_grid
from wavegen.experiments.engine.training import train_one
from wavegen.training import state

FILES = ("results.csv", "results.json", "table.md", "grid.json")


@pytest.fixture
def _here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "connected", in_this_process)


def contents(out: Path) -> dict[str, bytes]:
    return {name: (out / name).read_bytes() for name in FILES}


@contextmanager
def nowhere(scheduler: str, workers: int) -> Iterator[Any]:
    raise AssertionError("there is nothing to do")
    yield


@pytest.mark.usefixtures("_here")
def test_a_grid_is_run_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made = ablate(read_grid(grid(classical=["input"])), tmp_path)
    assert not made.failed
    assert "[3 of 3 done, 0 running, 0 failed] done bridge.s=0.2, seed 0" in capsys.readouterr().err
    assert [(r["system"], r["steps"], r["nfe"]) for r in made.rows[1:]] == [
        (f"bridge.s={s}", n, n) for s in (0.1, 0.2) for n in (1, 2)
    ]
    assert [(r.get("bridge.s"), r.get("sampler.steps")) for r in made.rows] == [
        (None, None), (0.1, 1), (0.1, 2), (0.2, 1), (0.2, 2)
    ]  # fmt: skip
    assert len(trained(tmp_path)) == 2
    with Image.open(tmp_path / "figure.png") as strip:
        assert strip.width > 400  # input, two systems, truth
    before, times = contents(tmp_path), trained(tmp_path)
    monkeypatch.setattr(runs, "connected", nowhere)
    monkeypatch.setattr(runs, "about", lambda plan: {"date": "2099-01-01", "plan": plan.model_dump(mode="json")})
    assert ablate(read_grid(grid(classical=["input"])), tmp_path).rows == made.rows
    assert contents(tmp_path) == before
    assert trained(tmp_path) == times
    header, *lines = before["results.csv"].decode().splitlines()
    assert header.endswith("bridge.s,sampler.steps")
    assert len(lines) == 5


@pytest.mark.usefixtures("_here")
def test_a_grid_that_grows_does_what_is_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = {"command": "first"}
    monkeypatch.setattr(runs, "about", lambda plan: {**said, "plan": plan.model_dump(mode="json")})
    first = ablate(read_grid(grid(vary={"bridge.s": [0.1]}, rows=[{"steps": 1}])), tmp_path)
    times = trained(tmp_path)
    capsys.readouterr()
    more = read_grid(grid(vary={"bridge.s": [0.1, 0.2]}, rows=[{"steps": 1}, {"steps": 2}]))
    said["command"] = "second"
    grown = ablate(more, tmp_path)
    assert len(grown.rows) == 4
    assert grown.rows[0] == first.rows[0]
    assert json.loads((tmp_path / "results.json").read_text())["about"]["command"] == "first\nsecond"
    assert trained(tmp_path).items() > times.items()
    with pytest.raises(InputError, match=r"another grid \(another systems"):
        ablate(read_grid(grid(vary={"bridge.s": [0.2]}, rows=[{"steps": 1}])), tmp_path)
    with pytest.raises(InputError, match=r"another grid \(another training"):
        ablate(more.model_copy(update={"training": more.training.model_copy(update={"steps": 4})}), tmp_path)
    assert len(trained(tmp_path)) == 2


@pytest.mark.usefixtures("_here")
def test_a_failed_run_is_named_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(plan: Any, out: Path, system: str, seed: int) -> None:
        if system == "bridge.s=0.1":
            raise InputError("training diverged at step 2")
        train_one(plan, out, system, seed)

    file = tmp_path / "my.yaml"
    file.write_text(yaml.safe_dump(grid()))

    def run() -> tuple[Any, str]:
        with pytest.raises(SystemExit) as done:
            main(["ablate", str(file), "--out", str(tmp_path / "out")])
        return done.value.code, capsys.readouterr().err

    with monkeypatch.context() as patch:
        patch.setattr(execution, "train_one", fails)
        code, err = run()
    assert code == 3
    assert "1 failed] FAILED bridge.s=0.1, seed 0: training diverged at step 2" in err
    rows = json.loads((tmp_path / "out" / "results.json").read_text())["rows"]
    assert {row["system"] for row in rows} == {"bridge.s=0.2"}
    times = trained(tmp_path / "out")
    code, err = run()
    assert code == 0
    assert "bridge.s=0.2" not in err
    assert times.items() < trained(tmp_path / "out").items()
    assert len(json.loads((tmp_path / "out" / "results.json").read_text())["rows"]) == 4


@pytest.mark.usefixtures("_here")
def test_an_interrupted_run_goes_on_from_its_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped at its third checkpoint of five: the first step that is done again is the one after it."""
    training = {"steps": 5, "batch": 2, "crop": 32, "warmup": 1, "checkpoint_every": 1}
    plan = read_grid(grid(vary={"sampler.steps": [1]}, training=training))
    saved: list[int] = []
    save = state.save

    def stopping(path: Path, modules: Any, optimizers: Any, ema: Any, progress: Any, *rest: Any) -> None:
        save(path, modules, optimizers, ema, progress, *rest)
        saved.append(progress.step)
        if saved == [1, 2, 3]:
            raise InputError("the power is gone")

    monkeypatch.setattr(state, "save", stopping)
    assert [str(error) for error in ablate(plan, tmp_path / "a").failed.values()] == ["the power is gone"]
    assert [line[1] for line in overview(prepare_grid(plan, tmp_path / "a"))] == ["interrupted"]
    again = ablate(plan, tmp_path / "a")
    assert saved[3:] == [4, 5, 5]  # the last is the end's
    monkeypatch.setattr(state, "save", save)
    whole = ablate(plan, tmp_path / "b")
    assert [row["model"] for row in again.rows] == [row["model"] for row in whole.rows]


@pytest.mark.usefixtures("_here")
def test_damaged_files_are_named_and_nothing_done_is_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = read_grid(grid())
    ablate(plan, tmp_path)
    before, times = contents(tmp_path), trained(tmp_path)
    run = tmp_path / "runs" / "bridge.s=0.1-seed0"
    for file in (run / "scores.json", run / "run.json", tmp_path / "results.json", tmp_path / "grid.json"):
        kept = file.read_bytes()
        for broken in (b'{"rows": [', b"[]", b"\xff\xfe"):
            file.write_bytes(broken)
            with pytest.raises(InputError, match=rf"{file.name}(:| is) "):
                ablate(plan, tmp_path)
        file.unlink()
        ablate(plan, tmp_path)
        assert contents(tmp_path) == before
        assert trained(tmp_path) == times
        assert file.exists() or file.name == "run.json"
        file.write_bytes(kept)
    for broken in ("{", '{"rows": 3}', '{"rows": [1]}'):
        (tmp_path / "times.json").write_text(broken)
        with pytest.raises(InputError, match=r"times\.json(:| is) "):
            ablate(plan, tmp_path)
    (tmp_path / "times.json").unlink()
    (tmp_path / "results.json").write_text('{"about": [1], "rows": []}')
    with pytest.raises(InputError, match=r"results\.json(:| is) "):
        ablate(plan, tmp_path)


@pytest.mark.usefixtures("_here")
def test_a_folder_holds_one_grid_or_one_comparison(tmp_path: Path) -> None:
    plan, other = read_grid(grid(vary={})), read_grid(grid(vary={}, test_images=3))
    ablate(plan, tmp_path / "grid")
    with pytest.raises(InputError, match="holds a grid"):
        compare(plan, tmp_path / "grid")
    compare(plan, tmp_path / "compared", jobs=1)
    with pytest.raises(InputError, match=r"another grid \(another test_images\)"):
        ablate(other, tmp_path / "compared")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"training": {"steps": 3, "crop": 128}}, "crop 128: the training images have 64 x 64"),
        ({"base": {**BRIDGE, "channels": 3}}, "channels = 3, and the images have 1"),
    ],
)
def test_images_that_do_not_fit_are_refused_before_any_work(
    wrong: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=message):
        ablate(read_grid(grid(vary={}, **wrong)), tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("_here")
def test_a_full_disk_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = read_grid(grid(vary={"sampler.steps": [1]}))
    replace = os.replace

    def full(source: Any, target: Any) -> None:
        if Path(target).name in ("results.json", "scores.json"):
            raise OSError(errno.ENOSPC, "No space left on device")
        replace(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", full)
        with pytest.raises(InputError, match="No space left"):
            ablate(plan, tmp_path)
    times = trained(tmp_path)
    assert len(times) == 1
    assert not list(tmp_path.rglob("*.part"))
    assert len(ablate(plan, tmp_path).rows) == 1
    assert trained(tmp_path) == times


def test_a_scheduler_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wavegen.experiments.engine.dispatch.SECONDS", 1)
    for address in ("tcp://127.0.0.1:9", "nonsense", "x://y:1"):
        with pytest.raises(InputError, match="no scheduler answers at"):
            ablate(read_grid(grid()), tmp_path, scheduler=address)
    assert not trained(tmp_path)


def test_wrong_grids_cost_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "my.yaml"
    for text in ("a: [", "- 1", yaml.safe_dump(grid(vary={"bridge.s": [-1]}))):
        file.write_text(text)
        with pytest.raises(SystemExit) as done:
            main(["ablate", str(file), "--out", str(tmp_path / "out")])
        assert done.value.code == 2
        err = capsys.readouterr().err
        assert len(err.strip().splitlines()) == 1
        assert "my.yaml" in err
    file.write_text(yaml.safe_dump(grid()))
    with pytest.raises(SystemExit) as done:
        main(["ablate", str(file), "--out", str(tmp_path / "out"), "--dry-run"])
    assert done.value.code == 0
    out = capsys.readouterr().out
    assert "bridge.s=0.1, seed 0" in out
    assert "to do" in out
    assert not (tmp_path / "out").exists()
