"""Image files: pixels and metadata survive, damaged files are refused in one line, no write leaves half a file."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow

from wavegen.core.errors import InputError
from wavegen.io import image_shape, read_image, write_image

RNG = np.random.default_rng(0)


def noise(shape: tuple[int, ...], dtype: str) -> np.ndarray[Any, Any]:
    return (RNG.random(shape) * (1 if dtype == "float32" else np.iinfo(dtype).max)).astype(dtype)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("extension", [".tif", ".TIFF", ".png"])
def test_what_is_written_is_read(tmp_path: Path, dtype: str, channels: int, extension: str) -> None:
    path = tmp_path / f"image{extension}"
    pixels = noise((channels, 6, 9), dtype)
    if extension == ".png" and (dtype == "float32" or (dtype == "uint16" and channels > 1)):
        with pytest.raises(InputError, match="PNG takes"):
            write_image(path, pixels)
        assert not list(tmp_path.iterdir())
        return
    write_image(path, pixels)
    image = read_image(path)
    assert image.pixels.dtype == pixels.dtype
    np.testing.assert_array_equal(image.pixels, pixels)
    assert image_shape(path) == pixels.shape
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


@settings(deadline=None, max_examples=25)
@given(st.integers(1, 5), st.integers(1, 5), st.integers(1, 4), st.booleans())
def test_small_shapes_survive(tmp_path_factory: pytest.TempPathFactory, h: int, w: int, c: int, rgb: bool) -> None:
    path = tmp_path_factory.mktemp("small") / "image.tif"
    pixels = noise((c, h, w), "uint16")
    write_image(path, pixels, {"axes": "YXC"} if rgb else None)
    np.testing.assert_array_equal(read_image(path).pixels, pixels)
    assert image_shape(path) == pixels.shape


def test_metadata_round_trip(tmp_path: Path) -> None:
    given = {"axes": "YXC", "pixel_nm": 20.0, "description": "HeLa, 20 µm"}
    pixels = noise((3, 6, 9), "uint8")
    write_image(tmp_path / "a.tif", pixels, given)
    found = read_image(tmp_path / "a.tif").metadata
    np.testing.assert_allclose(found.pop("pixel_nm"), 20.0, rtol=1e-6)
    assert found == {"axes": "YXC", "description": given["description"]}
    assert tifffile.imread(tmp_path / "a.tif").shape == (6, 9, 3)
    write_image(tmp_path / "a.png", pixels, given)
    found = read_image(tmp_path / "a.png").metadata
    np.testing.assert_allclose(found.pop("resolution")[:2], 2.54e7 / 20, rtol=1e-6)
    assert found == {"axes": "YXC", "description": given["description"]}


def test_pixel_size_of_imagej_files(tmp_path: Path) -> None:
    path = tmp_path / "ij.tif"
    tifffile.imwrite(path, noise((5, 6), "uint16"), imagej=True, resolution=(50, 50), metadata={"unit": "um"})
    image = read_image(path)
    np.testing.assert_allclose(image.metadata["pixel_nm"], 20.0)
    assert "description" not in image.metadata


@pytest.mark.parametrize(("stored", "read"), [("float64", "float32"), ("int16", "float32"), ("uint32", "float32")])
def test_other_types_become_float32(tmp_path: Path, stored: str, read: str) -> None:
    path = tmp_path / "a.tif"
    values = np.array([[-3 if stored != "uint32" else 3, 1000], [7, 0]], dtype=stored)
    tifffile.imwrite(path, values)
    image = read_image(path)
    assert image.pixels.dtype == read
    np.testing.assert_array_equal(image.pixels[0], values)


def test_values_beyond_float32_are_refused(tmp_path: Path) -> None:
    for name, value in (("a", np.uint32(2**24 + 1)), ("b", np.int32(-(2**24) - 1)), ("c", np.complex64(1j))):
        tifffile.imwrite(tmp_path / f"{name}.tif", np.full((4, 4), value))
        with pytest.raises(InputError, match="do not fit"):
            read_image(tmp_path / f"{name}.tif")


def test_big_endian_palettes_and_bits(tmp_path: Path) -> None:
    pixels = noise((5, 7), "uint16")
    tifffile.imwrite(tmp_path / "be.tif", pixels, byteorder=">")
    np.testing.assert_array_equal(read_image(tmp_path / "be.tif").pixels[0], pixels)
    Pillow.fromarray(noise((5, 7), "uint8")).convert("P").save(tmp_path / "p.png")
    assert image_shape(tmp_path / "p.png") == read_image(tmp_path / "p.png").pixels.shape == (3, 5, 7)
    Pillow.fromarray(pixels > 30000).save(tmp_path / "1.png")
    np.testing.assert_array_equal(read_image(tmp_path / "1.png").pixels[0], 255 * (pixels > 30000))


def test_stacks_are_refused_by_shape(tmp_path: Path) -> None:
    for shape in ((7, 5, 6), (2, 3, 5, 6)):
        tifffile.imwrite(tmp_path / "stack.tif", noise(shape, "uint8"), photometric="minisblack")
        for call in (read_image, image_shape):
            with pytest.raises(InputError, match=str(shape).replace("(", r"\(").replace(")", r"\)")):
                call(tmp_path / "stack.tif")


def damaged(folder: Path) -> dict[str, Path]:
    pixels = noise((40, 50), "uint16")
    text, cut, cut_png, wrong = (folder / n for n in ("text.tif", "cut.tif", "cut.png", "wrong.png"))
    text.write_text("Results of Tuesday\n")
    for path in (cut, cut_png):
        write_image(path, pixels)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    write_image(folder / "good.tif", pixels)
    wrong.write_bytes((folder / "good.tif").read_bytes())
    (folder / "empty.tif").touch()
    (folder / "folder.tif").mkdir()
    (folder / "note.txt").write_text("x")
    (folder / "stub.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    names = ("empty.tif", "folder.tif", "missing.tif", "note.txt", "stub.png")
    return {p.name: p for p in (text, cut, cut_png, wrong, *(folder / n for n in names))}


def test_bad_files_are_refused_in_one_line(tmp_path: Path) -> None:
    reasons = {
        "text.tif": "damaged",
        "cut.tif": "damaged",
        "cut.png": "damaged",
        "wrong.png": "damaged",
        "stub.png": "damaged",
        "empty.tif": "empty",
        "folder.tif": "folder",
        "missing.tif": "no such file",
        "note.txt": "not supported",
    }
    for name, path in damaged(tmp_path).items():
        with pytest.raises(InputError, match=reasons[name]) as caught:
            read_image(path)
        assert "\n" not in str(caught.value)
        assert name in str(caught.value)


@pytest.mark.parametrize("keep", [0.05, 0.3, 0.9, 0.999])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_truncated_tiffs_never_pass(tmp_path: Path, keep: float, compression: str | None) -> None:
    path = tmp_path / "a.tif"
    pixels = noise((3, 64, 64), "uint16")
    tifffile.imwrite(path, pixels, photometric="minisblack", compression=compression, metadata=None)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * keep)])
    with pytest.raises(InputError, match="damaged"):
        read_image(path)


def test_missing_codec_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ValueError("<COMPRESSION.LZW: 5> requires the 'imagecodecs' package")

    tifffile.imwrite(tmp_path / "a.tif", noise((4, 4), "uint8"), compression="zlib")
    monkeypatch.setattr(tifffile.TiffPageSeries, "asarray", fail)
    with pytest.raises(InputError, match="pip install imagecodecs"):
        read_image(tmp_path / "a.tif")


def test_sixteen_bit_colour_png_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "rgb16.png"
    write_image(path, noise((4, 4), "uint16"))
    header = bytearray(path.read_bytes())
    header[25] = 2
    path.write_bytes(bytes(header))
    with pytest.raises(InputError, match="16-bit colour"):
        read_image(path)


def test_failed_write_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.tif"
    old = noise((5, 5), "uint8")
    write_image(path, old)

    def full(file: Any, *_: Any, **__: Any) -> None:
        file.write(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tifffile, "imwrite", full)
    with pytest.raises(InputError, match=r"No space left.*choose a folder"):
        write_image(path, noise((5, 5), "uint8"))
    assert [p.name for p in tmp_path.iterdir()] == ["a.tif"]
    np.testing.assert_array_equal(read_image(path).pixels[0], old)


def test_folders_and_arrays_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="choose a folder"):
        write_image(tmp_path / "missing" / "a.tif", noise((4, 4), "uint8"))
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="choose a folder"):
        write_image(tmp_path / "file" / "a.png", noise((4, 4), "uint8"))
    for array in (np.zeros(4), np.zeros((5, 4, 4)), np.zeros((1, 0, 4)), np.zeros((2, 2, 4, 4))):
        with pytest.raises(InputError, match="shape"):
            write_image(tmp_path / "a.tif", array)
    with pytest.raises(InputError, match="int64"):
        write_image(tmp_path / "a.tif", np.zeros((4, 4), dtype=np.int64))
    with pytest.raises(InputError, match="extension"):
        write_image(tmp_path / "a.bmp", noise((4, 4), "uint8"))
    write_image(tmp_path / "a.tif", np.full((4, 4), 0.1))
    assert read_image(tmp_path / "a.tif").pixels.dtype == np.float32


def test_rgb_and_rgba_of_arrays(tmp_path: Path) -> None:
    """Channels last without further words are colours, and a fourth one is transparency."""
    for channels, extra in ((3, ()), (4, (2,))):
        write_image(tmp_path / "a.tif", noise((channels, 5, 6), "uint8"), {"axes": "YXC"})
        with tifffile.TiffFile(tmp_path / "a.tif") as file:
            page = file.pages[0]
            assert (int(page.photometric), tuple(map(int, page.extrasamples))) == (2, extra)
        assert "samples" not in read_image(tmp_path / "a.tif").metadata
