"""Peers: exported pairs are what the systems see, rows have the benchmark's columns, and what is missing is skipped."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from runs_of_recipes import run_here
from torch import nn

from benchmarks.peers import PEERS, run, run_peers, worker
from wavegen import InputError, Pipeline
from wavegen.experiments import images_of

pytest.importorskip("diffusers")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A smoke run of diffusers in its own process; the others are not there."""
    out = tmp_path_factory.mktemp("peers")
    bare = out / "bare"  # an interpreter that has no libraries
    bare.write_text(f'#!/bin/sh\nexec "{sys.executable}" -S -E "$@"\n')
    bare.chmod(0o755)
    pythons = {"careamics": bare, "deepinv": out / "nothing"}
    run_peers("nanobeads", out, profile="smoke", pythons=pythons)
    return out


def rows(out: Path) -> dict[str, list[dict[str, object]]]:
    found = json.loads((out / "peers.json").read_text())["rows"]
    return {name: [row for row in found if row["peer"] == name] for name in PEERS}


def test_rows_have_the_columns_of_the_benchmark(folder: Path) -> None:
    made = rows(folder)["diffusers"]
    assert [row["steps"] for row in made] == [4, 50]
    needed = {
        "system",
        "steps",
        "eta",
        "key",
        "solver",
        "seed",
        "model",
        "parameters",
        "minutes",
        "training_steps",
        "s",
    }
    needed |= {"s_over_v", "images", "psnr", "ssim", "spread", "crps", "nfe", "ms_batch_1", "ms_batch_8"}
    for row in made:
        assert row.keys() >= needed
        assert row["nfe"] == row["steps"]
        assert row["training_steps"] == 3
        assert 0 < float(str(row["psnr"])) < 60
        assert float(str(row["ms_batch_1"])) > 0


def test_peers_have_as_many_parameters_as_they_are_told() -> None:
    job = {"parameters": 100}
    made = worker.sized(job, lambda width: nn.Linear(width, 4), range(1, 60))  # type: ignore[arg-type]
    assert sum(p.numel() for p in made.parameters()) == 100


def test_what_is_missing_is_skipped_with_the_reason(folder: Path) -> None:
    found = rows(folder)
    assert "careamics==" in str(found["careamics"][0]["skipped"])
    assert "does not run" in str(found["deepinv"][0]["skipped"])


def test_pairs_are_in_network_units(folder: Path) -> None:
    plan = run.comparison("nanobeads", "smoke")
    pipe, test = Pipeline.from_config(plan.systems["unet"]), images_of(plan)
    exported = np.load(folder / "peers" / "pairs" / "test.npy")
    assert exported.shape == (2, 1, 64, 64)
    for i in range(2):
        torch.testing.assert_close(torch.from_numpy(exported[i]), pipe.normalise(test[i]).y)


def test_restorations_are_scored_in_the_images_own_units(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The truth in network units scores as a perfect restoration."""
    from wavegen.inference.evaluate import Scorer

    plan = run.comparison("nanobeads", "smoke")
    pipe, test = Pipeline.from_config(plan.systems["unet"]), images_of(plan)
    perfect = torch.stack([pipe.normalise(test[i]).x for i in range(2)])[None]
    np.save(folder / "perfect.npy", perfect.numpy())
    monkeypatch.setattr(run, "_file", lambda out, name, walk: folder / "perfect.npy")
    walk = {"steps": 1, "images": 2, "samples": 1, "ms_batch_1": 1.0, "ms_batch_8": 1.0}
    record = {"walks": [walk], "library": "x", "parameters": 1, "core_seconds": 1.0, "training_steps": 1}
    (row,) = run._rows("deepinv", record, folder, test, plan, Scorer(perceptual=False))
    assert row["psnr"] > 100
    assert row["rmse"] < 1e-5


def test_nothing_is_done_twice_and_other_options_are_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = rows(folder)["diffusers"]
    stamp = (folder / "peers" / "diffusers" / "restored-4.npy").stat().st_mtime_ns
    run_peers("nanobeads", folder, profile="smoke", only=["diffusers"])
    assert not capsys.readouterr().err
    assert rows(folder)["diffusers"] == before
    assert (folder / "peers" / "diffusers" / "restored-4.npy").stat().st_mtime_ns == stamp
    with pytest.raises(InputError, match="holds a run with other options"):
        run_peers("hela", folder, profile="smoke", only=["diffusers"])
    with pytest.raises(InputError, match=r"no peer 'diffuser'.*diffusers"):
        run_peers("hela", folder, only=["diffuser"])


def test_pairs_of_other_data_are_refused(tmp_path: Path) -> None:
    plan, other = (run.comparison(data, "smoke") for data in ("nanobeads", "hela"))
    run._export(plan, tmp_path, images_of(plan))
    stamp = (tmp_path / "peers" / "pairs" / "x.npy").stat().st_mtime_ns
    run._export(plan, tmp_path, images_of(plan))
    assert (tmp_path / "peers" / "pairs" / "x.npy").stat().st_mtime_ns == stamp
    with pytest.raises(InputError, match="holds pairs of other data"):
        run._export(other, tmp_path, images_of(other))


def test_crops_are_the_same_part_of_both_images() -> None:
    x = np.random.default_rng(0).random((3, 1, 20, 24), dtype=np.float32)
    job = {"crop": 8, "batch": 6}
    a, b = worker.crops(job, x, 2 * x, np.random.default_rng(1))
    assert a.shape == (6, 1, 8, 8)
    torch.testing.assert_close(b, 2 * a)
    assert len({float(item.sum()) for item in a}) == 6


def test_the_loop_learns_and_averages() -> None:
    torch.manual_seed(0)
    y = np.random.default_rng(0).random((4, 1, 16, 16), dtype=np.float32)
    network = torch.nn.Conv2d(1, 1, 1)
    job = {"crop": 8, "batch": 4, "seed": 0, "steps": 900, "minutes": None}
    trained, seconds, steps = worker.loop(job, network, lambda a, b: (network(b) - a).square().mean(), 2 * y + 1, y)
    assert steps == 900
    assert seconds > 0
    torch.testing.assert_close(trained(torch.zeros(1, 1, 1, 1)).detach(), torch.ones(1, 1, 1, 1), rtol=0, atol=0.1)


def test_the_recipe_refuses_what_it_cannot_read(tmp_path: Path) -> None:
    done = run_here("peers.py", "--out", str(tmp_path), "--python", "careamics")
    assert done.returncode == 2
    assert "give PEER=PATH" in done.stderr
