"""Guards which images a screen trains on and judges by, where they are files."""

from __future__ import annotations

from pathlib import Path

import torch

from wavegen.experiments.studies.screening import Images
from wavegen.io import write_image


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
