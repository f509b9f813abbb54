"""Output survives every encoding of the terminal and every name of a file."""

from __future__ import annotations

import io
import os
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import tifffile

from wavegen import Pipeline
from wavegen.cli import main
from wavegen.core.files import write_text

NAMES = (b"a\xc3\xa9.tif", "日本.tif".encode(), b"raw\xff.tif", b"plain.tif")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Images with such names, and a small model."""
    where = tmp_path_factory.mktemp("names")
    (where / "images").mkdir()
    Pipeline.from_config({"name": "unet", "network": {"width": 4, "multipliers": [1]}}).save_pretrained(where / "model")
    for name in NAMES:
        pixels = np.random.default_rng(0).integers(0, 999, (16, 16)).astype(np.uint16)
        tifffile.imwrite(where / "images" / os.fsdecode(name), pixels)
    return where


def printed(monkeypatch: pytest.MonkeyPatch, encoding: str, *arguments: object) -> tuple[object, str, str]:
    """Exit code and both outputs of a command, on streams of an encoding."""
    streams = [io.TextIOWrapper(io.BytesIO(), encoding=encoding) for _ in range(2)]
    monkeypatch.setattr(sys, "stdout", streams[0])
    monkeypatch.setattr(sys, "stderr", streams[1])
    with pytest.raises(SystemExit) as done:
        main([str(argument) for argument in arguments])
    for stream in streams:
        stream.flush()
    out, err = (stream.buffer.getvalue().decode(encoding) for stream in streams)  # type: ignore[attr-defined]
    return done.value.code, out, err


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_commands_print_any_name(encoding: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images = folder / "images"
    code, _, err = printed(monkeypatch, encoding, "restore", images, tmp_path / "out", "--model", folder / "model")
    assert code == 0, err
    assert sorted(os.listdir(os.fsencode(tmp_path / "out"))) == sorted(NAMES)
    for name in NAMES[:3]:
        (tmp_path / os.fsdecode(b"damaged " + name)).write_bytes(b"II*\0damaged")
    tifffile.imwrite(tmp_path / "whole.tif", np.ones((16, 16), np.uint16))
    code, _, err = printed(monkeypatch, encoding, "restore", tmp_path, tmp_path / "b", "--model", folder / "model")
    assert code == 3, err
    assert r"damaged raw\udcff.tif" in err
    assert {"ascii": r"\u65e5\u672c.tif", "cp1252": "aé.tif", "utf-8": "日本.tif"}[encoding] in err
    for command in (["list"], ["--help"], ["train", "--help"]):
        assert printed(monkeypatch, encoding, *command)[0] == 0


def test_an_error_names_any_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code, _, err = printed(
        monkeypatch, "ascii", "restore", folder / os.fsdecode(b"\xff\xc3\xa9.png"), "x.png", "--model", "x"
    )
    assert code == 2
    assert r"\udcff\xe9.png" in err
    assert err.count("\n") == 1


def test_texts_hold_names_in_their_own_bytes(tmp_path: Path) -> None:
    write_text(tmp_path / "a.csv", os.fsdecode(b"raw\xff,1\n"))
    assert (tmp_path / "a.csv").read_bytes() == b"raw\xff,1\n"


def test_warnings_are_one_line_without_code(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    printed(monkeypatch, "utf-8", "--version")
    assert warnings.formatwarning("of\na library", UserWarning, "x.py", 1) == "remark: of a library\n"
