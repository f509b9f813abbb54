"""The command line: what it gives, and how each wrong input is answered."""

from __future__ import annotations

import ctypes
import errno
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image
from safetensors.torch import load_file, save_file

from wavegen import Pipeline
from wavegen.cli import main
from wavegen.cli.specs import data_spec, pipeline_spec
from wavegen.core.errors import InputError
from wavegen.inference.files import check_writable, plan

TINY = {"name": "unet", "network": {"width": 8, "multipliers": [1, 2]}}
DATA = ["--set", "network.width=8", "--data", "nanobeads,size=32,length=4", "--crop", "32", "--batch", "2", "--quiet"]
TRAIN = [*DATA, "--validate", "off"]


class Answer:
    """Exit code and both outputs of a command that ran in this process."""

    def __init__(self, code: Any, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err


class Run:
    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.capsys = capsys

    def __call__(self, *arguments: str | Path) -> Answer:
        with pytest.raises(SystemExit) as done:
            main([str(argument) for argument in arguments])
        return Answer(done.value.code, *self.capsys.readouterr())


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    return Run(capsys)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "tiny"
    Pipeline.from_config(TINY).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def bridge_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "bridge"
    Pipeline.from_config({"name": "bbdm", "network": {"width": 8}}).save_pretrained(folder)
    return folder


@pytest.fixture
def cell(tmp_path: Path) -> Path:
    """A 16-bit image with a pixel size."""
    path = tmp_path / "cell.tif"
    pixels = np.random.default_rng(0).integers(0, 4000, (33, 47)).astype(np.uint16)
    tifffile.imwrite(path, pixels, resolution=(5e5, 5e5), resolutionunit="CENTIMETER", metadata=None)
    return path


def assert_refused(answer: Answer, *expected: str) -> None:
    """Exit code 2 and one line that holds all of ``expected``."""
    assert answer.code == 2, answer.err
    assert answer.err.startswith("wavegen: error: ")
    assert answer.err.count("\n") == 1, answer.err
    assert "Traceback" not in answer.err
    assert answer.out == ""
    for part in expected:
        assert part in answer.err, answer.err


def tree(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


# -- what works --------------------------------------------------------------------------------


def test_restore_keeps_units_and_metadata(run: Run, model: Path, cell: Path, tmp_path: Path) -> None:
    before = cell.read_bytes()
    out, std = tmp_path / "out.tif", tmp_path / "std.tif"
    answer = run("restore", cell, out, "--model", model, "--samples", "2", "--std", std, "--json")
    assert answer.code == 0, answer.err
    assert [row["nfe"] for row in json.loads(answer.out)] == [1]
    restored, spread = tifffile.imread(out), tifffile.imread(std)
    assert (restored.dtype, restored.shape, spread.dtype, spread.shape) == (np.uint16, (33, 47), np.float32, (33, 47))
    with tifffile.TiffFile(out) as file:
        assert file.pages[0].tags["XResolution"].value == (500000, 1)
    assert cell.read_bytes() == before


def test_restore_folder_equals_files(run: Run, model: Path, cell: Path, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    tifffile.imwrite(folder / "a.tif", np.random.default_rng(1).random((20, 20)).astype(np.float32))
    (folder / "b.tif").write_bytes(cell.read_bytes())
    (folder / "notes.txt").write_text("not an image")
    assert run("restore", folder, tmp_path / "out", "--model", model).code == 0
    assert tree(tmp_path / "out") == {"a.tif", "b.tif"}
    assert run("restore", cell, tmp_path / "alone.tif", "--model", model).code == 0
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "out" / "b.tif"), tifffile.imread(tmp_path / "alone.tif"))


def test_restore_a_stack(run: Run, model: Path, tmp_path: Path) -> None:
    stack = np.random.default_rng(0).integers(0, 4000, (7, 17, 20)).astype(np.uint16)
    tifffile.imwrite(tmp_path / "stack.tif", stack, photometric="minisblack", metadata=None)
    given = ("restore", tmp_path / "stack.tif", tmp_path / "out.ome.tif", "--model", model)
    assert_refused(run(*given), "stack.tif", "--axes")
    assert_refused(run(*given, "--axes", "zcyx"), "stack.tif", "'ZCYX' name 4 dimension(s), the array has 3")
    answer = run(*given, "--axes", "zyx")
    assert answer.code == 0, answer.err
    assert "7 planes" in answer.out
    with tifffile.TiffFile(tmp_path / "out.ome.tif") as file:
        assert (file.series[0].axes, file.series[0].shape, file.is_ome) == ("ZYX", (7, 17, 20), True)


def test_bench_io(run: Run, model: Path, tmp_path: Path) -> None:
    answer = run(
        "bench", "io", "--gigabytes", "0.001", "--side", "256", "--folder", tmp_path, "--model", model, "--json"
    )
    assert answer.code == 0, answer.err
    report = json.loads(answer.out)
    assert (report["bytes"], report["planes"]) == (8 * 2 * 256 * 256, 8)
    assert [row["step"] for row in report["steps"]] == ["write", "read", "copy", "restore"]
    assert all(row["peak_mb"] >= row["start_mb"] > 1 for row in report["steps"])
    assert report["steps"][-1]["result"] == 8
    rng = np.random.default_rng(0)
    expected = sum(int(rng.integers(100, 4096, (1, 256, 256), dtype=np.uint16).sum()) for _ in range(8))
    assert report["steps"][1]["result"] == expected  # every plane was read
    assert not list(tmp_path.iterdir())


def test_train_on_degraded_pictures(run: Run, tmp_path: Path) -> None:
    """Files are held in memory; RGB pairs train a pipeline of three channels."""
    for part in ("x", "y"):
        (tmp_path / part).mkdir()
        for i in range(3):
            pixels = np.random.default_rng(i).integers(0, 200, (40, 36, 3))
            pixels += np.random.default_rng(9).integers(0, 50, pixels.shape) if part == "y" else 0
            Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / part / f"{i}.png")
    pairs = ("train", "unet", "--data", "pairs", "--x", tmp_path / "x", "--y", tmp_path / "y", "--batch", "2",
             "--set", "network.width=8", "--steps", "1", "--out", tmp_path / "run", "--crop")  # fmt: skip
    assert_refused(run(*pairs, "32"), "3 channel(s)", "--set channels=3")
    assert_refused(run(*pairs, "48", "--set", "channels=3"), "0.png is 40x36", "at most 36")
    answer = run(*pairs, "32", "--set", "channels=3")
    assert answer.code == 0, answer.err
    assert "reading 3 images of pairs" in answer.err
    assert "3 images: too few to hold any out" in answer.err
    assert "3 pairs: target = " in answer.err


