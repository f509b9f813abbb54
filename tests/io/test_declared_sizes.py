"""Files that unpack to far more than they are, or declare more than memory holds."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

from wavegen.core.errors import InputError
from wavegen.core.segments import check_segments
from wavegen.io import image_header, read_image
from wavegen.io.limits import opened_picture

LONG = {259: 3, 262: 3, 258: 3, 277: 3}  # tags of 16 bits; all others have 32


def tiff_of(path: Path, side: int, data: bytes, compression: int) -> Path:
    """A page of ``side`` x ``side`` bytes whose only strip holds ``data``."""
    tags = {256: side, 257: side, 258: 8, 259: compression, 262: 1, 273: 8, 277: 1, 278: side, 279: len(data)}
    directory = b"".join(
        struct.pack("<HHIHH", tag, 3, 1, value, 0) if tag in LONG else struct.pack("<HHII", tag, 4, 1, value)
        for tag, value in tags.items()
    )
    padded = data + b"\0" * (len(data) % 2)
    path.write_bytes(
        struct.pack("<2sHI", b"II", 42, 8 + len(padded)) + padded + struct.pack("<H", len(tags)) + directory + b"\0" * 4
    )
    return path


def check(path: Path) -> None:
    with tifffile.TiffFile(path) as file:
        for page in file.pages:
            check_segments(path, page)


@pytest.mark.parametrize("compression", ["jpeg", "jpeg2000", "png", "deflate", "lzw", "zstd", "packbits", None])
@pytest.mark.parametrize("layout", [{}, {"tile": (64, 48)}, {"rowsperstrip": 33}])
def test_honest_strips_and_tiles_pass(compression: str | None, layout: dict[str, object], tmp_path: Path) -> None:
    pixels = np.arange(130 * 100, dtype=np.uint16).astype(np.uint8).reshape(130, 100)
    tifffile.imwrite(tmp_path / "a.tif", pixels, compression=compression, **layout)
    check(tmp_path / "a.tif")


@pytest.mark.parametrize(
    ("encode", "compression"), [("jpeg8_encode", 7), ("jpeg2k_encode", 34712), ("png_encode", 34933)]
)
def test_an_image_larger_than_its_strip_is_refused_by_its_header(encode: str, compression: int, tmp_path: Path) -> None:
    data = getattr(imagecodecs, encode)(np.zeros((600, 500), np.uint8))
    with pytest.raises(InputError, match="16x16 pixels holds an image of 600x500"):
        check(tiff_of(tmp_path / "a.tif", 16, data, compression))


@pytest.mark.parametrize("data", [b"", b"\xff\xd8", b"\xff\xd8" + b"\0" * 40])
def test_a_strip_without_a_header_is_no_endless_search(data: bytes, tmp_path: Path) -> None:
    path = tiff_of(tmp_path / "a.tif", 16, data + b"\0", 7)
    with pytest.raises((ValueError, struct.error)):
        check(path)


def test_other_images_inside_a_tiff_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="compression WEBP is not read; save it uncompressed"):
        check(tiff_of(tmp_path / "a.tif", 16, b"\0" * 30, 50001))


@pytest.mark.parametrize("compression", [8, 50000, 32773])
def test_a_strip_that_inflates_to_64_mb_is_an_error_without_the_memory(compression: int, tmp_path: Path) -> None:
    zeros = bytes(2**26)
    packed = {8: zlib.compress(zeros), 50000: imagecodecs.zstd_encode(zeros), 32773: b"\x81\0" * 2**19}[compression]
    path = tiff_of(tmp_path / "a.tif", 16, packed, compression)
    with tifffile.TiffFile(path) as file, pytest.raises(RuntimeError, match=r"(?i)space|small"):
        file.asarray()


def png_of(path: Path, width: int, height: int) -> Path:
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b""))
    return path


def test_pictures_have_one_limit_which_is_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = png_of(tmp_path / "large.png", 20_000, 19_000)  # 380 megapixels, more than Pillow opens
    with opened_picture(path, "PNG") as file:
        assert file.size == (20_000, 19_000)
    monkeypatch.setenv("WAVEGEN_MAX_IMAGE_GB", "0.3")
    refusal = r"19000x20000x1 values of uint8, 0\.4 GB.*set WAVEGEN_MAX_IMAGE_GB=1"
    with pytest.raises(InputError, match=refusal), opened_picture(path, "PNG"):
        pass


def test_the_header_of_a_png_does_not_decode_it(tmp_path: Path) -> None:
    """Pillow's ``getexif`` would, to look for Exif data behind the pixels."""
    path = tmp_path / "a.png"
    Image.fromarray(np.zeros((64, 64), np.uint8)).save(path)
    content = bytearray(path.read_bytes())
    start = content.index(b"IDAT") + 4
    content[start : start + 8] = b"\xff" * 8
    path.write_bytes(content)
    assert image_header(path).shape == (1, 64, 64)
    with pytest.raises(InputError, match="damaged"):
        read_image(path)
