"""Checks of data: shifts are measured to a tenth of a pixel, and each defect is named."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import fourier_shift, gaussian_filter

from wavegen.cli import main
from wavegen.core.errors import InputError
from wavegen.data import align, image_facts
from wavegen.data.pairs import Pairs
from wavegen.io import read_image, write_image

Array = np.ndarray[Any, Any]


def scene(seed: int = 0, side: int = 96) -> Array:
    """Blobs that wrap around the border, 0 to about 1."""
    field = gaussian_filter(np.random.default_rng(seed).standard_normal((side, side)), 2.5, mode="wrap")
    return (field - field.min()) / np.ptp(field)


def moved(image: Array, dy: float, dx: float) -> Array:
    shifted: Array = np.fft.ifft2(fourier_shift(np.fft.fft2(image), (dy, dx))).real
    return shifted


@settings(deadline=None, max_examples=25)
@given(dy=st.integers(-60, 60), dx=st.integers(-60, 60), gain=st.floats(0.2, 5), offset=st.floats(-50, 50))
def test_known_shifts_gain_and_offset(dy: int, dx: int, gain: float, offset: float) -> None:
    x = scene()
    found = align(x, (moved(x, dy / 10, dx / 10) - offset) / gain)
    assert found.shift_y == pytest.approx(-dy / 10, abs=0.21)  # the window pulls it a little towards 0
    assert found.shift_x == pytest.approx(-dx / 10, abs=0.21)
    far = np.hypot(dy, dx) / 10
    if abs(far - 3) > 0.3:
        assert found.verdict == ("shifted" if far > 3 else "aligned")
    exact = align(x, (x - offset) / gain)
    assert (exact.shift_y, exact.shift_x, exact.verdict) == (0.0, 0.0, "aligned")
    assert exact.correlation == pytest.approx(1)
    assert (exact.gain, exact.offset) == (pytest.approx(gain, rel=1e-6), pytest.approx(offset, abs=1e-6))


def test_noise_does_not_lead_astray() -> None:
    x = scene()
    rng = np.random.default_rng(1)
    for shift in (0, 5):
        found = align(x, rng.poisson(8 * moved(x, 0, shift)))
        assert abs(found.shift_x + shift) <= 0.5
        assert found.verdict == ("shifted" if shift else "aligned")


def test_a_shadow_does_not_lead_astray() -> None:
    """A dark half with a soft edge outweighs the structure of the whole; the details still tell."""
    x = scene(3, 128) * 0.3 + 0.5
    shadow = 0.15 + 0.85 / (1 + np.exp(-(np.arange(128) - 64) / 8))[:, None]
    for shift in (0, 5):
        found = align(x, moved(x, 0, shift) * shadow)
        assert abs(found.shift_x + shift) <= 0.5, found
        assert found.verdict == ("shifted" if shift else "aligned")


def test_unrelated_constant_and_unequal() -> None:
    assert align(scene(0), scene(1)).verdict in ("unrelated", "unsure")
    assert align(scene(0), np.full((96, 96), 3.0)).verdict == "constant"
    assert align(scene(0), scene(0)[::2, ::2]).factor == 2
    with pytest.raises(InputError, match="96x96 and input of 96x80"):
        align(scene(0), scene(0)[:, :80])
    with pytest.raises(InputError, match="NaN"):
        align(scene(0), np.full((96, 96), np.nan))
    assert align(np.eye(2), np.eye(2)).verdict == "aligned"


def test_facts() -> None:
    image = np.arange(256, dtype=np.uint8).reshape(1, 16, 16)
    assert image_facts(image).saturated == pytest.approx(1 / 256)
    facts = image_facts(np.where(image > 200, np.nan, image.astype(np.float32)))
    assert (facts.low, facts.high, facts.not_finite, facts.constant) == (0.0, 200.0, 55, False)
    assert image_facts(np.full((1, 4, 4), 7, np.uint16)).constant


class Answer:
    def __init__(self, code: Any, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err


def run(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> Answer:
    with pytest.raises(SystemExit) as done:
        main(["data", "check", *(str(argument) for argument in arguments)])
    return Answer(done.value.code, *capsys.readouterr())


def pairs_in(folder: Path, count: int = 4) -> Path:
    for part in ("clean", "noisy"):
        (folder / part).mkdir(parents=True)
    for i in range(count):
        x = scene(i)
        noise = np.random.default_rng(i).normal(0, 0.05, x.shape)
        write_image(folder / "clean" / f"{i}.tif", (4000 * x).astype(np.uint16))
        write_image(folder / "noisy" / f"{i}.tif", (4000 * (x + noise).clip(0, 1)).astype(np.uint16))
    return folder


def test_good_pairs_pass(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answer = run(capsys, pairs_in(tmp_path / "a"))
    assert answer.code == 0
    assert "4 items: 4 aligned" in answer.out
    assert "uint16, 1x96x96 (4)" in answer.out
    assert answer.err == ""
    where = tmp_path / "a"
    assert run(capsys, f"pairs,x={where / 'clean'},y={where / 'noisy'}").code == 0


def test_bad_pairs_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = pairs_in(tmp_path / "a", 7)
    shifted = read_image(folder / "noisy" / "1.tif").pixels
    write_image(folder / "noisy" / "1.tif", np.roll(shifted, 5, axis=-1))
    write_image(folder / "clean" / "2.tif", np.full((96, 96), 9, np.uint16))
    (folder / "noisy" / "3.tif").write_text("not an image")
    write_image(folder / "noisy" / "4.tif", shifted[:, :90])
    write_image(folder / "noisy" / "5.tif", np.full((96, 96), np.nan, np.float32))
    answer = run(capsys, folder, "--json")
    assert answer.code == 3
    verdicts = {item["name"]: item["verdict"] for item in json.loads(answer.out)["items"]}
    assert verdicts == {
        "0": "aligned", "1": "shifted", "2": "constant", "3": "unreadable", "4": "sizes differ", "5": "not finite",
        "6": "aligned",
    }  # fmt: skip
    assert re.search(r"^1: shifted: y [+-]0\.\d, x -[45]\.\d px, correlation", answer.err)
    assert answer.err.splitlines()[-1] == "5 of 7 are bad: 1, 2, 3, 4, 5"
    report = json.loads(answer.out)["summary"]
    assert report["largest_shift"] == pytest.approx(5, abs=0.2)
    assert report["target"]["constant"] == 1
    assert run(capsys, folder, "--images", "1").code == 0


def test_folders_of_images_and_sets_without_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = pairs_in(tmp_path / "a")
    assert "4 items: 4 single" in run(capsys, folder / "clean").out
    assert "8 items" in run(capsys, "nanobeads,size=64").out
    for wrong, reason in (
        (tmp_path / "none", "no such folder or table"),
        (tmp_path, "found the folders none"),
        ("lol,root=nowhere", "not laid out as LOL"),
    ):
        answer = run(capsys, wrong)
        assert answer.code == 2
        assert reason in answer.err
    assert "has no index.csv" in run(capsys, folder, "--split", "test").err


def table_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "index.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_alignment_agrees_with_the_table(shared_data: Path) -> None:
    """Figures that were measured when the images were collected, by other code."""
    rows = [row for row in table_of(shared_data) if row["ncc"]]
    for row in [*rows[::12], *(r for r in rows if r["dataset"] in ("sted", "biosr"))]:
        x, y = (read_image(shared_data / row[side]).pixels for side in ("target", "input"))
        found = align(x, y)
        assert found.correlation == pytest.approx(float(row["ncc"]), abs=1e-4), row["id"]
        assert found.shift_y == pytest.approx(float(row["shift_y"]), abs=0.051), row["id"]
        assert found.shift_x == pytest.approx(float(row["shift_x"]), abs=0.051), row["id"]
        assert found.gain == pytest.approx(float(row["gain"]), abs=1e-4), row["id"]
        assert found.offset == pytest.approx(float(row["offset"]), abs=1e-4), row["id"]
        assert found.verdict == "aligned", row["id"]


def test_five_pixels_are_found_in_real_pairs(shared_data: Path) -> None:
    rows = [row for row in table_of(shared_data) if row["dataset"] in ("biosr", "shadow")]
    for row in rows:
        x, y = (read_image(shared_data / row[side]).pixels for side in ("target", "input"))
        assert align(x, y).verdict == "aligned", row["id"]
        assert align(x[:, 5:], y[:, :-5]).verdict == "shifted", row["id"]


def test_remarks_on_files_and_missing_planes_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Several images in a file, transparency, planes that are not there: told by the check and by what trains."""
    for folder in ("x", "y"):
        (tmp_path / folder).mkdir()
        with tifffile.TiffWriter(tmp_path / folder / "a.tif") as writer:
            for side in (40, 8):
                writer.write(np.random.default_rng(side).integers(0, 99, (side, side), np.uint8), metadata=None)
    pairs = Pairs(str(tmp_path / "x"), str(tmp_path / "y"))
    assert pairs.remarks == ("a.tif, a.tif: image 1 of 2 in the file; --series chooses another",)
    answer = run(capsys, tmp_path)
    assert not answer.code
    assert "a.tif: image 1 of 2 in the file" in answer.err
    rgba = np.random.default_rng(0).integers(0, 99, (16, 16, 4), np.uint8)
    for folder in ("x", "y"):
        tifffile.imwrite(tmp_path / folder / "a.tif", rgba, photometric="rgb", extrasamples=["unassalpha"])
    pairs = Pairs(str(tmp_path / "x"), str(tmp_path / "y"))
    assert (pairs.channels, tuple(pairs[0].y.shape)) == (3, (3, 16, 16))
    header = '{"shape": [5, 16, 16]}'
    tifffile.imwrite(tmp_path / "x" / "a.tif", rgba[..., 0], description=header, metadata=None)
    with pytest.raises(InputError, match=r"x/a\.tif.*announces 5 plane"):
        Pairs(str(tmp_path / "x"), str(tmp_path / "y"))
    answer = run(capsys, tmp_path)
    assert answer.code == 3
    assert "announces 5 plane" in answer.err