def test_restore_one_pixel(run: Run, model: Path, tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "one.tif", np.array([[7]], np.uint8))
    assert run("restore", tmp_path / "one.tif", tmp_path / "out.tif", "--model", model).code == 0
    assert tifffile.imread(tmp_path / "out.tif").shape == (1, 1)


def test_train_then_evaluate(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "run"
    answer = run("train", "mscgm-joint", *TRAIN, "--set", "head.network.width=8", "--steps", "3", "--out", out)
    assert answer.code == 0, answer.err
    assert answer.out.count("\n") == 1
    assert f"--model {out / 'model'}" in answer.out
    assert {"checkpoint.safetensors", "log.jsonl", "model"} <= {path.name for path in out.iterdir()}
    answer = run(
        "evaluate", "--model", out / "model", "--data", "nanobeads,size=32", "--images", "2", "--samples", "2",
        "--out", tmp_path / "scores", "--json",
    )  # fmt: skip
    assert answer.code == 0, answer.err
    report = json.loads(answer.out)
    assert report == json.loads((tmp_path / "scores" / "evaluation.json").read_text())
    assert report["restored"]["nfe"] == 4
    assert report["restored"]["images"] == 2
    assert report["data"]["split"] == "test"
    assert np.isfinite([report[method]["psnr"] for method in ("input", "restored")]).all()
    answer = run("evaluate", "--model", out / "model", "--data", "nanobeads,size=32", "--images", "2")
    assert answer.code == 0
    assert "PSNR" in answer.out


def test_solver_and_grid(run: Run, bridge_model: Path, cell: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.tif"
    walk = ("--steps", "3", "--solver", "heun", "--grid", "power,exponent=2", "--json")
    answer = run("restore", cell, out, "--model", bridge_model, *walk)
    assert answer.code == 0, answer.err
    assert json.loads(answer.out)[0]["nfe"] == 5
    found = Pipeline.from_pretrained(bridge_model).restore(
        tifffile.imread(cell), steps=3, solver="heun", grid={"name": "power", "exponent": 2}
    )
    np.testing.assert_allclose(tifffile.imread(out), found.image, rtol=0, atol=0)
    answer = run("restore", cell, out, "--model", bridge_model, "--grid", "times,values=[1,0.4,0]", "--json")
    assert json.loads(answer.out)[0]["nfe"] == 2
    assert_refused(run("restore", cell, out, "--model", bridge_model, "--solver", "huen"), "did you mean 'heun'")
    assert_refused(
        run("restore", cell, out, "--model", bridge_model, "--grid", "times,values=[1,0.4]"), "ends at t = 0"
    )
    assert_refused(run("restore", cell, out, "--model", bridge_model, "--grid", "power,exponent"), "--grid: 'exponent'")


def test_bench_restore(run: Run, bridge_model: Path) -> None:
    answer = run("bench", "restore", "--model", bridge_model, "--size", "16", "--steps", "3", "--runs", "2", "--json")
    assert answer.code == 0, answer.err
    found = json.loads(answer.out)
    assert found["calls"] == 3
    assert found["ms_walk"] < found["ms_restore"]
    assert found["walk_over_calls"] > 1
    assert found["restore_over_networks"] > 1
    text = run("bench", "restore", "--model", bridge_model, "--size", "16", "--steps", "3", "--runs", "2").out
    assert "times the calls inside it" in text


def test_list(run: Run) -> None:
    everything = json.loads(run("list", "--json").out)
    assert {"transform", "bridge", "head", "network", "dataset", "metric", "pipeline"} <= everything.keys()
    assert everything["transform"]["haar"]
    overview = run("list").out
    assert "mscgm" in overview
    assert "more: wavegen list transform" in overview
    assert "sym5 " in run("list", "transform").out
    described = run("list", "transform", "haar").out
    assert "levels" in described
    assert json.loads(run("list", "transform", "haar", "--json").out)["name"] == "haar"
    assert_refused(run("list", "transfrom"), "did you mean 'transform'")
    assert_refused(run("list", "transform", "harr"), "did you mean 'haar'")


def test_weights(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("WAVEGEN_WEIGHTS", str(tmp_path))
    records = json.loads(run("weights", "--json").out)
    assert {"lpips_alex", "inception_fid"} <= {record["name"] for record in records}
    assert "inception_fid" in run("weights").out
    assert_refused(run("weights", "--fetch", "lpips_alx"), "did you mean 'lpips_alex'")


def test_version_and_no_command(run: Run) -> None:
    from wavegen import __version__

    assert run("--version").out == f"wavegen {__version__}\n"
    assert "Commands" in run().out


def test_specs() -> None:
    assert data_spec("simulated,folder=a,degradation.name=camera,degradation.photons=9", None, None) == {
        "name": "simulated", "folder": "a", "degradation": {"name": "camera", "photons": 9},
    }  # fmt: skip
    assert data_spec("hela,size=64,photons=[20,30]", None, None) == {"name": "hela", "size": 64, "photons": [20, 30]}
    assert data_spec("pairs", "a", "b") == {"name": "pairs", "x": "a", "y": "b"}
    spec = pipeline_spec("mscgm", ["transform.levels=3", "transform.name=db2"])
    assert spec == {"name": "mscgm", "transform": {"levels": 3, "name": "db2"}}


def test_yaml(run: Run, tmp_path: Path) -> None:
    config, data = tmp_path / "config.yaml", tmp_path / "data.yml"
    config.write_text("name: unet\nnetwork: {width: 8}\n")
    data.write_text("name: nanobeads\nsize: 32\nlength: 2\n")
    given = ["--data", data, "--crop", "16", "--batch", "2", "--quiet", "--steps", "1", "--out", tmp_path / "run"]
    assert run("train", config, *given).code == 0
    config.write_text("name: unet\nnetwork: {wdth: 8}\n")
    assert_refused(run("train", config, *given[:-1], tmp_path / "other"), "did you mean 'width'")
    config.write_text("- a\n- b\n")
    assert_refused(run("train", config, *given), "config.yaml")
    config.write_text("a: [1\n")
    assert_refused(run("train", config, *given), "not YAML")
    assert_refused(run("train", tmp_path / "none.yaml", *given), "none.yaml")


# -- wrong input -------------------------------------------------------------------------------


def write_text_file(path: Path) -> None:
    path.write_text("hello")


def write_truncated(path: Path) -> None:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, np.arange(4096, dtype=np.uint16).reshape(64, 64))
    path.write_bytes(buffer.getvalue()[:4000])


def write_rgb(path: Path) -> None:
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(path)


def write_nan(path: Path) -> None:
    pixels = np.ones((8, 8), np.float32)
    pixels[2, 3] = np.nan
    tifffile.imwrite(path, pixels)


@pytest.mark.parametrize(
    ("write", "expected"),
    [
        (write_text_file, "not of the format that its extension says"),
        (write_truncated, "damaged"),
        (write_rgb, "3 channel(s), the model takes 1"),
        (write_nan, "the first at"),
        (Path.touch, "empty"),
    ],
)
def test_bad_image(run: Run, model: Path, tmp_path: Path, write: Any, expected: str) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    path = folder / "bad.tif"
    write(path)
    assert_refused(run("restore", path, tmp_path / "out.tif", "--model", model), "bad.tif", expected)
    assert_refused(run("restore", folder, tmp_path / "out", "--model", model), "bad.tif", expected)
    assert tree(tmp_path) <= {"in", "in/bad.tif", "out"}


def test_bad_paths(run: Run, model: Path, cell: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.tif"
    for arguments, expected in (
        ((tmp_path / "none.tif", out), "there is no such file"),
        ((cell, cell), "would be overwritten"),
        ((cell, tmp_path), "would be overwritten"),
        ((tmp_path, tmp_path), "would be overwritten"),
        ((cell, tmp_path / "none" / "out.tif"), "is not a folder"),
        ((cell, cell / "out.tif"), "is not a folder"),
        ((tmp_path, cell / "out"), "cannot write"),
        ((tmp_path, out), "is a folder"),
        ((cell, tmp_path / "out.bmp"), "'.bmp' is not supported"),
        ((cell, tmp_path / "out.jpg"), "JPEG takes uint8"),
        ((cell, out, "--std", tmp_path / "std.tif"), "--samples"),
        ((cell, out, "--samples", "2", "--std", tmp_path / "std.png"), "'.png' is not supported"),
        ((cell, out, "--samples", "2", "--std", out), "two names"),
        ((cell, out, "--samples", "2", "--std", cell), "would be overwritten"),
        ((cell, out, "--steps", "0"), "'--steps'"),
    ):
        assert_refused(run("restore", *arguments, "--model", model), expected)
    empty = tmp_path / "empty"
    empty.mkdir()
    assert_refused(run("restore", empty, tmp_path / "out", "--model", model), "holds no images")
    assert tree(tmp_path) == {"cell.tif", "empty"}


def test_hard_link_to_the_input(run: Run, model: Path, cell: Path, tmp_path: Path) -> None:
    (tmp_path / "link.tif").hardlink_to(cell)
    assert_refused(run("restore", cell, tmp_path / "link.tif", "--model", model), "would be overwritten")


def test_full_disk(run: Run, model: Path, cell: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr("wavegen.io.tiff_image.write", full)
        assert_refused(run("restore", cell, tmp_path / "out.tif", "--model", model), "No space left", "space")
    with monkeypatch.context() as patch:
        patch.setattr("wavegen.inference.files.tempfile.TemporaryFile", full)
        assert_refused(run("train", "unet", *TRAIN, "--steps", "1", "--out", tmp_path / "run"), "No space left")
        assert_refused(run("restore", cell, tmp_path / "out.tif", "--model", model), "No space left")
    with monkeypatch.context() as patch:
        patch.setattr("wavegen.core.files.os.replace", full)
        assert_refused(run("train", "unet", *TRAIN, "--steps", "1", "--out", tmp_path / "run"), "No space left")
    assert tree(tmp_path) <= {"cell.tif", "run", "run/log.jsonl", "run/previews"}


def test_broken_checkpoints(run: Run, model: Path, cell: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "config.json").write_bytes((model / "config.json").read_bytes())
    tensors = load_file(model / "model.safetensors")
    name = next(name for name, tensor in tensors.items() if tensor.ndim == 4)
    given = ("restore", cell, tmp_path / "out.tif", "--model", broken)
    for state, expected in (
        ({k: v for k, v in tensors.items() if k != name}, f"lacks '{name}'"),
        ({**tensors, name: tensors[name][:, :, :1].contiguous()}, f"'{name}' has shape"),
        ({**tensors, "extra": tensors[name].clone()}, "'extra'"),
    ):
        save_file(state, broken / "model.safetensors")
        assert_refused(run(*given), expected)
    (broken / "model.safetensors").write_bytes(b"\0" * 20)
    assert_refused(run(*given), "model.safetensors")
    (broken / "model.safetensors").unlink()
    assert_refused(run(*given), "model.safetensors")
    (broken / "config.json").write_text("{")
    assert_refused(run(*given), "config.json")
    assert_refused(run("restore", cell, tmp_path / "out.tif", "--model", "mscgm-hella"), "no trained pipeline")
    assert not (tmp_path / "out.tif").exists()


def test_bad_training(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "run"
    start = ["train", "unet", "--out", out, "--steps", "2"]
    data = ["--data", "nanobeads,size=32,length=2"]
    for arguments, expected in (
        (["train", "unett", *TRAIN, "--steps", "1", "--out", out], "did you mean 'unet'"),
        ([*start, *data, "--set", "transform.name=dbb2"], "did you mean 'db2'"),
        ([*start, *data, "--set", "transfrom.name=db2"], "did you mean 'transform'"),
        ([*start, *data, "--set", "transform"], "name=value"),
        ([*start, *data, "--stepz", "3"], "--steps"),
        ([*start, *data, "--batch", "0"], "batch = 0"),
        ([*start, *data, "--batch", "many"], "'--batch'"),
        ([*start, *data, "--precision", "double"], "precision"),
        ([*start, *data, "--minutes", "1"], "either --steps or --minutes"),
        (["train", "unet", "--out", out, *data], "either --steps or --minutes"),
        ([*start, *data], "smaller than --crop 128"),
        ([*start, *data, "--crop", "32", "--set", "channels=2"], "channels=1"),
        (start, "--data"),
        ([*start, "--data", "nanobead"], "did you mean 'nanobeads'"),
        ([*start, "--data", "nanobeads,sise=32"], "did you mean 'size'"),
        ([*start, "--data", "nanobeads,size"], "name=value"),
        ([*start, "--data", "pairs", "--x", tmp_path / "none", "--y", tmp_path], "none is not a folder"),
    ):
        assert_refused(run(*arguments), expected)
    (tmp_path / "file").touch()
    below = tmp_path / "file" / "run"
    assert_refused(run("train", "unet", *TRAIN, "--steps", "1", "--out", below), "cannot write to")
    assert tree(tmp_path) == {"file"}


def test_bad_pairs(run: Run, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for folder, names in (("x", "ab"), ("y", "ac"), ("z", "ab")):
        (tmp_path / folder).mkdir()
        for name in names:
            side = 30 if folder == "z" and name == "b" else 40
            tifffile.imwrite(tmp_path / folder / f"{name}.tif", rng.random((side, side)).astype(np.float32))
    start = ["train", "unet", "--steps", "1", "--crop", "32", "--out", tmp_path / "run", "--data", "pairs"]
    assert_refused(run(*start, "--x", tmp_path / "x", "--y", tmp_path / "y"), "no partner", "b.tif")
    assert_refused(run(*start, "--x", tmp_path / "x", "--y", tmp_path / "z"), "differ", "b.tif")
    assert_refused(run(*start, "--x", tmp_path / "z", "--y", tmp_path / "z"), "b.tif is 30x30", "--crop 32")
    assert not (tmp_path / "run").exists()


def test_existing_run_is_kept(run: Run, tmp_path: Path) -> None:
    given = ["train", "unet", *TRAIN, "--steps", "1", "--out", tmp_path / "run"]
    assert run(*given).code == 0
    assert_refused(run(*given), "--resume")
    assert_refused(run(*given, "--learning-rate", "0.5", "--resume"), "training")


def test_bugs_keep_their_traceback(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wavegen.core.registry.describe", lambda kind, name: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        main(["list"])


# -- interruption ------------------------------------------------------------------------------


@pytest.fixture
def training(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A training in a process of its own that has logged its first steps."""
    config = tmp_path / "config.yaml"
    config.write_text("name: unet\nnetwork: {width: 8, multipliers: [1]}\n")
    command = [sys.executable, "-m", "wavegen", "train", config, "--data", "nanobeads,size=32,length=2"]
    command += ["--crop", "16", "--batch", "2", "--steps", "100000", "--validate", "off", "--out", tmp_path / "run"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
    log, waited = tmp_path / "run" / "log.jsonl", time.monotonic() + 60
    while not log.exists() and process.poll() is None and time.monotonic() < waited:
        time.sleep(0.1)
    assert log.exists(), "the training did not start"
    yield process
    process.kill()
    process.communicate()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupted_training(
    training: subprocess.Popen[str], tmp_path: Path, number: signal.Signals, code: int
) -> None:
    training.send_signal(number)
    _, err = training.communicate(timeout=60)
    assert training.returncode == code, err
    assert "Traceback" not in err
    from wavegen.core.tensors import read_tensors

    _, note = read_tensors(tmp_path / "run" / "checkpoint.safetensors")
    logged = json.loads((tmp_path / "run" / "log.jsonl").read_text().splitlines()[-1])["step"]
    assert note["progress"]["step"] >= logged > 0
    assert not (tmp_path / "run" / "model").exists()
    if number is signal.SIGINT:
        assert "--resume" in err
        assert "wavegen: interrupted" in err


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals_outside_a_training(run: Run, monkeypatch: pytest.MonkeyPatch, number: int, code: int) -> None:
    before = signal.getsignal(signal.SIGTERM)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs start with it ignored
    monkeypatch.setattr("wavegen.core.registry.names", lambda kind: signal.raise_signal(number) or time.sleep(1) or [])
    assert run("list", "bridge").code == code
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_is_not_lost_in_a_callback(run: Run, monkeypatch: pytest.MonkeyPatch, number: int, code: int) -> None:
    """What is raised in a callback of compiled code goes nowhere; kernels that are loaded from a cache have some."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    callback = ctypes.CFUNCTYPE(None)(lambda: signal.raise_signal(number))

    def interrupted(kind: str) -> list[str]:
        callback()
        time.sleep(5)
        return []

    monkeypatch.setattr("wavegen.core.registry.names", interrupted)
    began = time.monotonic()
    answer = run("list", "bridge")
    assert answer.code == code
    assert "Traceback" not in answer.err
    assert time.monotonic() - began < 4


@pytest.mark.parametrize("error", [InputError("the file is damaged"), RuntimeError("unknown")])
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_error_that_was_a_signal(
    run: Run, monkeypatch: pytest.MonkeyPatch, number: int, code: int, error: Exception
) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)

    def interrupted(kind: str) -> list[str]:
        try:
            signal.raise_signal(number)
        except BaseException:
            raise error from None
        return []

    monkeypatch.setattr("wavegen.core.registry.names", interrupted)
    answer = run("list", "bridge")
    assert (answer.code, "damaged" in answer.err, "Traceback" in answer.err) == (code, False, False)


def test_resume_of_an_interrupted_run(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C in the middle, then --resume: the weights of a run that was never interrupted."""
    from wavegen.training import JsonLog

    given = ["train", "unet", *DATA, "--precision", "float32", "--steps", "60"]
    assert run(*given, "--validate", "2", "--out", tmp_path / "whole").code == 0
    with monkeypatch.context() as patch:
        # The log's first record, at the first look, is when the key is pressed.
        patch.setattr(JsonLog, "__call__", lambda *_: os.kill(os.getpid(), signal.SIGINT))
        assert run(*given, "--validate", "2", "--out", tmp_path / "halves").code == 130
    answer = run(*given, "--out", tmp_path / "halves", "--resume")  # with the split that was recorded
    assert answer.code == 0, answer.err
    assert "2 validation images" in answer.out
    whole, halves = (load_file(tmp_path / k / "model" / "model.safetensors") for k in ("whole", "halves"))
    for name, tensor in whole.items():
        np.testing.assert_array_equal(tensor.numpy(), halves[name].numpy())


# -- parts -------------------------------------------------------------------------------------


def test_plan_names_results(tmp_path: Path, cell: Path) -> None:
    (tmp_path / "out").mkdir()
    (job,) = plan(cell, tmp_path / "out", tmp_path / "out" / "std.tif", samples=2)
    assert job.target == tmp_path / "out" / "cell.tif"
    assert job.std == tmp_path / "out" / "std.tif"


def test_check_writable_makes_the_folder(tmp_path: Path) -> None:
    check_writable(tmp_path / "a" / "b")
    assert tree(tmp_path) == {"a", "a/b"}


def test_demo(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from wavegen.inference import demo

    Pipeline.from_config(TINY).save_pretrained(tmp_path / "model")
    monkeypatch.setattr(demo, "SIZE", 32)
    monkeypatch.setattr(demo, "IMAGES", 2)
    monkeypatch.setattr(demo, "SAMPLES", 2)
    monkeypatch.setattr(demo, "MODELS", {"nanobeads": tmp_path / "model", "hela": tmp_path / "model"})
    monkeypatch.setattr(demo, "shipped", lambda: [tmp_path / "model"])
    answer = run("demo", "--out", tmp_path / "out", "--json")
    assert answer.code == 0, answer.err
    report = json.loads(answer.out)
    assert len(report["scores"]) == 7
    with Image.open(report["figure"]) as figure:
        assert figure.width > figure.height > 400
    assert "real image" in run("demo", "--out", tmp_path / "out").out
    monkeypatch.setattr(demo, "shipped", list)
    assert_refused(run("demo", "--out", tmp_path / "out"), "no trained model")


def test_calibrate_keeps_the_temperature_in_the_model(run: Run, bridge_model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(bridge_model, folder)
    before = (folder / "config.json").read_text()
    asked = ("calibrate", folder, "--data", "nanobeads,size=32", "--steps", "3", "--images", "2")
    answer = run(*asked, "--dry-run")
    assert answer.code == 0, answer.err
    assert "would be" in answer.out
    assert (folder / "config.json").read_text() == before
    answer = run(*asked, "--json")
    assert answer.code == 0, answer.err
    found = json.loads(answer.out)
    assert found["data"]["split"] == "validation"
    assert set(found["spread_over_residual"]) == {"1.0", str(found["temperature"])}
    sampler = Pipeline.from_pretrained(folder).config.sampler
    assert sampler.temperature == found["temperature"] != 1
    assert sampler.steps == 3


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("mscgm-hela", "--data", "nanobeads"), "mscgm-hela is no folder"),
        (("FOLDER",), "no --data"),
        (("FOLDER", "--data", "nanobeads,size=32"), "its draws do not differ"),
    ],
)
def test_calibrate_refuses(run: Run, model: Path, arguments: tuple[str, ...], said: str) -> None:
    before = (model / "config.json").read_text()
    answer = run("calibrate", *(str(model) if a == "FOLDER" else a for a in arguments), "--images", "2")
    assert answer.code == 2
    assert said in answer.err
    assert answer.err.count("\n") == 1
    assert (model / "config.json").read_text() == before
