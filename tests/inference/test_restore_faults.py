"""Restoring on a full disk, twice at once, to one name, and from folders that hold odd things."""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from wavegen import Pipeline
from wavegen.cli import main
from wavegen.core import interrupt
from wavegen.core.errors import InputError
from wavegen.core.files import exclusive
from wavegen.inference import files
from wavegen.inference.files import plan
from wavegen.inference.restore import Done, Failed, restore_files
from wavegen.io import Stack, open_stack, stack_writer, write_image, write_stack


@pytest.fixture(scope="module")
def grey() -> Pipeline:
    torch.manual_seed(0)
    return Pipeline.from_config({"name": "unet", "network": {"width": 8, "multipliers": [1, 2]}})


def folder_of(folder: Path, *names: str, shape: tuple[int, ...] = (16, 16)) -> Path:
    folder.mkdir()
    for name in names:
        stack = Stack(np.random.default_rng(0).integers(0, 200, shape).astype(np.uint8), "ZYX"[-len(shape) :])
        write_stack(folder / name, stack)
    return folder


def full(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def broken(error: Exception) -> Callable[..., None]:
    def call(*_: object, **__: object) -> None:
        raise error

    return call


LAYERS = {
    "tifffile": ("tifffile.imwrite", full, ".tif", (16, 16)),
    "allocation": ("os.posix_fallocate", full, ".tif", (3, 16, 16)),
    "a short write": ("tifffile.imwrite", broken(OSError("256 requested and 0 written")), ".tif", (16, 16)),
    "PNG": ("PIL.Image.Image.save", full, ".png", (16, 16)),
    "JPEG's encoder": (
        "PIL.Image.Image.save",
        broken(OSError("encoder error -2 when writing image file")),
        ".jpg",
        (16, 16),
    ),
    "zarr": ("zarr.storage._local._put", full, ".ome.zarr", (3, 16, 16)),
    "the disk": ("os.fsync", full, ".tif", (16, 16)),
    "the name": ("os.replace", full, ".ome.zarr", (16, 16)),
}


@pytest.mark.parametrize("layer", LAYERS)
def test_a_folder_stops_at_the_first_lack_of_space(
    tmp_path: Path, grey: Pipeline, monkeypatch: pytest.MonkeyPatch, layer: str
) -> None:
    name, failing, extension, shape = LAYERS[layer]
    source = folder_of(tmp_path / "in", "a.tif", "b.tif", "c.tif", shape=shape)
    jobs = plan(source, tmp_path / "out", to=extension)
    results = restore_files(grey, jobs)
    assert isinstance(next(results), Done)
    monkeypatch.setattr(name, failing)
    monkeypatch.setattr("wavegen.core.files._full", lambda _: OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
    with pytest.raises(InputError, match="No space left on device") as raised:
        next(results)
    assert str(jobs[1].target) in str(raised.value)
    assert [path.name for path in (tmp_path / "out").iterdir()] == [jobs[0].target.name]


def test_a_stack_has_its_place_on_the_disk_before_the_work(tmp_path: Path) -> None:
    """A file with holes, written through a mapping, ends the process with SIGBUS on a full disk."""
    stack = Stack(np.zeros((4, 256, 256), np.uint16), "ZYX")
    for name in ("a.tif", "b.ome.tif"):
        with stack_writer(tmp_path / name, stack) as put:
            (written,) = tmp_path.glob(f".{name}.part")
            assert 512 * written.stat().st_blocks >= stack.array.nbytes
            for place in stack.places():
                put(place, stack.plane(place))


@pytest.mark.parametrize("axes", ["CZYX", "ZCYX", "CTZYX", "ZTCYX"])
@pytest.mark.parametrize("name", ["a.tif", "a.ome.tif"])
def test_planes_come_to_their_places(tmp_path: Path, axes: str, name: str) -> None:
    shape = [{"T": 2, "C": 3, "Z": 4, "Y": 5, "X": 6}[axis] for axis in axes]
    stack = Stack(np.random.default_rng(0).integers(0, 9999, shape).astype(np.uint16), axes)
    with stack_writer(tmp_path / name, stack) as put:
        for place in reversed(list(stack.places())):
            put(place, stack.plane(place))
    found = open_stack(tmp_path / name)
    for place in stack.places():
        np.testing.assert_array_equal(found.plane(place), stack.plane(place))


def test_two_results_of_one_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    both = folder_of(tmp_path / "both", "a.png", "a.tif")
    (tmp_path / "out").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "out")
    one = folder_of(tmp_path / "one", "b.tif")
    for source, options, reason in (
        (both, {"to": ".tif"}, r"out/a\.tif would hold both the result of a\.png and the result of a\.tif"),
        (both, {"std": tmp_path / "std", "samples": 2}, r"std/a\.tif .* the spread of a\.png and the spread of a\.tif"),
        (both, {"std": tmp_path / "link", "samples": 2}, r"a\.tif .* the spread of a\.png and the result of a\.tif"),
        (one, {"std": tmp_path / "link", "samples": 2}, r"b\.tif .* the result of b\.tif and the spread of b\.tif"),
    ):
        with pytest.raises(InputError, match=reason):
            plan(source, tmp_path / "out", **options)  # type: ignore[arg-type]
    cases = folder_of(tmp_path / "cases", "c.tif", "C.tif", "\u00e9.tif", "e\u0301.tif")
    assert len(plan(cases, tmp_path / "out")) == 4
    monkeypatch.setattr(files, "ignores_case", lambda folder: True)
    with pytest.raises(InputError, match=r"c\.tif would hold both the result of C\.tif and the result of c\.tif"):
        plan(cases, tmp_path / "out")


def test_results_that_would_replace_another_input(tmp_path: Path) -> None:
    source = folder_of(tmp_path / "in", "a.tif", "b.tif")
    (tmp_path / "out").mkdir()
    for make in (Path.symlink_to, Path.hardlink_to):
        (tmp_path / "out" / "a.tif").unlink(missing_ok=True)
        make(tmp_path / "out" / "a.tif", source / "b.tif")
        with pytest.raises(InputError, match=r"out/a\.tif is an input"):
            plan(source, tmp_path / "out")


def test_a_disk_tells_whether_it_minds_case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert files.ignores_case(tmp_path) is (tmp_path / "A").exists()
    monkeypatch.setattr(Path, "exists", lambda path: path.name.isupper())
    assert files.ignores_case(tmp_path)
    assert not list(tmp_path.iterdir())


def test_what_is_odd_in_a_folder_is_named(tmp_path: Path, grey: Pipeline) -> None:
    source = folder_of(tmp_path / "in", "B.OME.TIFF", "with space é µm.tif", "A.TIF")
    (source / os.fsdecode(b"\xff.tif")).write_bytes((source / "A.TIF").read_bytes())
    (source / "Thumbs.db").write_bytes(b"no image")
    (source / "._A.TIF").write_bytes(b"a fork of a file")
    (source / "lost.tif").symlink_to(tmp_path / "nowhere")
    (source / "round.tif").symlink_to(source / "round.tif")
    (source / "folder.tif").mkdir()
    os.mkfifo(source / "pipe.png")
    results = list(restore_files(grey, plan(source, tmp_path / "out"), model=os.fsdecode(b"\xfe")))
    failed = {one.job.source.name: one.reason for one in results if isinstance(one, Failed)}
    assert failed.keys() == {"lost.tif", "round.tif", "folder.tif", "pipe.png"}
    assert f"a link to {tmp_path / 'nowhere'}, which does not exist" in failed["lost.tif"]
    assert "a folder, not an image" in failed["folder.tif"]
    assert "neither a file nor a folder" in failed["pipe.png"]
    done = {one.job.target.name for one in results if isinstance(one, Done)}
    assert done == {"B.OME.TIFF", "with space é µm.tif", "A.TIF", os.fsdecode(b"\xff.tif")}
    assert {path.name for path in (tmp_path / "out").iterdir()} == done
    (record,) = open_stack(tmp_path / "out" / os.fsdecode(b"\xff.tif")).other["records"]
    assert (record["source"], record["model"]) == ("\\xff.tif", "\\xfe")


@pytest.mark.parametrize("extension", [".png", ".jpg", ".ome.tif", ".ome.zarr"])
def test_names_that_are_not_utf_8_in_every_format(tmp_path: Path, grey: Pipeline, extension: str) -> None:
    name = os.fsdecode(b"\xff") + extension
    folder_of(tmp_path / "in", name)
    (done,) = restore_files(grey, plan(tmp_path / "in", tmp_path / "out"))
    assert isinstance(done, Done)
    assert open_stack(tmp_path / "out" / name).other["records"][0]["source"] == "\\xff" + extension


def test_a_folder_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder_of(tmp_path / "in", "a.tif")
    monkeypatch.setattr(Path, "iterdir", broken(PermissionError(errno.EACCES, "Permission denied")))
    with pytest.raises(InputError, match=r"cannot read the folder .*Permission denied"):
        plan(tmp_path / "in", tmp_path / "out")


def test_an_interruption_is_not_taken_for_a_bad_image(
    tmp_path: Path, grey: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = folder_of(tmp_path / "in", "a.tif", "b.tif")

    def interrupted(*_: object, **__: object) -> None:
        interrupt.end(signal.SIGTERM)

    def swallowed(*_: object, **__: object) -> None:
        with pytest.raises(SystemExit):
            interrupted()
        raise InputError("the weights are damaged")

    results = restore_files(grey, plan(source, tmp_path / "out"))
    monkeypatch.setattr(Pipeline, "restore", swallowed)
    with pytest.raises(SystemExit):
        next(results)
    interrupt.forget()
    assert not list((tmp_path / "out").iterdir())


def test_one_restoration_at_a_time(tmp_path: Path, grey: Pipeline, capsys: pytest.CaptureFixture[str]) -> None:
    source = folder_of(tmp_path / "in", "a.tif", "b.tif")
    grey.save_pretrained(tmp_path / "model")
    first = restore_files(grey, plan(source, tmp_path / "out"))
    next(first)
    with pytest.raises(SystemExit) as ended:
        main(["restore", str(source), str(tmp_path / "out"), "--model", str(tmp_path / "model")])
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert f"{tmp_path / 'out'} is being written by process {os.getpid()} on " in said
    list(first)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"a.tif", "b.tif"}
    jobs = plan(source / "a.tif", tmp_path / "c.tif")
    with exclusive(tmp_path / ".c.tif.lock", "c"), pytest.raises(InputError, match=r"c\.tif is being written by"):
        list(restore_files(grey, jobs))
    list(restore_files(grey, jobs))


def test_an_evaluation_keeps_its_folder(tmp_path: Path, grey: Pipeline, capsys: pytest.CaptureFixture[str]) -> None:
    grey.save_pretrained(tmp_path / "model")
    given: list[Any] = ["--data", "nanobeads,size=32,length=1", "--metrics", "psnr", "--out", tmp_path / "out"]
    command = list(map(str, ["evaluate", "--model", tmp_path / "model", *given]))
    with exclusive(tmp_path / "out" / ".evaluation.lock", "it"), pytest.raises(SystemExit) as ended:
        main(command)
    assert ended.value.code == 2
    assert f"the evaluation in {tmp_path / 'out'} is being written by" in capsys.readouterr().err
    with pytest.raises(SystemExit) as ended:
        main(command)
    assert ended.value.code == 0
    assert {path.suffix for path in (tmp_path / "out").iterdir()} == {".json", ".csv", ".html"}
    write_image(tmp_path / "x.png", np.zeros((4, 4), np.uint8))
