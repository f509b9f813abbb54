"""Stacks: every format preserves pixels, dtype, axes and metadata; what does not fit is refused by name."""

from __future__ import annotations

import errno
import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow

from wavegen.core.errors import InputError
from wavegen.io import Place, Stack, jpeg_loss, open_stack, saturated_share, stack_writer, write_image, write_stack
from wavegen.io.files import kind_of
from wavegen.io.records import split_records, with_records

STACKS = (".tif", ".ome.tif", ".ome.zarr")
RECORD = {"software": "wavegen 0", "steps": 4, "seed": 3}
NAMES = ("DAPI", "GFP", "Cy5", "Alexa", "RFP", "BF")


def values(shape: tuple[int, ...], dtype: str, seed: int = 0) -> np.ndarray[Any, Any]:
    rng = np.random.default_rng(seed)
    return (rng.random(shape) * (1 if dtype == "float32" else np.iinfo(dtype).max)).astype(dtype)


def stack_of(axes: str, shape: tuple[int, ...], dtype: str) -> Stack:
    pixel_um = {"X": 0.065, "Y": 0.065} | ({"Z": 0.2} if "Z" in axes else {})
    channels = NAMES[: shape[axes.index("C")]] if "C" in axes else ()
    other = {"description": "HeLa, 20 µm"} | ({"interval_s": 1.5} if "T" in axes else {})
    return Stack(values(shape, dtype), axes, pixel_um, channels, other)


@pytest.mark.parametrize("extension", STACKS)
@pytest.mark.parametrize(
    ("axes", "shape", "dtype"),
    [
        ("TZCYX", (2, 3, 2, 7, 9), "uint8"),
        ("TZCYX", (2, 3, 2, 7, 9), "uint16"),
        ("TZCYX", (2, 3, 2, 7, 9), "float32"),
        ("ZYX", (4, 5, 6), "uint16"),
        ("CYX", (2, 5, 6), "uint8"),
        ("TCYX", (3, 2, 5, 6), "float32"),
        ("ZCYX", (3, 6, 5, 6), "uint16"),
        ("TYX", (7, 4, 5), "uint8"),
        ("YX", (5, 6), "float32"),
    ],
)
def test_round_trip(tmp_path: Path, axes: str, shape: tuple[int, ...], extension: str, dtype: str) -> None:
    path = tmp_path / f"a{extension}"
    stack = stack_of(axes, shape, dtype)
    write_stack(path, stack, RECORD)
    found = open_stack(path)
    assert (found.axes, found.shape, found.dtype, found.channels) == (axes, shape, dtype, stack.channels)
    np.testing.assert_array_equal(found.array[:], stack.array)
    assert dict(found.pixel_um) == pytest.approx(dict(stack.pixel_um), rel=1e-6)
    assert found.other["records"] == [RECORD]
    assert found.other.get("interval_s") == stack.other.get("interval_s")
    assert found.description == stack.other["description"]
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    write_stack(tmp_path / f"b{extension}", found, {"again": True})  # what was done earlier is not lost
    again = open_stack(tmp_path / f"b{extension}")
    assert again.other["records"] == [RECORD, {"again": True}]
    assert {k: v for k, v in again.other.items() if k not in ("records", "imagej")} == {
        k: v for k, v in found.other.items() if k not in ("records", "imagej")
    }


