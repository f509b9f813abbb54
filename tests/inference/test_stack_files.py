"""Restoring stacks: planes equal images restored alone, metadata arrives, a bad file of a folder loses only itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image as Pillow

from wavegen import Pipeline
from wavegen.cli import main
from wavegen.core.errors import InputError
from wavegen.inference.files import plan
from wavegen.inference.restore import Done, Failed, restore_files
from wavegen.io import Place, Stack, open_stack, write_image, write_stack

SMALL = {"network": {"width": 8, "multipliers": [1, 2]}}


@pytest.fixture(scope="module")
def grey() -> Pipeline:
    torch.manual_seed(0)
    return Pipeline.from_config({"name": "mscgm-joint", **SMALL, "head": {"features": 4, "network": {"width": 8}}})


@pytest.fixture(scope="module")
def colour() -> Pipeline:
    return Pipeline.from_config({"name": "unet", "channels": 3, **SMALL})


def photons(shape: tuple[int, ...], seed: int = 0) -> np.ndarray[Any, Any]:
    return np.random.default_rng(seed).poisson(40, shape).astype(np.uint16)


def restored(pipeline: Pipeline, source: Path, target: Path, **options: Any) -> Stack:
    axes = options.get("axes")
    (done,) = restore_files(pipeline, plan(source, target, axes=axes), **options)
    assert isinstance(done, Done)
    return open_stack(target)


@pytest.mark.parametrize("extension", [".tif", ".ome.tif", ".ome.zarr"])
@pytest.mark.parametrize("axes", ["TZCYX", "TCZYX"])
def test_a_stack_equals_its_planes(tmp_path: Path, grey: Pipeline, extension: str, axes: str) -> None:
    array = photons((2, 2, 3, 20, 24)) if axes == "TZCYX" else photons((2, 3, 2, 20, 24))
    stack = Stack(array, axes, {"X": 0.1, "Y": 0.1, "Z": 0.3}, ("a", "b", "c"))
    source, target = tmp_path / "in.ome.zarr", tmp_path / f"out{extension}"
    write_stack(source, stack)
    found = restored(grey, source, target, channels="each", seed=5, samples=2)
    assert found.axes == ("TZCYX" if extension == ".tif" else axes)
    assert (found.dtype, found.channels) == (np.uint16, ("a", "b", "c"))
    assert dict(found.pixel_um) == pytest.approx({"X": 0.1, "Y": 0.1, "Z": 0.3})
    for place in stack.places():
        alone = [grey.restore(channel, seed=5, samples=2).image for channel in stack.plane(place)]
        np.testing.assert_array_equal(found.plane(place), np.stack(alone))


def test_the_record_says_what_was_done(tmp_path: Path, grey: Pipeline) -> None:
    write_stack(tmp_path / "in.tif", Stack(photons((2, 16, 16)), "ZYX"))
    options = {"steps": 3, "samples": 2, "seed": 7, "eta": 0.5}
    (record,) = restored(grey, tmp_path / "in.tif", tmp_path / "out.tif", **options).other["records"]
    assert {key: record[key] for key in options} == options
    assert record["solver"] == {"name": "generic", "eta": 0.5}
    assert record["software"].startswith("wavegen ")
    assert (record["pipeline"], record["source"], record["channels"]) == ("mscgm-joint", "in.tif", "joint")
    again = restored(grey, tmp_path / "out.tif", tmp_path / "twice.tif").other["records"]
    assert [one["source"] for one in again] == ["in.tif", "out.tif"]


def test_spread_of_a_stack(tmp_path: Path, grey: Pipeline) -> None:
    write_stack(tmp_path / "in.ome.zarr", Stack(photons((2, 16, 16)), "ZYX"))
    (tmp_path / "s").mkdir()
    list(restore_files(grey, plan(tmp_path / "in.ome.zarr", tmp_path / "out.tif", tmp_path / "s", 2), samples=2))
    spread = open_stack(tmp_path / "s" / "in.ome.zarr")
    assert (spread.dtype, spread.axes) == (np.float32, "ZYX")
    assert float(np.asarray(spread.array[:]).std()) > 0
    assert "standard deviation" in spread.other["records"][0]["holds"]


def test_twelve_bits_over_an_offset(tmp_path: Path, grey: Pipeline) -> None:
    """A constant offset, as of cameras that set the sign bit, changes nothing but itself."""
    image = np.random.default_rng(0).integers(0, 4096, (24, 24)).astype(np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", image)
    tifffile.imwrite(tmp_path / "b.tif", image + np.uint16(32768))
    a, b = (restored(grey, tmp_path / f"{n}.tif", tmp_path / f"{n}-out.tif").plane() for n in "ab")
    inner = (a > 0) & (a < 30000)  # below 0 is clipped without the offset only
    assert inner.mean() > 0.3  # an untrained network's values are anywhere
    assert np.abs(b[inner].astype(float) - 32768 - a[inner]).max() <= 1


def test_joint_and_alpha(tmp_path: Path, colour: Pipeline, grey: Pipeline) -> None:
    rgba = np.random.default_rng(0).integers(0, 256, (4, 16, 20)).astype(np.uint8)
    write_image(tmp_path / "a.png", rgba)
    found = restored(colour, tmp_path / "a.png", tmp_path / "out.png").plane()
    np.testing.assert_array_equal(found[3], rgba[3])
    np.testing.assert_array_equal(found[:3], colour.restore(rgba[:3]).image)
    each = restored(grey, tmp_path / "a.png", tmp_path / "each.tif", channels="each").plane()
    np.testing.assert_array_equal(each[0], grey.restore(rgba[0]).image)
    np.testing.assert_array_equal(each[3], rgba[3])
    with pytest.raises(
        InputError, match=r"3 channel\(s\) beside the alpha channel, the model takes 1; give --channels each"
    ):
        restored(grey, tmp_path / "a.png", tmp_path / "no.png")
    with pytest.raises(InputError, match="needs a model of 1 channel"):
        restored(colour, tmp_path / "a.png", tmp_path / "no.png", channels="each")
    palette = Pillow.fromarray(np.moveaxis(rgba[:3], 0, -1)).convert("P")
    palette.save(tmp_path / "p.png")
    assert restored(colour, tmp_path / "p.png", tmp_path / "p-out.png").size("C") == 3


def test_saturation_and_jpeg_are_remarked(tmp_path: Path, grey: Pipeline) -> None:
    image = np.random.default_rng(0).integers(0, 255, (32, 32)).astype(np.uint8)
    image[:4] = 255
    write_image(tmp_path / "a.png", image)
    (done,) = restore_files(grey, plan(tmp_path / "a.png", tmp_path / "out.jpg"))
    assert isinstance(done, Done)
    assert "12.5 % of the input's pixels are saturated" in done.remarks[0]
    assert "grey levels rms" in done.remarks[1]
    assert len(done.remarks) == 2


def folder_of(tmp_path: Path, count: int = 12) -> Path:
    """Many good files of several types and sizes, one of text, one with NaN, one with three channels."""
    folder = tmp_path / "in"
    folder.mkdir()
    for i in range(count):
        tifffile.imwrite(
            folder / f"{i:02d}.tif", photons((16 + i, 16), i).astype(("uint8", "uint16", "float32")[i % 3])
        )
    return folder


def test_one_bad_file_of_many_loses_only_itself(tmp_path: Path, grey: Pipeline) -> None:
    folder = folder_of(tmp_path)
    (folder / "05.tif").write_text("not an image")
    tifffile.imwrite(folder / "06.tif", np.full((16, 16), np.nan, np.float32))
    tifffile.imwrite(folder / "07.tif", np.zeros((3, 16, 16), np.uint8), photometric="minisblack")
    results = list(restore_files(grey, plan(folder, tmp_path / "out")))
    assert [type(one) for one in results[:2]] == [Failed, Failed]  # from the headers, before anything is restored
    failed = {one.job.source.name: one.reason for one in results if isinstance(one, Failed)}
    assert set(failed) == {"05.tif", "06.tif", "07.tif"}
    assert "damaged" in failed["05.tif"]
    assert "NaN" in failed["06.tif"]
    assert "3 channel(s)" in failed["07.tif"]
    assert all(name in reason for name, reason in failed.items())
    written = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert written == [f"{i:02d}.tif" for i in range(12) if i not in (5, 6, 7)]
    for name in written:  # mixed types: each keeps its own
        assert tifffile.imread(tmp_path / "out" / name).dtype == tifffile.imread(folder / name).dtype


def test_the_command_says_it_twice_and_exits_with_3(
    tmp_path: Path, grey: Pipeline, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = folder_of(tmp_path, 3)
    (folder / "01.tif").write_text("not an image")
    grey.save_pretrained(tmp_path / "model")
    arguments = ["restore", str(folder), str(tmp_path / "out"), "--model", str(tmp_path / "model")]
    with pytest.raises(SystemExit) as done:
        main([*arguments, "--to", ".ome.zarr", "--json"])
    answer = capsys.readouterr()
    assert done.value.code == 3
    lines = answer.err.splitlines()
    assert lines[0].startswith("left out: ")
    assert lines[-2:] == ["1 of 3 images were left out:", f"  01.tif: {lines[0].removeprefix('left out: ')}"]
    rows = json.loads(answer.out)
    assert [Path(row["output"]).name for row in rows if "output" in row] == ["00.ome.zarr", "02.ome.zarr"]
    assert [row["input"] for row in rows if "error" in row] == [str(folder / "01.tif")]
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["00.ome.zarr", "02.ome.zarr"]


def test_nothing_left_is_an_error(tmp_path: Path, grey: Pipeline) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for name in "ab":
        (folder / f"{name}.tif").write_text("not an image")
    with pytest.raises(InputError, match=r"none of the 2 images.*a\.tif"):
        list(restore_files(grey, plan(folder, tmp_path / "out")))


def test_a_damaged_plane_leaves_no_file(tmp_path: Path, grey: Pipeline) -> None:
    write_stack(tmp_path / "in.ome.zarr", Stack(photons((3, 16, 16)), "ZYX"))
    (tmp_path / "in.ome.zarr" / "0" / "c" / "2" / "0" / "0").write_bytes(b"damaged")
    with pytest.raises(InputError, match=r"in\.ome\.zarr.*damaged"):
        restored(grey, tmp_path / "in.ome.zarr", tmp_path / "out.tif")
    stack = photons((3, 16, 16)).astype(np.float32)
    stack[1, 2, 3] = np.inf
    write_stack(tmp_path / "nan.tif", Stack(stack, "ZYX"))
    with pytest.raises(InputError, match=r"nan\.tif: plane t=0, z=1: .*infinite"):
        restored(grey, tmp_path / "nan.tif", tmp_path / "out.tif")
    assert {p.name for p in tmp_path.iterdir()} == {"in.ome.zarr", "nan.tif"}


def test_plans_that_do_not_fit(tmp_path: Path, grey: Pipeline) -> None:
    write_stack(tmp_path / "in.ome.zarr", Stack(photons((3, 16, 16)), "ZYX"))
    tifffile.imwrite(tmp_path / "unnamed.tif", photons((7, 16, 16)), photometric="minisblack", metadata=None)
    (tmp_path / "folder.zarr").mkdir()
    (tmp_path / "folder.zarr" / "notes.txt").touch()
    (tmp_path / "many").mkdir()
    for name in ("a.png", "a.tif"):
        write_image(tmp_path / "many" / name, photons((16, 16)))
    for source, target, options, reason in (
        ("unnamed.tif", "out.tif", {}, "give --axes"),
        ("unnamed.tif", "out.tif", {"axes": "YX"}, "3: \\(7, 16, 16\\)"),
        ("in.ome.zarr", "folder.zarr", {}, "is a folder that is not an OME-Zarr image"),
        ("in.ome.zarr", "out.tif", {"to": ".tif"}, "is for folders"),
        ("many", "out", {"to": ".bmp"}, "--to .bmp"),
        ("many", "out", {"to": "tif"}, "a.tif would hold both the result of a.png and the result of a.tif"),
        ("in.ome.zarr", "in.ome.zarr", {}, "would be overwritten"),
    ):
        with pytest.raises(InputError, match=reason):
            plan(tmp_path / source, tmp_path / target, **options)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="one plane, this is a stack"):
        restored(grey, tmp_path / "in.ome.zarr", tmp_path / "out.png")
    found = restored(grey, tmp_path / "unnamed.tif", tmp_path / "out.ome.tif", axes="ZYX")
    assert (found.axes, found.size("Z")) == ("ZYX", 7)
    np.testing.assert_array_equal(found.plane(Place(0, 4))[0], grey.restore(photons((7, 16, 16))[4]).image)
