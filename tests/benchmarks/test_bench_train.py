"""The training benchmark: every loop does the same task and is told apart only by how."""

from __future__ import annotations

import json
from importlib.util import find_spec
from typing import Any

import pytest
import torch

from benchmarks.train import DIFFUSERS, LOOPS, Task, _pipeline, _run, bench_train, diffusers_unet
from wavegen.cli import main
from wavegen.core.errors import InputError

TINY = Task(data="nanobeads", steps=15, batch=2, crop=32, pool=2, size=64, width=8, multipliers=(1, 2))


def options(**changes: Any) -> dict[str, Any]:
    return {**vars(TINY), **changes}


@pytest.mark.parametrize("loop", [name for name in LOOPS if "compile" not in name])
def test_every_loop_trains(loop: str) -> None:
    if loop == DIFFUSERS and find_spec("diffusers") is None:
        assert "not installed" in _run(loop, options())["skipped"]
        return
    row = _run(loop, options())
    assert row["images_per_second"] > 0
    assert row["peak_mb"] >= 0
    assert 0 < row["final_loss"] < 1
    network = sum(p.numel() for p in _pipeline(TINY).coarse.parameters())
    assert row["parameters"] == pytest.approx(network, rel=0.25)


def test_loops_of_one_precision_learn_the_same() -> None:
    """Weights, crops, optimiser, rates and loss are the same, so that a faster loop is not one that learns less."""
    losses = [_run(loop, options(steps=60))["final_loss"] for loop in ("plain loop, float32", "wavegen fit, float32")]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


def test_the_reference_has_as_many_parameters() -> None:
    pytest.importorskip("diffusers")
    task = Task()
    ours, theirs = (sum(p.numel() for p in net.parameters()) for net in (_pipeline(task).coarse, diffusers_unet(task)))
    assert theirs == pytest.approx(ours, rel=0.1)


def test_the_command_prints_figures(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["bench", "train", "--data", "nanobeads", "--steps", "15", "--batch", "1", "--crop", "16"]
    with pytest.raises(SystemExit) as done:
        main([*arguments, "--width", "4", "--only", "plain loop, float32", "--json"])
    assert done.value.code == 0
    found = json.loads(capsys.readouterr().out)
    assert found["torch"] == torch.__version__
    assert [row["loop"] for row in found["rows"]] == ["plain loop, float32"]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (["--only", "plain lop, float32"], "unknown loop.*did you mean 'plain loop, float32'"),
        (["--steps", "3"], "steps = 3: give at least 15"),
        (["--batch", "0"], "--batch 0: give 1 or more"),
        (["--data", "hella"], "unknown dataset 'hella'; did you mean 'hela'"),
    ],
)
def test_wrong_options_are_refused(wrong: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as done:
        main(["bench", "train", *wrong])
    assert done.value.code == 2
    error = capsys.readouterr().err
    assert len(error.strip().splitlines()) == 1
    with pytest.raises(InputError, match=message):
        raise InputError(error)


def test_unknown_loops_are_refused_before_any_work() -> None:
    with pytest.raises(InputError, match="unknown loop"):
        bench_train(TINY, ("fast loop",))