@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_any_shape_and_order_of_axes(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """OME formats hold any order; length-one axes are kept by Zarr and dropped by TIFF."""
    extension = data.draw(st.sampled_from(STACKS))
    few = data.draw(st.sets(st.sampled_from("TCZ")))
    order = "".join(data.draw(st.permutations(sorted(few))))
    least = 1 if extension == ".ome.zarr" else 2
    shape = tuple(data.draw(st.integers(least, 4)) for _ in order) + tuple(data.draw(st.integers(2, 6)) for _ in "YX")
    stack = stack_of(order + "YX", shape, data.draw(st.sampled_from(["uint8", "uint16", "float32"])))
    path = tmp_path_factory.mktemp("any") / f"a{extension}"
    write_stack(path, stack)
    found = open_stack(path)
    if kind_of(path, stack) == "imagej":
        assert found.axes == "".join(axis for axis in "TZCYX" if axis in stack.axes)
    else:
        assert (found.axes, found.shape) == (stack.axes, stack.shape)
    assert (found.dtype, found.channels) == (stack.dtype, stack.channels)
    for place, other in zip(stack.places(), found.places(), strict=True):
        np.testing.assert_array_equal(found.plane(other), stack.plane(place))


@pytest.mark.parametrize("extension", STACKS)
@pytest.mark.parametrize(
    "axes", ["".join(order) for letters in ("YX", "CYX", "ZCYX") for order in itertools.permutations(letters)]
)
def test_every_order_of_axes_is_written(tmp_path: Path, axes: str, extension: str) -> None:
    """TIFF has Y and X last, whatever the order of the source; the planes are the same."""
    stack = Stack(values(tuple({"Z": 2, "C": 3, "Y": 4, "X": 5}[axis] for axis in axes), "uint16"), axes)
    write_stack(tmp_path / f"a{extension}", stack)
    found = open_stack(tmp_path / f"a{extension}")
    for place in stack.places():
        np.testing.assert_array_equal(found.plane(place), stack.plane(place))


@pytest.mark.parametrize(("source", "target"), itertools.permutations(STACKS, 2))
def test_formats_convert(tmp_path: Path, source: str, target: str) -> None:
    stack = stack_of("TZCYX", (2, 3, 2, 7, 9), "uint16")
    write_stack(tmp_path / f"a{source}", stack)
    write_stack(tmp_path / f"b{target}", open_stack(tmp_path / f"a{source}"))
    found = open_stack(tmp_path / f"b{target}")
    assert (found.axes, found.channels, found.other["interval_s"]) == ("TZCYX", ("DAPI", "GFP"), 1.5)
    assert dict(found.pixel_um) == pytest.approx(dict(stack.pixel_um), rel=1e-6)
    assert found.description == stack.description
    np.testing.assert_array_equal(found.array[:], stack.array)


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_ngff_metadata(tmp_path: Path, version: str) -> None:
    path = tmp_path / "a.ome.zarr"
    stack = stack_of("TCZYX", (2, 2, 3, 5, 6), "uint16")
    write_stack(path, Stack(stack.array, stack.axes, stack.pixel_um, stack.channels, {"version": version}))
    group = zarr.open_group(str(path), mode="r")
    attributes = dict(group.attrs)
    ome = attributes if version == "0.4" else attributes["ome"]
    assert group.metadata.zarr_format == (2 if version == "0.4" else 3)
    image = ome["multiscales"][0]
    assert (ome.get("version") or image["version"]) == version
    assert [axis["name"] for axis in image["axes"]] == list("tczyx")
    assert [axis["type"] for axis in image["axes"]] == ["time", "channel", "space", "space", "space"]
    assert image["axes"][-1]["unit"] == "micrometer"
    (scale,) = image["datasets"][0]["coordinateTransformations"]
    assert scale == {"type": "scale", "scale": [1.0, 1.0, 0.2, 0.065, 0.065]}
    assert [channel["label"] for channel in ome["omero"]["channels"]] == ["DAPI", "GFP"]
    assert group["0"].chunks == (1, 1, 1, 5, 6)
    assert open_stack(path).other["version"] == version


def test_zarr_planes_are_read_when_asked_for(tmp_path: Path) -> None:
    """A chunk that is damaged harms its own plane only, so the others did not read it."""
    path = tmp_path / "a.ome.zarr"
    write_stack(path, stack_of("ZYX", (3, 8, 8), "uint16"))
    (path / "0" / "c" / "1" / "0" / "0").write_bytes(b"damaged")
    stack = open_stack(path)
    for z in (0, 2):
        np.testing.assert_array_equal(stack.plane(Place(0, z))[0], stack_of("ZYX", (3, 8, 8), "uint16").array[z])
    with pytest.raises(Exception, match=r".+"):
        stack.plane(Place(0, 1))


def test_zarr_of_others(tmp_path: Path) -> None:
    """Nanometres, a level above the finest, axes as plain names, no names of channels."""
    group = zarr.open_group(str(tmp_path / "a.zarr"), mode="w", zarr_format=2)
    group.create_array("s0", data=values((2, 4, 4), "uint16"))
    group.create_array("s1", data=values((2, 2, 2), "uint16"))
    axes = [{"name": n, "type": "space", "unit": "nanometer"} for n in "zyx"]
    levels = [
        {"path": f"s{k}", "coordinateTransformations": [{"type": "scale", "scale": [300, 50 * 2**k, 50 * 2**k]}]}
        for k in (0, 1)
    ]
    group.attrs["multiscales"] = [{"version": "0.4", "axes": axes, "datasets": levels}]
    stack = open_stack(tmp_path / "a.zarr")
    assert (stack.axes, stack.shape, stack.channels) == ("ZYX", (2, 4, 4), ())
    assert dict(stack.pixel_um) == pytest.approx({"Z": 0.3, "Y": 0.05, "X": 0.05})


def test_zarr_that_is_no_image(tmp_path: Path) -> None:
    zarr.open_group(str(tmp_path / "a.zarr"), mode="w").create_group("well")
    with pytest.raises(InputError, match=r"not an OME-Zarr image.*well"):
        open_stack(tmp_path / "a.zarr")
    with pytest.raises(InputError, match="no such folder"):
        open_stack(tmp_path / "none.zarr")
    (tmp_path / "b.zarr").mkdir()
    with pytest.raises(InputError, match=r"b\.zarr"):
        open_stack(tmp_path / "b.zarr")


def test_imagej_extras_survive(tmp_path: Path) -> None:
    path, back = tmp_path / "a.tif", tmp_path / "b.tif"
    luts = [np.zeros((3, 256), np.uint8), np.full((3, 256), 7, np.uint8)]
    labels = [f"z{z} c{c}" for z in range(3) for c in range(2)]
    extra = {"axes": "ZCYX", "unit": "micron", "spacing": 0.5, "Info": "a = 1", "LUTs": luts, "Labels": labels}
    tifffile.imwrite(path, values((3, 2, 4, 5), "uint8"), imagej=True, resolution=(5, 5), metadata=extra)
    stack = open_stack(path)
    assert (stack.axes, stack.channels) == ("ZCYX", ())
    assert dict(stack.pixel_um) == pytest.approx({"X": 0.2, "Y": 0.2, "Z": 0.5})
    write_stack(back, stack, RECORD)
    with tifffile.TiffFile(back) as file:
        kept = file.imagej_metadata
        assert file.is_imagej
    assert kept["Labels"] == labels
    assert kept["Info"] == "a = 1\nwavegen: " + json.dumps(RECORD)
    np.testing.assert_array_equal(kept["LUTs"][1], luts[1])


def test_axes_are_named_by_the_user(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, values((7, 5, 6), "uint8"), photometric="minisblack", metadata=None)
    with pytest.raises(InputError, match=r"\(7, 5, 6\) is a stack whose axes the file does not name.*--axes.*CYX"):
        open_stack(path)
    for axes in ("TYX", "ZYX", "CYX", "YXZ"):
        stack = open_stack(path, axes)
        assert (stack.axes, stack.size(axes.strip("YX")[0])) == (axes, 6 if axes == "YXZ" else 7)
    for axes, reason in (
        ("ZCYX", "4 dimension"),
        ("ZZY", "once"),
        ("ZYQ", "once"),
        ("YX", "2 dimension"),
        ("TZC", "Y and X"),
    ):
        with pytest.raises(InputError, match=reason) as caught:
            open_stack(path, axes)
        assert "a.tif" in str(caught.value)
    write_stack(tmp_path / "b.ome.zarr", stack_of("ZYX", (2, 3, 4), "uint8"))
    assert open_stack(tmp_path / "b.ome.zarr", "TYX").axes == "TYX"
    with pytest.raises(InputError, match="dimension"):
        open_stack(tmp_path / "b.ome.zarr", "YX")
    assert open_stack(tmp_path / "b.ome.zarr", "TYX").size("T") == 2


def test_planes_have_channels_first() -> None:
    array = values((2, 3, 4, 5), "uint16")
    for order in itertools.permutations(range(4)):
        stack = Stack(array.transpose(order), "".join("ZCYX"[k] for k in order))
        np.testing.assert_array_equal(stack.plane(Place(0, 1)), array[1])
        np.testing.assert_array_equal(stack.arrange(array[1]), stack.array[stack.index(Place(0, 1))])


def test_stacks_refuse_what_does_not_fit() -> None:
    for axes in ("ZYX", "YY", "YQ", "XC"):
        with pytest.raises(InputError, match="axes"):
            Stack(np.zeros((3, 4)), axes)
    with pytest.raises(InputError, match="empty"):
        Stack(np.zeros((0, 4)), "YX")
    with pytest.raises(InputError, match="2 channel names for 3"):
        Stack(np.zeros((3, 4, 4)), "CYX", channels=("a", "b"))


def test_what_a_format_does_not_hold(tmp_path: Path) -> None:
    stack, plane = stack_of("ZYX", (3, 5, 6), "uint16"), Stack(values((5, 6), "uint16"), "YX")
    for name, one, reason in (
        ("a.png", stack, "one plane, this is a stack"),
        ("a.jpg", plane, "JPEG takes uint8"),
        ("a.png", Stack(values((5, 6), "float32"), "YX"), "PNG takes"),
        ("a.bmp", plane, "not supported"),
    ):
        with pytest.raises(InputError, match=reason):
            write_stack(tmp_path / name, one)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("extension", STACKS)
def test_failed_write_keeps_the_old_file(tmp_path: Path, extension: str) -> None:
    path = tmp_path / f"a{extension}"
    old, new = stack_of("ZYX", (3, 5, 6), "uint8"), Stack(values((3, 5, 6), "uint8", 1), "ZYX")
    write_stack(path, old)

    def fail(error: Exception) -> None:
        with stack_writer(path, new) as put:
            put(Place(0, 0), new.plane())
            raise error

    with pytest.raises(InputError, match="No space left"):
        fail(OSError(errno.ENOSPC, "No space left on device"))
    with pytest.raises(KeyboardInterrupt):
        fail(KeyboardInterrupt())  # type: ignore[arg-type]
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    np.testing.assert_array_equal(open_stack(path).array[:], old.array)
    write_stack(path, new)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    np.testing.assert_array_equal(open_stack(path).array[:], new.array)


def test_compressed_and_damaged_tiff_stacks(tmp_path: Path) -> None:
    array = values((6, 40, 50), "uint16")
    path = tmp_path / "a.ome.tif"
    tifffile.imwrite(path, array, compression="zlib", metadata={"axes": "ZYX"})
    np.testing.assert_array_equal(open_stack(path).array[:], array)
    write_stack(tmp_path / "b.tif", Stack(array, "ZYX"))
    for cut in (path, tmp_path / "b.tif"):
        cut.write_bytes(cut.read_bytes()[: cut.stat().st_size // 2])
        with pytest.raises(InputError, match="damaged"):
            open_stack(cut)


def test_big_endian_and_wide_types(tmp_path: Path) -> None:
    array = values((3, 5, 6), "uint16")
    tifffile.imwrite(tmp_path / "a.tif", array, byteorder=">", photometric="minisblack", metadata=None)
    np.testing.assert_array_equal(open_stack(tmp_path / "a.tif", "ZYX").plane(Place(0, 2))[0], array[2])
    tifffile.imwrite(tmp_path / "b.tif", array.astype(np.float64), photometric="minisblack", metadata=None)
    stack = open_stack(tmp_path / "b.tif", "ZYX")
    assert stack.dtype == np.float32
    assert stack.plane().dtype == np.float32
    tifffile.imwrite(tmp_path / "c.tif", array.astype(np.complex64), photometric="minisblack", metadata=None)
    with pytest.raises(InputError, match="complex64"):
        open_stack(tmp_path / "c.tif", "ZYX")


def test_colour_palettes_and_alpha(tmp_path: Path) -> None:
    rgba = values((5, 6, 4), "uint8")
    Pillow.fromarray(rgba).save(tmp_path / "a.png")
    stack = open_stack(tmp_path / "a.png")
    assert (stack.axes, stack.other["rgb"], stack.other["alpha"]) == ("YXC", True, True)
    Pillow.fromarray(rgba[..., :3]).convert("P").save(tmp_path / "p.png")
    stack = open_stack(tmp_path / "p.png")
    assert (stack.size("C"), stack.other["alpha"]) == (3, False)
    for name in ("b.png", "b.tif", "b.ome.tif"):
        write_stack(tmp_path / name, open_stack(tmp_path / "a.png"), RECORD)
        found = open_stack(tmp_path / name)
        assert (found.axes, found.other["alpha"], found.other["records"]) == ("YXC", True, [RECORD])
        np.testing.assert_array_equal(found.array[:], rgba)


@pytest.mark.parametrize("shape", [(5, 6, 3), (2, 5, 6, 3)])
def test_colour_of_imagej_keeps_its_axes(tmp_path: Path, shape: tuple[int, ...]) -> None:
    array, axes = values(shape, "uint8"), "ZYXC"[-len(shape) :]
    extra = {"axes": axes.replace("C", "S"), "unit": "um", "Info": "a = 1"}
    tifffile.imwrite(tmp_path / "a.tif", array, imagej=True, resolution=(5, 5), metadata=extra)
    write_stack(tmp_path / "b.tif", open_stack(tmp_path / "a.tif"))
    found = open_stack(tmp_path / "b.tif")
    assert (found.axes, found.other["rgb"]) == (axes, True)
    assert (found.pixel_um["X"], found.description) == (pytest.approx(0.2), "a = 1")
    np.testing.assert_array_equal(found.array[:], array)


def test_jpeg_states_its_loss(tmp_path: Path) -> None:
    ramp = np.add.outer(np.arange(32), np.arange(40)).astype(np.uint8)
    for pixels in (ramp[None], np.stack([ramp, ramp[::-1], 255 - ramp])):
        path = tmp_path / "a.jpg"
        write_image(path, pixels, {"description": "µ"})
        loss = jpeg_loss(path, pixels)
        assert 0 <= loss.rms <= loss.largest <= 12
        found = open_stack(path)
        assert (found.plane().shape, found.dtype) == (pixels.shape, np.uint8)
        assert found.other["description"] == "µ"
    assert jpeg_loss(path, pixels + np.uint8(100)).rms > 50
    Pillow.fromarray(values((5, 6, 4), "uint8"), mode="CMYK").save(tmp_path / "cmyk.jpg")
    with pytest.raises(InputError, match="CMYK"):
        open_stack(tmp_path / "cmyk.jpg")


def test_records_are_lines_of_text() -> None:
    assert split_records(with_records("two\nlines", [RECORD, {"a": 1}])) == ("two\nlines", [RECORD, {"a": 1}])
    assert split_records("wavegen: not json\nwavegen: [1]") == ("wavegen: not json\nwavegen: [1]", [])
    assert with_records("", []) == ""


@pytest.mark.parametrize("top", [255, 1023, 4095, 16383, 65535])
def test_saturation_at_a_detectors_end(top: int) -> None:
    pixels = np.linspace(0, top, 4000).astype(np.uint16).reshape(40, 100)
    pixels[:2] = top
    assert saturated_share(pixels) == pytest.approx(201 / 4000, abs=1e-3)


def test_saturation_elsewhere() -> None:
    pixels = np.linspace(0, 3000, 4000).reshape(40, 100)
    assert saturated_share(pixels.astype(np.float32)) == 0
    clipped = np.minimum(pixels, 2500).astype(np.uint16) + 32768  # under an offset the plateau tells
    assert saturated_share(clipped) == pytest.approx(0.167, abs=0.01)
    assert saturated_share(np.full((4, 4), 255, np.uint8)) == 0
    assert saturated_share(np.random.default_rng(0).poisson(1, (50, 50)).astype(np.uint16)) == 0
    assert saturated_share(np.zeros((0, 4), np.uint8)) == 0
