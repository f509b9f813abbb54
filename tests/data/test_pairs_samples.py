"""Pairs from two folders or a table: what belongs together, and one clear line for what does not."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from wavegen.core.errors import InputError
from wavegen.core.registry import build
from wavegen.data import Pairs, microscope_sample
from wavegen.io import write_image


def fill(folder: Path, names: list[str], shape: tuple[int, ...] = (4, 5), value: int = 1) -> str:
    folder.mkdir(exist_ok=True)
    for k, name in enumerate(names):
        write_image(folder / name, np.full(shape, value + k, dtype=np.uint8))
    return str(folder)


def test_folders_are_matched_by_name(tmp_path: Path) -> None:
    x = fill(tmp_path / "x", ["b.tif", "a.png"])
    y = fill(tmp_path / "y", ["a.tif", "b.png"], value=10)
    (tmp_path / "x" / "README.txt").write_text("not an image")
    dataset = build("dataset", {"name": "pairs", "x": x, "y": y})
    assert len(dataset) == 2
    target, source = dataset[0]
    torch.testing.assert_close(target, torch.full((1, 4, 5), 2.0))
    torch.testing.assert_close(source, torch.full((1, 4, 5), 10.0))


def test_table_with_filters(tmp_path: Path) -> None:
    fill(tmp_path / "t", ["1.tif", "2.tif", "3.tif"])
    fill(tmp_path / "i", ["1.tif", "2.tif"], value=10)
    table = tmp_path / "index.csv"
    table.write_text(
        "id,dataset,split,input,target\n"
        "1,beads,train,i/1.tif,t/1.tif\n2,beads,test,i/2.tif,t/2.tif\n3,beads,test,,t/3.tif\n"
    )
    assert len(Pairs(index=str(table))) == 2
    held = Pairs(index=str(table), split="test", dataset="beads")
    assert len(held) == 1
    torch.testing.assert_close(held[0].y, torch.full((1, 4, 5), 11.0))
    with pytest.raises(InputError, match="did you mean 'test'"):
        Pairs(index=str(table), split="tset")
    table.write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match="no rows with input, target"):
        Pairs(index=str(table))
    with pytest.raises(InputError, match=r"none\.csv: there is no such file"):
        Pairs(index=str(tmp_path / "none.csv"))


def test_folders_that_do_not_match_are_refused(tmp_path: Path) -> None:
    x = fill(tmp_path / "x", ["a.tif", "b.tif"])
    with pytest.raises(InputError, match="not a folder"):
        Pairs(x=x, y=str(tmp_path / "missing"))
    with pytest.raises(InputError, match="holds no images"):
        Pairs(x=x, y=fill(tmp_path / "empty", []))
    with pytest.raises(InputError, match=r"no partner .* b\.tif"):
        Pairs(x=x, y=fill(tmp_path / "one", ["a.tif"]))
    with pytest.raises(InputError, match=r"c\.tif, d\.tif, e\.tif and 1 more"):
        Pairs(x=x, y=fill(tmp_path / "more", [f"{c}.tif" for c in "abcdef"]))
    with pytest.raises(InputError, match=r"a\.tif \(1, 4, 5\) and a\.tif \(1, 4, 6\)"):
        Pairs(x=x, y=fill(tmp_path / "wide", ["a.tif", "b.tif"], (4, 6)))
    with pytest.raises(InputError, match="share a name"):
        Pairs(x=x, y=fill(tmp_path / "twice", ["a.tif", "a.png"]))
    mixed = fill(tmp_path / "mixed", ["a.tif"])
    fill(tmp_path / "mixed", ["b.tif"], (3, 4, 5))
    with pytest.raises(InputError, match=r"1 channel\(s\), unlike b\.tif"):
        Pairs(x=mixed, y=mixed)
    for wrong in ({}, {"x": x}, {"x": x, "y": x, "index": "t.csv"}, {"x": x, "y": x, "split": "test"}):
        with pytest.raises(InputError, match="two folders"):
            Pairs(**wrong)


def test_the_sample_is_a_real_picture() -> None:
    image = microscope_sample()
    assert image.pixels.shape == (1, 512, 512)
    assert image.pixels.dtype == np.uint8
    assert image.pixels.std() > 20
    assert "bright-field" in image.metadata["description"]


def test_missing_sample_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "skimage", None)
    with pytest.raises(InputError, match=r'needs the package skimage.*pip install "wavegen\[eval\]"'):
        microscope_sample()
