"""What samples, tags, units and missing planes mean: the right value, or a refusal that names it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import zarr
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from benchmarks.file_kinds import KINDS, ramp
from wavegen.core.errors import InputError
from wavegen.degradations.beads import read_psf
from wavegen.io import Stack, image_header, not_kept, of_another_quantity, open_stack, partners, read_image, write_stack
from wavegen.io.samples import ASSOCIATED, UNASSOCIATED, UNSPECIFIED, Samples, meaning
from wavegen.io.stack import native
from wavegen.io.units import PREFIXES, converted, micrometres, seconds

OME = '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">'


# Samples.


@pytest.mark.parametrize("photometric", [0, 1, 2])
@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("last", [UNSPECIFIED, ASSOCIATED, UNASSOCIATED])
def test_table_of_samples(photometric: int, count: int, last: int) -> None:
    base = 3 if photometric == 2 else 1
    extra = (UNSPECIFIED,) * max(0, count - base - 1) + (last,) * (count > base)
    if count > 4 or count < base:
        with pytest.raises(InputError, match=f"{count} sample"):
            meaning(photometric, count, extra)
        return
    found = meaning(photometric, count, extra, planar=True)
    assert found.samples == Samples(photometric == 2, extra, planar=True)
    assert found.samples.alpha == (count > base and last != UNSPECIFIED)
    assert (found.inverted, found.palette) == (photometric == 0, False)


def test_extra_samples_that_the_file_does_not_name_are_channels() -> None:
    assert meaning(1, 4, ()).samples == Samples(extra=(UNSPECIFIED,) * 3)
    assert not meaning(2, 4, ()).samples.alpha


def test_palettes_are_colours_except_in_imagej() -> None:
    assert meaning(3, 1, ()) == (Samples(colour=True), True, False)
    assert meaning(3, 1, (), imagej=True) == (Samples(), False, False)
    with pytest.raises(InputError, match="palette with 2"):
        meaning(3, 2, ())


@pytest.mark.parametrize(
    ("photometric", "name"),
    [
        (4, "mask"),
        (5, "CMYK"),
        (6, "YCbCr"),
        (8, "CIELAB"),
        (9, "ICCLAB"),
        (32803, "filter"),
        (32844, "LogL"),
        (77, "77"),
    ],
)
def test_other_interpretations_are_refused_by_name(photometric: int, name: str) -> None:
    with pytest.raises(InputError, match=name):
        meaning(photometric, 3, ())


def test_alpha_that_is_not_last_is_refused() -> None:
    with pytest.raises(InputError, match="alpha channel is not the last"):
        meaning(1, 3, (UNASSOCIATED, UNSPECIFIED))


@pytest.mark.parametrize("mode", ["CMYK", "YCbCr", "LAB"])
def test_files_in_other_colours_are_refused(tmp_path: Path, mode: str) -> None:
    Image.fromarray(ramp(8, 8, 3, dtype="uint8")).convert("CMYK" if mode == "CMYK" else "RGB").save(tmp_path / "a.tif")
    if mode != "CMYK":
        tag = {"YCbCr": 6, "LAB": 8}[mode]
        with tifffile.TiffFile(tmp_path / "a.tif", mode="r+b") as file:
            file.pages[0].tags["PhotometricInterpretation"].overwrite(tag)
    for read in (open_stack, read_image):
        with pytest.raises(InputError, match={"LAB": "CIELAB"}.get(mode, mode)):
            read(tmp_path / "a.tif")


def test_training_reads_samples_as_restoring_does(tmp_path: Path) -> None:
    for number, kind in enumerate(kind for kind in KINDS if kind.extension in (".tif", ".png")):
        path = tmp_path / f"{number}{kind.extension}"
        kind.make(path)
        stack = open_stack(path)
        if stack.size("T") * stack.size("Z") == 1:
            np.testing.assert_array_equal(read_image(path).pixels, stack.plane(), err_msg=kind.name)


# Planes that are not in the file.


def _announcing_more(path: Path) -> dict[str, Any]:
    """Files that announce 5 planes and hold 3."""
    pages = ramp(3, 6, 8)
    text = "ImageJ=1.54f\nimages=5\nslices=5\nhyperstack=true\n"
    xml = OME + (
        '<Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="uint16" SizeX="8" SizeY="6" SizeZ="5" '
        'SizeC="1" SizeT="1"><Channel ID="Channel:0:0" SamplesPerPixel="1"/><TiffData/></Pixels></Image></OME>'
    )
    shaped = '{"shape": [5, 6, 8]}'
    return {
        f"{name} {packing}": (pages, description, {"compression": "zlib"} if packing == "compressed" else {})
        for name, description in (("imagej", text), ("ome", xml), ("shaped", shaped))
        for packing in ("plain", "compressed")
    }


@pytest.mark.parametrize("name", list(_announcing_more(Path())))
def test_fewer_planes_than_announced_are_refused(tmp_path: Path, name: str) -> None:
    pages, description, options = _announcing_more(tmp_path)[name]
    path = tmp_path / ("a.ome.tif" if name.startswith("ome") else "a.tif")
    with tifffile.TiffWriter(path) as writer:
        for number, page in enumerate(pages):
            text = description if number == 0 else None
            writer.write(page, description=text, metadata=None, contiguous=False, **options)
    with pytest.raises(InputError, match=r"planes are missing|not in the file|announces 5 plane") as caught:
        open_stack(path)
    assert str(path) in str(caught.value)
    with pytest.raises(InputError, match="plane"):
        read_image(path)


def _two_files(folder: Path) -> tuple[Path, Path]:
    kind = next(kind for kind in KINDS if kind.name == "one stack in two files")
    kind.make(folder / "a.ome.tif")
    return folder / "a.ome.tif", folder / "second-a.ome.tif"


def test_missing_partner_is_named_or_left_out(tmp_path: Path) -> None:
    first, second = _two_files(tmp_path)
    assert open_stack(first).shape == open_stack(second).shape == (2, 12, 10)
    assert partners(first) == partners(second) == (first.name, second.name)
    assert open_stack(first).other["remarks"] == (f"one image in several files, read together with {second.name}",)
    second.unlink()
    for read in (open_stack, read_image):
        with pytest.raises(InputError, match=r"z=1 \(second-a.ome.tif missing from .*--missing leave-out"):
            read(first)
    stack = open_stack(first, missing="leave-out")
    assert (stack.axes, stack.shape) == ("ZYX", (1, 12, 10))
    np.testing.assert_array_equal(stack.array[...], ramp(2, 12, 10)[:1])
    assert "z has 1 of 2" in stack.other["remarks"][0]


def test_sets_stay_in_their_folder(tmp_path: Path) -> None:
    first, second = _two_files(tmp_path)
    (tmp_path / "inner").mkdir()
    first = first.rename(tmp_path / "inner" / first.name)
    for there in ("../second-a.ome.tif", str(second)):
        content = first.read_bytes()
        with tifffile.TiffFile(first) as file:
            xml = file.ome_metadata.replace("second-a.ome.tif", there)
            page = file.pages[0].asarray()
        tifffile.imwrite(first, page, description=xml, metadata=None)
        with pytest.raises(InputError, match="must lie in one folder"):
            open_stack(first)
        first.write_bytes(content)


def test_pages_without_data_are_missing_planes(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, ramp(3, 6, 8), compression="zlib", metadata={"axes": "ZYX"}, photometric="minisblack")
    with tifffile.TiffFile(path, mode="r+b") as file:
        file.pages[1].tags["StripByteCounts"].overwrite(0)
    with pytest.raises(InputError, match="z=1"):
        open_stack(path)
    assert open_stack(path, missing="leave-out").shape == (2, 6, 8)


def test_files_described_elsewhere_name_the_description(tmp_path: Path) -> None:
    xml = OME + '<BinaryOnly MetadataFile="all.companion.ome" UUID="urn:uuid:1"/></OME>'
    tifffile.imwrite(tmp_path / "a.ome.tif", ramp(3, 6, 8), description=xml, metadata=None, photometric="minisblack")
    with pytest.raises(InputError, match=r"all\.companion\.ome"):
        open_stack(tmp_path / "a.ome.tif")
    assert open_stack(tmp_path / "a.ome.tif", "ZYX").shape == (3, 6, 8)


# Several images in one file.


def test_other_images_of_a_file_are_named_and_chosen(tmp_path: Path) -> None:
    path = tmp_path / "a.ome.tif"
    images = [ramp(6, 8), ramp(6, 8) // 2]
    with tifffile.TiffWriter(path, ome=True) as writer:
        for number, image in enumerate(images):
            writer.write(image, metadata={"axes": "YX", "Name": f"pos{number}", "PhysicalSizeX": 1.0 + number})
    for number, image in enumerate(images, 1):
        stack = open_stack(path, series=number)
        np.testing.assert_array_equal(stack.plane()[0], image)
        assert stack.other["remarks"] == (f"image {number} of 2 in the file; --series chooses another",)
        assert (stack.pixel_um["X"], stack.other["name"]) == (number, f"pos{number - 1}")
    for wrong in (0, 3):
        with pytest.raises(InputError, match=rf"holds 2 image.*no image {wrong}"):
            open_stack(path, series=wrong)


def test_frames_of_pngs_and_images_of_zarrs(tmp_path: Path) -> None:
    frames = [Image.fromarray(ramp(6, 8, dtype="uint8") // (k + 1)) for k in range(2)]
    frames[0].save(tmp_path / "a.png", save_all=True, append_images=frames[1:])
    np.testing.assert_array_equal(open_stack(tmp_path / "a.png", series=2).plane()[0], np.asarray(frames[1]))
    group = zarr.open_group(str(tmp_path / "a.zarr"), mode="w", zarr_format=2)
    for number in range(2):
        group.create_array(str(number), data=ramp(6, 8) // (number + 1))
    axes = [{"name": name, "type": "space"} for name in "yx"]
    group.attrs["multiscales"] = [
        {"axes": axes, "datasets": [{"path": str(number), "coordinateTransformations": []}]} for number in range(2)
    ]
    np.testing.assert_array_equal(open_stack(tmp_path / "a.zarr", series=2).plane()[0], ramp(6, 8) // 2)
    for name in ("a.png", "a.zarr"):
        assert "image 1 of 2" in open_stack(tmp_path / name).other["remarks"][0]
        with pytest.raises(InputError, match="no image 3"):
            open_stack(tmp_path / name, series=3)


def test_chunks_that_are_not_stored_are_named(tmp_path: Path) -> None:
    group = zarr.open_group(str(tmp_path / "a.zarr"), mode="w", zarr_format=2)
    array = group.create_array("0", shape=(2, 6, 8), chunks=(1, 6, 8), dtype="uint16")
    array[0] = ramp(6, 8)
    group.create_group("labels")
    axes = [{"name": name, "type": "space"} for name in "zyx"]
    group.attrs["multiscales"] = [{"axes": axes, "datasets": [{"path": "0"}]}]
    assert open_stack(tmp_path / "a.zarr").other["remarks"] == (
        "labels are not carried over",
        "1 of 2 chunks are not stored and read as 0",
    )


def test_axes_of_another_kind_are_refused_by_name(tmp_path: Path) -> None:
    group = zarr.open_group(str(tmp_path / "a.zarr"), mode="w", zarr_format=2)
    group.create_array("0", data=ramp(2, 6, 8))
    axes = [{"name": "a", "type": "angle"}, {"name": "y", "type": "space"}, {"name": "x", "type": "space"}]
    group.attrs["multiscales"] = [{"axes": axes, "datasets": [{"path": "0"}]}]
    with pytest.raises(InputError, match=r"axis 'a' \(angle\)"):
        open_stack(tmp_path / "a.zarr")
    assert open_stack(tmp_path / "a.zarr", "TYX").shape == (2, 6, 8)


# Units.


@given(st.sampled_from(sorted(PREFIXES)))
def test_every_prefix_in_every_spelling(prefix: str) -> None:
    symbol, power = PREFIXES[prefix]
    for text in (f"{symbol}m", f"{prefix}meter", f"{prefix}Metres", f" {prefix}metre "):
        np.testing.assert_allclose(micrometres(text) or 0, 10.0 ** (power + 6), rtol=1e-12)
    for text in (f"{symbol}s", f"{prefix}second", f"{prefix}seconds"):
        np.testing.assert_allclose(seconds(text) or 0, 10.0**power, rtol=1e-12)


@pytest.mark.parametrize("text", ["µm", "μm", "\\u00B5m", "\\u00b5m", "um", "micron", "microns", "Micrometers"])
def test_micrometres(text: str) -> None:
    assert micrometres(text) == 1


def test_other_units_and_what_is_none() -> None:
    lengths = {
        "Å": 1e-4,
        "A": 1e-4,
        "\u212b": 1e-4,
        "A\u030a": 1e-4,
        "angstroms": 1e-4,
        "in": 25400,
        "inches": 25400,
        '"': 25400,
        "thou": 25.4,
        "ft": 304800,
        "ua": 1.495978707e17,
        "ly": 9.4607304725808e21,
        "pc": 3.085677581491367e22,
        "parsec": 3.085677581491367e22,
        "feet": 304800,
        "yd": 914400,
        "mi": 1.609344e9,
        "pt": 25400 / 72,
        "li": 25400 / 12,
    }
    for text, value in lengths.items():
        np.testing.assert_allclose(micrometres(text) or 0, value, rtol=1e-12, err_msg=text)
    for text, value in {"min": 60, "h": 3600, "hours": 3600, "d": 86400, "days": 86400, "sec": 1, "us": 1e-6}.items():
        np.testing.assert_allclose(seconds(text) or 0, value, rtol=1e-12, err_msg=text)
    for nothing in ("pixel", "pixels", "reference frame", "", None, "furlong", "s", "M"):
        assert micrometres(nothing) is None
    assert seconds("m") is None
    assert converted(5.0, 1e-6) == 5e-6


# What is not kept, and values of another kind.


def test_what_a_format_does_not_hold_is_named(tmp_path: Path) -> None:
    other = {"orientation": 6, "icc": b"x", "interval_s": 1.0, "origin": {"X": 1.0}, "colors": ("FF0000", "")}
    stack = Stack(ramp(2, 6, 8), "CYX", {"X": 0.1, "Y": 0.1}, ("a", "b"), other)
    assert not_kept(tmp_path / "a.ome.zarr", stack) == ["orientation", "colour profile"]
    assert not_kept(tmp_path / "a.tif", stack) == ["position of the first pixel"]
    plain = Stack(ramp(6, 8, dtype="uint8"), "YX", {"X": 0.1, "Y": 0.1, "Z": 1.0}, (), {"interval_s": 1.0})
    assert not_kept(tmp_path / "a.png", plain) == ["spacing of planes", "frame interval"]
    assert not_kept(tmp_path / "a.jpg", plain) == ["pixel size", "spacing of planes", "frame interval"]
    vast = Stack(ramp(6, 8), "YX", {"X": 1e12, "Y": 1e12}, (), {"unconverted": {"Z": (1.0, "furlong")}})
    assert not_kept(tmp_path / "a.tif", vast)[0] == "pixel size"
    assert not_kept(tmp_path / "a.ome.tif", vast) == ["units that are no lengths"]


def test_a_spread_has_no_display_range_and_is_not_inverted(tmp_path: Path) -> None:
    window = {"label": "a", "window": {"start": 0, "end": 9}}
    other = {
        "white_is_zero": True,
        "imagej": {"Ranges": (1.0, 2.0), "min": 1, "Info": "x"},
        "omero": {"channels": [window]},
    }
    spread = of_another_quantity(Stack(ramp(6, 8), "YX", other=other))
    assert spread.other == {"imagej": {"Info": "x"}, "omero": {"channels": [{"label": "a"}]}}
    assert other["omero"]["channels"][0] is window
    write_stack(tmp_path / "s.tif", spread)
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "s.tif"), ramp(6, 8))


# Numbers that float32 does not hold.


def test_offsets_that_float32_loses_are_refused() -> None:
    contrast = np.linspace(0, 5000, 64)
    np.testing.assert_allclose(native(contrast + 1e6), contrast + 1e6, atol=0.1)
    with pytest.raises(InputError, match=r"near 1e\+09 that differ by 5e\+03 lose their contrast"):
        native(contrast + 1e9)
    with pytest.raises(InputError, match=r"float64 up to 5e\+42 do not fit"):
        native(contrast * 1e39)
    np.testing.assert_array_equal(native(np.full(4, 1e9 + 0.1)), np.full(4, np.float32(1e9)))
    assert np.isnan(native(np.array([np.nan, 1.0]))[0])


def test_links_to_nothing_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.tif").symlink_to(tmp_path / "gone.tif")
    with pytest.raises(InputError, match=r"a link to .*gone\.tif, which does not exist"):
        open_stack(tmp_path / "a.tif")


@pytest.mark.parametrize("loop", [[0], [0, 1], [0, 1, 2], [0, 1, 2, 1], [0, 1, 2, 2]])
def test_pages_that_lead_back_are_refused(tmp_path: Path, loop: list[int]) -> None:
    """tifffile follows some of these loops without end."""
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as writer:
        for page in ramp(3, 6, 8):
            writer.write(page, contiguous=False, metadata=None)
    with tifffile.TiffFile(path) as file:
        offsets = [page.offset for page in file.pages]
    content = bytearray(path.read_bytes())
    for here, there in zip(loop, [*loop[1:], loop[0]], strict=True):
        end = offsets[here] + 2 + 12 * int.from_bytes(content[offsets[here] : offsets[here] + 2], "little")
        content[end : end + 4] = offsets[there].to_bytes(4, "little")
    path.write_bytes(content)
    for read in (open_stack, lambda path: read_psf(path, size=5)):
        with pytest.raises(InputError, match="lead back to an earlier one"):
            read(path)


def test_bead_stacks_without_all_planes_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, ramp(16, 16), description='{"shape": [5, 16, 16]}', metadata=None)
    with pytest.raises(InputError, match="announces 5 plane"):
        read_psf(path, size=5)


@pytest.mark.parametrize(
    ("axes", "shape"), [("ZYX", (2, 6, 8)), ("TYX", (3, 6, 8)), ("CYX", (5, 6, 8)), ("ZCYX", (2, 5, 6, 8))]
)
def test_stacks_are_not_one_image(tmp_path: Path, axes: str, shape: tuple[int, ...]) -> None:
    tifffile.imwrite(tmp_path / "a.tif", ramp(*shape), imagej=True, metadata={"axes": axes})
    for read in (read_image, image_header):
        with pytest.raises(InputError, match="is not one image"):
            read(tmp_path / "a.tif")
    assert open_stack(tmp_path / "a.tif").axes == axes


def test_samples_of_a_stack_are_one_channel_of_ome(tmp_path: Path) -> None:
    """Names and colours belong to channels, which samples within pixels are not."""
    stack = Stack(
        ramp(2, 6, 8, 3, dtype="uint8"), "ZYXC", {}, (), {"samples": Samples(True), "rgb": True, "alpha": False}
    )
    write_stack(tmp_path / "a.ome.tif", stack)
    with tifffile.TiffFile(tmp_path / "a.ome.tif") as file:
        assert file.ome_metadata.count("<Channel ") == 1
    found = open_stack(tmp_path / "a.ome.tif")
    assert (found.axes, found.other["samples"]) == ("ZYXC", Samples(True))


def test_tiles_that_are_not_stored_are_told(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, ramp(32, 32), tile=(16, 16), compression="zlib", metadata=None)
    assert "remarks" not in open_stack(path).other
    with tifffile.TiffFile(path, mode="r+b") as file:
        counts = file.pages[0].databytecounts
        file.pages[0].tags["TileByteCounts"].overwrite((*counts[:3], 0))
    assert open_stack(path).other["remarks"] == ("parts of 1 plane(s) are not stored and read as 0",)


def test_colours_are_signed_numbers_of_ome(tmp_path: Path) -> None:
    stack = Stack(ramp(2, 6, 8), "CYX", {}, ("a", "b"), {"colors": ("FF0000", "00FF00")})
    write_stack(tmp_path / "a.ome.tif", stack)
    with tifffile.TiffFile(tmp_path / "a.ome.tif") as file:
        assert 'Color="-16776961"' in file.ome_metadata
        assert 'Color="16711935"' in file.ome_metadata


def test_prefixes_are_those_of_the_system_of_units() -> None:
    powers = {"Y": 30, "Z": 27, "E": 24, "P": 21, "T": 18, "G": 15, "M": 12, "k": 9, "h": 8, "da": 7, "d": 5, "c": 4}
    powers |= {"m": 3, "µ": 0, "n": -3, "p": -6, "f": -9, "a": -12, "z": -15, "y": -18, "": 6}
    for symbol, power in powers.items():
        np.testing.assert_allclose(micrometres(f"{symbol}m") or 0, 10.0**power, rtol=1e-12, err_msg=symbol)


def _store(path: Path, version: str = "0.4") -> Path:
    write_stack(path, Stack(ramp(2, 6, 8), "ZYX", other={"version": version}))
    return path


def test_hostile_metadata_of_zarr(tmp_path: Path) -> None:
    """Metadata that nothing needs to be so large, axes with endless names, planes of chunks that are not there."""
    path = _store(tmp_path / "large.ome.zarr")
    (path / ".zattrs").write_text('{"x": "' + 17_000_000 * "y" + '"}')
    with pytest.raises(InputError, match=r"\.zattrs has more than 16 MB"):
        open_stack(path)
    path = _store(tmp_path / "names.ome.zarr")
    text = (path / ".zattrs").read_text().replace('"z"', f'"{10_000 * "a"}"')
    (path / ".zattrs").write_text(text)
    with pytest.raises(InputError, match="is none of t, c, z, y, x") as caught:
        open_stack(path)
    assert len(str(caught.value)) < 500
    path = _store(tmp_path / "chunks.ome.zarr")
    array = path / "0" / ".zarray"
    array.write_text(json.dumps(json.loads(array.read_text()) | {"shape": [2, 6, 80_000]}))
    with pytest.raises(InputError, match="of which hardly any is stored"):
        open_stack(path)
    path = _store(tmp_path / "null.ome.zarr", "0.5")
    (path / "zarr.json").write_text('{"attributes": {"ome": null}, "zarr_format": 3, "node_type": "group"}')
    with pytest.raises(InputError, match="not an OME-Zarr image"):
        open_stack(path)
