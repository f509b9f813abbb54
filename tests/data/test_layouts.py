"""Published layouts, rebuilt in miniature: how files are paired, and the message for a layout that does not fit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image as Pillow

from wavegen.core.errors import InputError
from wavegen.core.registry import build
from wavegen.data import FilePairs, Pairs
from wavegen.data.files import enlarged
from wavegen.io import read_mrc, write_image

RNG = np.random.default_rng(0)


def picture(path: Path, value: int, shape: tuple[int, ...] = (3, 8, 12)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_image(path, np.full(shape, value, np.uint8))


def mrc(path: Path, array: np.ndarray[Any, Any], order: str = "<", extended: int = 0) -> None:
    """As MRC2014 lays files out."""
    path.parent.mkdir(parents=True, exist_ok=True)
    kind = {"int8": 0, "int16": 1, "float32": 2, "uint16": 6}[str(array.dtype)]
    header = np.zeros(256, f"{order}i4")
    header[:4] = (*array.shape[::-1], kind)
    header[23] = extended
    stored = array.astype(array.dtype.newbyteorder(order))
    path.write_bytes(header.tobytes() + b"\7" * extended + stored.tobytes())


def test_div2k(tmp_path: Path) -> None:
    for split, first in (("train", 1), ("valid", 801)):
        for i in range(first, first + 2):
            picture(tmp_path / f"DIV2K_{split}_HR" / f"{i:04d}.png", i % 50, (3, 8, 12))
            picture(tmp_path / f"DIV2K_{split}_LR_bicubic" / "X4" / f"{i:04d}x4.png", i % 50 + 100, (3, 2, 3))
    data = build("dataset", {"name": "div2k", "root": str(tmp_path)})
    assert [x.name for x, _ in data.files] == ["0001.png", "0002.png"]
    assert (data[1].x.shape, data[1].y.shape) == ((3, 8, 12), (3, 8, 12))
    torch.testing.assert_close(data[1].y, torch.full((3, 8, 12), 102.0))
    held = build("dataset", {"name": "div2k", "root": str(tmp_path), "split": "valid", "grid": "input"})
    assert (held[0].x.shape, held[0].y.shape, held.shapes[0]) == ((3, 2, 3), (3, 2, 3), (3, 2, 3))
    with pytest.raises(InputError, match=r"missing DIV2K_train_LR_bicubic/X2; found DIV2K_train_HR/"):
        build("dataset", {"name": "div2k", "root": str(tmp_path), "scale": 2})
    picture(tmp_path / "DIV2K_valid_LR_bicubic" / "X4" / "0801x4.png", 0, (3, 2, 2))
    with pytest.raises(InputError, match=r"0801\.png \(3, 8, 12\) and 0801x4\.png \(3, 2, 2\).*whole factor"):
        build("dataset", {"name": "div2k", "root": str(tmp_path), "split": "valid"})


@pytest.mark.parametrize("above", ["", "train"])
def test_istd(tmp_path: Path, above: str) -> None:
    for part, value in (("A", 10), ("B", 255), ("C", 30)):
        for name in ("1-1", "1-2"):
            picture(tmp_path / above / f"train_{part}" / f"{name}.png", value, (1 if part == "B" else 3, 8, 12))
    data = build("dataset", {"name": "istd", "root": str(tmp_path)})
    assert len(data) == 2
    assert (float(data[0].x.mean()), float(data[0].y.mean())) == (30.0, 10.0)
    assert [path.parent.name for path in data.masks] == ["train_B", "train_B"]
    with pytest.raises(InputError, match=r"not laid out as ISTD: expected the folders test_A, test_B, test_C; missing"):
        build("dataset", {"name": "istd", "root": str(tmp_path), "split": "test"})


def test_lol(tmp_path: Path) -> None:
    for part in ("our485", "eval15"):
        picture(tmp_path / part / "low" / "1.png", 5)
        picture(tmp_path / part / "high" / "1.png", 99)
    for split in ("train", "test"):
        pair = build("dataset", {"name": "lol", "root": str(tmp_path), "split": split})[0]
        assert (float(pair.x.mean()), float(pair.y.mean()), pair.x.shape[0]) == (99.0, 5.0, 3)
    picture(tmp_path / "eval15" / "low" / "2.png", 5)
    with pytest.raises(InputError, match=r"no partner .* 2\.png"):
        build("dataset", {"name": "lol", "root": str(tmp_path), "split": "test"})
    with pytest.raises(InputError, match="found no such folder"):
        build("dataset", {"name": "lol", "root": str(tmp_path / "none")})
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="found nothing"):
        build("dataset", {"name": "lol", "root": str(tmp_path / "empty")})


def test_w2s_pictures(tmp_path: Path) -> None:
    for split, field in (("train", "001"), ("test", "081")):
        for channel in range(3):
            for folder, value, side in (("avg1", 10, 4), ("avg16", 12, 4), ("avg400", 20, 4), ("sim", 30, 8)):
                picture(tmp_path / split / folder / f"{field}_{channel}.png", value + channel, (1, side, side))
    data = build("dataset", {"name": "w2s", "root": str(tmp_path)})
    assert [(x.name, y.parent.name) for x, y in data.files] == [(f"001_{c}.png", "avg1") for c in range(3)]
    assert float(data[2].x.mean()) == 22.0
    one = {"name": "w2s", "root": str(tmp_path), "split": "test", "average": 16, "target": "sim", "channel": 1}
    fine, coarse = (build("dataset", {**one, "grid": grid}) for grid in ("target", "input"))
    assert [x.name for x, _ in fine.files] == ["081_1.png"]
    assert fine[0].y.shape == (1, 8, 8)
    assert coarse[0].x.shape == (1, 4, 4)
    assert (float(fine[0].x.mean()), float(coarse[0].x.mean()), float(fine[0].y.mean())) == (31.0, 31.0, 13.0)


def test_w2s_arrays_are_split_by_field(tmp_path: Path) -> None:
    for folder in ("avg1", "avg400"):
        (tmp_path / folder).mkdir()
        for field in (80, 81, 120):
            np.save(tmp_path / folder / f"{field:03d}_0.npy", np.full((4, 5), field + (folder == "avg1"), np.float64))
    train, test = (build("dataset", {"name": "w2s", "root": str(tmp_path), "split": s}) for s in ("train", "test"))
    assert [x.stem for x, _ in train.files] == ["080_0"]
    assert [x.stem for x, _ in test.files] == ["081_0", "120_0"]
    assert (float(train[0].x.mean()), float(train[0].y.mean())) == (80.0, 81.0)
    np.save(tmp_path / "avg1" / "080_0.npy", np.zeros((2, 4, 5)))
    with pytest.raises(InputError, match=r"080_0\.npy: float64 of shape \(2, 4, 5\)"):
        build("dataset", {"name": "w2s", "root": str(tmp_path)})
    np.save(tmp_path / "avg1" / "080_0.npy", np.array([{}]), allow_pickle=True)
    with pytest.raises(InputError, match="damaged or not a"):
        build("dataset", {"name": "w2s", "root": str(tmp_path)})
    (tmp_path / "avg1" / "080_0.npy").unlink()
    (tmp_path / "avg400" / "080_0.npy").unlink()
    with pytest.raises(InputError, match="no images of split 'train'"):
        build("dataset", {"name": "w2s", "root": str(tmp_path)})


def test_biosr(tmp_path: Path) -> None:
    raw = RNG.integers(0, 4000, (9, 4, 5)).astype(np.uint16)
    sim = RNG.random((1, 8, 10)).astype(np.float32)
    for cell in (1, 2, 40):
        mrc(tmp_path / f"Cell_{cell:03d}" / "RawSIMData_level_03.mrc", raw)
        mrc(tmp_path / f"Cell_{cell:03d}" / "SIM_gt.mrc", sim, ">", 64)
    data = build("dataset", {"name": "biosr", "root": str(tmp_path), "level": 3, "grid": "input"})
    assert len(data) == 3
    torch.testing.assert_close(data[0].y[0], torch.from_numpy(raw.mean(axis=0)).float())
    blocks = sim[0].reshape(4, 2, 5, 2).mean(axis=(1, 3))
    torch.testing.assert_close(data[0].x[0], torch.from_numpy(blocks))
    held = build("dataset", {"name": "biosr", "root": str(tmp_path), "level": 3, "first": 2, "last": 30})
    assert [x.parent.name for x, _ in held.files] == ["Cell_002"]
    assert held[0].y.shape == (1, 8, 10)
    with pytest.raises(
        InputError, match=r"Cell_001 is not laid out as BioSR: expected RawSIMData_level_09\.mrc.*found"
    ):
        build("dataset", {"name": "biosr", "root": str(tmp_path), "level": 9})
    with pytest.raises(InputError, match="none from 3 to 30"):
        build("dataset", {"name": "biosr", "root": str(tmp_path), "level": 3, "first": 3, "last": 30})
    with pytest.raises(InputError, match="expected the folders Cell_001"):
        build("dataset", {"name": "biosr", "root": str(tmp_path / "none")})


def test_biosr_of_the_reticulum(tmp_path: Path) -> None:
    cell = tmp_path / "Cell_001"
    mrc(cell / "RawSIMData" / "RawSIMData_level_02.mrc", RNG.integers(0, 9, (9, 4, 4)).astype(np.int16))
    mrc(cell / "GTSIM" / "GTSIM_level_02.mrc", RNG.random((1, 8, 8)).astype(np.float32))
    data = build("dataset", {"name": "biosr", "root": str(tmp_path), "level": 2})
    assert [path.name for path in data.files[0]] == ["GTSIM_level_02.mrc", "RawSIMData_level_02.mrc"]


@pytest.mark.parametrize("dtype", ["int8", "int16", "float32", "uint16"])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("extended", [0, 128])
def test_mrc(tmp_path: Path, dtype: str, order: str, extended: int) -> None:
    array = RNG.integers(0, 100, (3, 4, 5)).astype(dtype)
    mrc(tmp_path / "a.mrc", array, order, extended)
    found = read_mrc(tmp_path / "a.mrc")
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, array)


def test_bad_mrc(tmp_path: Path) -> None:
    path = tmp_path / "a.mrc"
    mrc(path, np.zeros((3, 4, 5), np.float32))
    whole = path.read_bytes()
    for content in (whole[:-1], whole[:500], b"", b"text" * 400):
        path.write_bytes(content)
        with pytest.raises(InputError, match="not an MRC file"):
            read_mrc(path)
    with pytest.raises(InputError, match="No such file"):
        read_mrc(tmp_path / "none.mrc")


def test_enlarging_equals_pillow() -> None:
    image = RNG.random((9, 7)).astype(np.float32)
    expected = np.asarray(Pillow.fromarray(image).resize((28, 36), Pillow.Resampling.BICUBIC))
    torch.testing.assert_close(
        enlarged(torch.from_numpy(image)[None], (36, 28))[0], torch.from_numpy(expected.copy()), rtol=0, atol=1e-5
    )


def test_mixed_types_are_refused(tmp_path: Path) -> None:
    """Counts of 8 and of 16 bits are on two scales."""
    for name, dtype in (("a", np.uint8), ("b", np.uint16)):
        for part in ("x", "y"):
            (tmp_path / part).mkdir(exist_ok=True)
            write_image(tmp_path / part / f"{name}.png", np.ones((4, 4), dtype))
    with pytest.raises(InputError, match=r"a\.png has uint8 values, unlike b\.png \(uint16\); make them alike"):
        Pairs(x=str(tmp_path / "x"), y=str(tmp_path / "y"))


def test_shared_tables_are_read(shared_data: Path) -> None:
    table = str(shared_data / "index.csv")
    with pytest.raises(InputError, match=r"1 channel\(s\), unlike widefield_bpae_rgb\.png"):
        Pairs(index=table, task="denoise", split="test")
    for dataset, split, count, channels in (("lol", "train", 10, 3), ("w2s", "test", 21, 1), ("sted", "train", 4, 1)):
        data = Pairs(index=table, dataset=dataset, split=split)
        assert (len(data), data.shapes[0][0]) == (count, channels)
    sr = Pairs(index=table, dataset="set5", grid="target")
    assert isinstance(sr, FilePairs)
    assert sr[0].x.shape == sr[0].y.shape
