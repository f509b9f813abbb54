"""Screens of training settings: what they train, time, keep and refuse, and which images they take."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch

from wavegen.core.errors import InputError
from wavegen.experiments.studies import screening
from wavegen.experiments.studies.screening import Images, screen
from wavegen.io import write_image

SMALL: dict[str, Any] = {"batch": 1, "crop": 32}
SETTINGS = {"plain": SMALL, "adam": {**SMALL, "optimizer": {"name": "adamw"}}}
SIZE: dict[str, Any] = {"minutes": 0.001, "pool": 2, "size": 64, "images": 2, "jobs": 1}


def test_a_screen_trains_and_judges_every_setting_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(screening, "ProcessPoolExecutor", lambda jobs, mp_context: ThreadPoolExecutor(jobs))
    monkeypatch.setattr(screening, "ROUNDS", 1)
    one = screen(["mscgm-fidelity"], SETTINGS, tmp_path, only=["adam"], **SIZE)
    assert [row["setting"] for row in one] == ["adam"]

    def trained_again(*given: Any, **options: Any) -> None:
        raise AssertionError("this run is done")

    both = screen(["mscgm-fidelity"], SETTINGS, tmp_path, **SIZE)
    monkeypatch.setattr(screening, "fit", trained_again)
    monkeypatch.setattr(screening, "StepTimer", trained_again)
    assert screen(["mscgm-fidelity"], SETTINGS, tmp_path, **SIZE) == both
    assert {row["setting"]: row["training"] for row in both} == SETTINGS
    assert both[1] == one[0]
    assert all(math.isfinite(row["psnr"]) and row["steps"] == max(1, round(60 / row["ms"])) for row in both)


def test_a_setting_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no setting 'plan'; did you mean 'plain'"):
        screen(["mscgm-fidelity"], SETTINGS, tmp_path / "out", only=["plan"], **SIZE)
    assert not (tmp_path / "out").exists()


def test_files_are_held_out_whatever_the_number_of_training_images(tmp_path: Path) -> None:
    for folder in ("x", "y"):
        (tmp_path / folder).mkdir()
        for i in range(12):
            write_image(tmp_path / folder / f"{'abcdefghijkl'[i]}.tif", torch.full((1, 8, 8), float(i)).numpy(), {})
    spec = {"name": "pairs", "x": str(tmp_path / "x"), "y": str(tmp_path / "y")}
    judged, seen = set(), []
    for pool in (2, 5, 99):
        images = Images(spec, pool, 3)
        parts = [images.part(split, tmp_path) for split in ("validation", "train")]
        held, used = ({int(part[i].x[0, 0, 0]) for i in range(len(part))} for part in parts)
        assert not held & used
        judged.add(frozenset(held))
        seen.append(used)
    assert len(judged) == 1
    assert [len(used) for used in seen] == [2, 5, 9]
    assert seen[0] < seen[1] < seen[2]


def test_names_tell_pools_apart() -> None:
    labels = [
        Images("hela").label,
        Images("hela", 4).label,
        Images({"name": "pairs", "dataset": "w2s"}, 12, 3, 64).label,
    ]
    assert labels == ["hela", "hela-4", "w2s-12-64px"]
