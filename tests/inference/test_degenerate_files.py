"""Files whose images have no ordinary range: what evaluation counts and names, what restoration gives and remarks."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import torch
from systems import tiny

from wavegen.cli import main
from wavegen.core.errors import InputError
from wavegen.core.types import Pair, Restoration
from wavegen.experiments.judge.band_spread import spread_of_bands
from wavegen.experiments.spec.comparison import Row
from wavegen.inference.evaluate import evaluate
from wavegen.inference.files import plan
from wavegen.inference.restore import Done, restore_files
from wavegen.metrics import Scorer


def scene(seed: int, side: int = 48) -> np.ndarray[Any, Any]:
    """Spots on a background of 100, with shot noise."""
    rng = np.random.default_rng(seed)
    image = np.full((side, side), 100.0)
    rows, columns = np.mgrid[:side, :side]
    for y, x in rng.uniform(5, side - 5, (12, 2)):
        image += 2000 * np.exp(-((rows - y) ** 2 + (columns - x) ** 2) / 8)
    return rng.poisson(image).astype(np.uint16)


def write(folder: Path, images: dict[str, np.ndarray[Any, Any]]) -> Path:
    folder.mkdir(parents=True)
    for name, image in images.items():
        tifffile.imwrite(folder / name, image)
    return folder


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    tiny("mscgm").save_pretrained(folder)
    return folder


def evaluated(model: Path, where: Path, capsys: pytest.CaptureFixture[str]) -> tuple[dict[str, Any], str]:
    """The report of ``wavegen evaluate`` on the folders x and y, as JSON that holds no NaN, and the notes."""
    arguments = ["--data", "pairs", "--x", str(where / "x"), "--y", str(where / "y"), "--metrics", "psnr,ssim,rmse"]
    with pytest.raises(SystemExit) as done:
        main(["evaluate", "--model", str(model), *arguments, "--steps", "1", "--out", str(where / "out")])
    assert done.value.code in (0, None)

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    report = json.loads((where / "out" / "evaluation.json").read_text(), parse_constant=refuse)
    return report, capsys.readouterr().err


def test_an_empty_target_spoils_no_mean(tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    targets = {"0.tif": scene(0), "1.tif": np.full((48, 48), 100, np.uint16), "2.tif": scene(2)}
    noise = np.random.default_rng(5)
    inputs = {name: noise.poisson(image).astype(np.uint16) for name, image in targets.items()}
    write(tmp_path / "x", targets)
    write(tmp_path / "y", inputs)
    report, notes = evaluated(model, tmp_path, capsys)
    for method in ("input", "restored"):
        scores = report[method]
        assert scores["images"] == 3
        assert scores["left_out"] == {key: {"undefined": ["1.tif"]} for key in ("psnr", "ssim", "rmse")}
    assert report["input"]["psnr"] > 20, "the mean of the other two"
    assert report["input"]["ssim"] > 0.5
    line = "PSNR, SSIM, RMSE: without 1 of 3 images (1.tif), whose score is not defined, as where a target is constant"
    assert f"input: {line}\nrestored: {line}" in notes
    assert line in (tmp_path / "out" / "evaluation.html").read_text()
    with (tmp_path / "out" / "evaluation.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["psnr"] == "" for row in rows] == [False, True, False]


def test_equal_images_are_counted_and_not_averaged(
    tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images = {"0.tif": scene(0), "1.tif": scene(1)}
    write(tmp_path / "x", images)
    write(tmp_path / "y", images | {"1.tif": images["1.tif"] + 5})
    report, notes = evaluated(model, tmp_path, capsys)
    assert report["input"]["left_out"] == {"psnr": {"infinite": ["0.tif"]}}
    width = np.diff(np.percentile(images["1.tif"], [0.1, 99.9]))[0]
    assert report["input"]["psnr"] == pytest.approx(20 * np.log10(width / 5), abs=1e-3)
    assert "left_out" not in report["restored"]
    assert "input: PSNR: without 1 of 2 images (0.tif), whose score is infinite" in notes


class One:
    """A data set of one pair."""

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: int) -> Pair:
        x = torch.from_numpy(scene(index).astype(np.float32))[None]
        return Pair(x, x)


def test_a_method_that_gives_no_numbers_is_not_scored() -> None:
    def restore(y: torch.Tensor, first: int) -> Restoration:
        y = y.clone()
        y[0, 0, 3, 4] = torch.nan
        return Restoration(y, y, y[None], 1, 0.0)

    with pytest.raises(InputError, match="item 0: the restored image has 1 values that are NaN or infinite"):
        evaluate(restore, One(), scorer=Scorer(["psnr"]))


# -- restoration -------------------------------------------------------------------------------------


def restored(folder: Path, image: np.ndarray[Any, Any], **options: Any) -> tuple[np.ndarray[Any, Any], tuple[str, ...]]:
    tifffile.imwrite(folder / "in.tif", image, **options)
    (done,) = restore_files(tiny("mscgm"), plan(folder / "in.tif", folder / "out.tif"), steps=1)
    assert isinstance(done, Done)
    return tifffile.imread(folder / "out.tif"), done.remarks


def test_an_empty_plane_stays_empty(tmp_path: Path) -> None:
    stack = np.stack([scene(0), np.zeros((48, 48), np.uint16), scene(1)])
    found, remarks = restored(tmp_path, stack, imagej=True, metadata={"axes": "ZYX"})
    np.testing.assert_array_equal(found[1], stack[1])
    assert np.ptp(found[0]) > 100
    assert not remarks


def test_hot_pixels_are_remarked_on_once_for_a_stack(tmp_path: Path) -> None:
    stack = np.stack([scene(0), scene(1), scene(2)]).astype(np.uint16)
    stack[1:, 7, 9] = 65535
    stack[1:] = np.where(stack[1:] > 60000, stack[1:], np.minimum(stack[1:], 150))
    _, remarks = restored(tmp_path, stack, imagej=True, metadata={"axes": "ZYX"})
    (remark,) = remarks
    assert "the brightest pixel (65535) is" in remark
    assert "times the range from" in remark


def test_a_border_of_nan_is_refused_with_its_place(tmp_path: Path) -> None:
    mosaic = scene(0).astype(np.float32)
    mosaic[:, 40:] = np.nan
    with pytest.raises(InputError, match=r"in.tif: image has 384 values that are NaN or infinite, the first at"):
        restored(tmp_path, mosaic)
    assert not (tmp_path / "out.tif").exists()


@pytest.mark.parametrize("dtype", ["bool", "int8", "int16", "int32", "float16", "float32", "float64"])
def test_types_beyond_those_of_cameras(tmp_path: Path, dtype: str) -> None:
    """What float32 holds exactly is restored, and comes back as float32 where its own type holds no restoration."""
    image = (scene(0) > 300) if dtype == "bool" else (scene(0).clip(0, 2000) / 17 - 20).astype(dtype)
    found, _ = restored(tmp_path, image)
    assert found.shape == image.shape
    assert np.isfinite(found).all()
    assert abs(found.mean() - image.mean()) < np.ptp(image.astype(np.float64))


def test_a_sparse_image_on_an_offset_is_the_same_image(tmp_path: Path) -> None:
    beads = np.zeros((64, 64), np.float32)
    beads[10, 20] = beads[50, 7] = 40_000
    plain, _ = restored(tmp_path, beads)
    moved, _ = restored(tmp_path, beads + 100)
    np.testing.assert_allclose(moved - 100, plain, rtol=0, atol=0.05)
    assert 1000 < np.ptp(plain) < 400_000, "in the units of the beads"


class Mixed(One):
    """A scene, and then an empty field."""

    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: int) -> Pair:
        x, y = super().__getitem__(0)
        return Pair(torch.full_like(x, 100.0), y) if index else Pair(x, y)


class Empty(Mixed):
    """Empty fields alone."""

    def __getitem__(self, index: int) -> Pair:
        return super().__getitem__(1)


def test_a_calibration_leaves_empty_truths_out() -> None:
    pipeline, row = tiny("mscgm"), Row(system="mscgm", steps=1)
    one, both = (spread_of_bands(pipeline, row, data) for data in (One(), Mixed()))
    assert both == pytest.approx(one)
    with pytest.raises(InputError, match="the truth of every image is constant"):
        spread_of_bands(pipeline, row, Empty())
