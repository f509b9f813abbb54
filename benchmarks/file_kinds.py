"""Sixty kinds of image files, each with what a reader must find in it.

Made by tifffile, Pillow and zarr, and by hand after the public descriptions of what ImageJ, Bio-Formats, NIS-Elements
and ZEN write. ``python -m benchmarks round-trip`` and the tests read each, write it again and read that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

from wavegen.io.samples import ASSOCIATED, UNASSOCIATED, UNSPECIFIED, Samples

Array = NDArray[Any]
H, W = 12, 10


@dataclass(frozen=True)
class Expected:
    """What a file holds: values in the order of ``axes``, and metadata of the stack."""

    values: Array
    axes: str
    pixel_um: Mapping[str, float] = field(default_factory=dict)
    channels: tuple[str, ...] = ()
    other: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Kind:
    """One kind of file: who writes it, its extension, and a function that makes one and says what is in it."""

    name: str
    by: str
    extension: str
    make: Callable[[Path], Expected]


KINDS: list[Kind] = []


def kind(name: str, by: str, extension: str) -> Callable[[Callable[[Path], Expected]], Callable[[Path], Expected]]:
    """Enter a maker in the list."""

    def enter(make: Callable[[Path], Expected]) -> Callable[[Path], Expected]:
        KINDS.append(Kind(name, by, extension, make))
        return make

    return enter


def ramp(*shape: int, dtype: str = "uint16") -> Array:
    """Different values everywhere."""
    top = 1 if dtype.startswith("float") else min(np.iinfo(dtype).max, 60000)
    values = np.linspace(0, top, int(np.prod(shape))).reshape(shape)
    return values.astype(dtype)


# Plain TIFF: how values and pages are stored.


def _plain(name: str, array: Array, axes: str, values: Array | None = None, **options: Any) -> None:
    def make(path: Path) -> Expected:
        tifffile.imwrite(path, array, **{"photometric": "minisblack", "metadata": None, **options})
        return Expected(array if values is None else values, axes)

    kind(name, "tifffile", ".tif")(make)


_plain("uint8", ramp(H, W, dtype="uint8"), "YX")
_plain("uint16", ramp(H, W), "YX")
_plain("float32", ramp(H, W, dtype="float32"), "YX")
_plain("float16", ramp(H, W, dtype="float16"), "YX", ramp(H, W, dtype="float16").astype(np.float32))
_plain("float64", ramp(H, W, dtype="float64"), "YX", ramp(H, W, dtype="float64").astype(np.float32))
_plain("int8", ramp(H, W, dtype="int8") - np.int8(100), "YX", ramp(H, W, dtype="int8") - np.float32(100))
_plain("int16", ramp(H, W, dtype="int16") - np.int16(9000), "YX", ramp(H, W, dtype="int16") - np.float32(9000))
_plain("int32", ramp(H, W, dtype="int32") - 9, "YX", (ramp(H, W, dtype="int32") - 9).astype(np.float32))
_plain("uint32", ramp(H, W, dtype="uint32"), "YX", ramp(H, W, dtype="uint32").astype(np.float32))
_plain("big-endian", ramp(H, W), "YX", byteorder=">")
_plain("BigTIFF", ramp(H, W), "YX", bigtiff=True)
_plain("tiles", ramp(40, 36), "YX", tile=(16, 16))
_plain("strips", ramp(H, W), "YX", rowsperstrip=5)
_plain("deflate with predictor", ramp(H, W), "YX", compression="zlib", predictor=True)
_plain("LZW", ramp(H, W, dtype="uint8"), "YX", compression="lzw")
_plain("PackBits", ramp(H, W, dtype="uint8"), "YX", compression="packbits")
_plain("LZMA", ramp(H, W), "YX", compression="lzma")
_plain("zstd", ramp(H, W), "YX", compression="zstd")
_plain("three pages", ramp(3, H, W), "CYX")


@kind("packed 12 bits", "camera software", ".tif")
def _packed(path: Path) -> Expected:
    values = np.linspace(0, 4095, H * W).astype(np.uint16).reshape(H, W)
    pairs = values.reshape(-1, 2)
    packed = np.stack([pairs[:, 0] >> 4, ((pairs[:, 0] & 15) << 4) | (pairs[:, 1] >> 8), pairs[:, 1] & 255], axis=1)
    _by_hand(path, packed.astype(np.uint8).tobytes(), {258: 12, 262: 1, 277: 1})
    return Expected(values, "YX")


@kind("one bit", "tifffile", ".tif")
def _bits(path: Path) -> Expected:
    mask = ramp(H, W) > 30000
    tifffile.imwrite(path, mask)
    return Expected(mask.astype(np.float32), "YX")


@kind("one bit, CCITT group 4", "Pillow", ".tif")
def _ccitt(path: Path) -> Expected:
    mask = np.kron(np.eye(2), np.ones((H, 8))) > 0
    Image.fromarray(mask).save(path, compression="group4")
    return Expected(mask.astype(np.float32), "YX")


@kind("a shaped stack with axes", "tifffile", ".tif")
def _shaped(path: Path) -> Expected:
    values = ramp(2, 3, H, W)
    tifffile.imwrite(path, values, photometric="minisblack", metadata={"axes": "TZYX"})
    return Expected(values, "TZYX")


# Plain TIFF: what samples and tags mean.


def _sampled(name: str, photometric: str, extra: tuple[int, ...], planar: bool, dtype: str = "uint16") -> None:
    samples = Samples(photometric == "rgb", extra, planar)
    count = (3 if samples.colour else 1) + len(extra)

    def make(path: Path) -> Expected:
        values = ramp(count, H, W, dtype=dtype) if planar else ramp(H, W, count, dtype=dtype)
        codes = ["unspecified", "assocalpha", "unassalpha"]
        options: dict[str, Any] = {"planarconfig": "separate" if planar else "contig"}
        options["extrasamples"] = [codes[code] for code in extra]
        tifffile.imwrite(path, values, photometric=photometric, metadata=None, **options)
        other = {"samples": samples, "rgb": samples.colour, "alpha": samples.alpha}
        return Expected(values, "CYX" if planar else "YXC", other=other)

    kind(name, "tifffile", ".tif")(make)


_sampled("RGB", "rgb", (), False, "uint8")
_sampled("RGB, 16 bits", "rgb", (), False)
_sampled("RGB, planar", "rgb", (), True)
_sampled("RGBA", "rgb", (UNASSOCIATED,), False, "uint8")
_sampled("RGBA, premultiplied", "rgb", (ASSOCIATED,), False, "uint8")
_sampled("RGB and a fourth channel", "rgb", (UNSPECIFIED,), False)
_sampled("two channels as samples", "minisblack", (UNSPECIFIED,), False)
_sampled("four channels as samples", "minisblack", (UNSPECIFIED,) * 3, False)
_sampled("four channels as planar samples", "minisblack", (UNSPECIFIED,) * 3, True)
_sampled("grey and alpha", "minisblack", (UNASSOCIATED,), False)


@kind("white is zero", "scanner software", ".tif")
def _white(path: Path) -> Expected:
    values = ramp(H, W)
    tifffile.imwrite(path, 65535 - values, photometric="miniswhite", metadata=None)
    return Expected(values, "YX", other={"white_is_zero": True})


@kind("palette", "tifffile", ".tif")
def _palette(path: Path) -> Expected:
    indices = ramp(H, W, dtype="uint8")
    table = np.random.default_rng(0).integers(0, 256, (3, 256)).astype(np.uint16)
    tifffile.imwrite(path, indices, photometric="palette", colormap=table * 257, metadata=None)
    return Expected(np.moveaxis(table.astype(np.uint8)[:, indices], 0, -1), "YXC", other={"rgb": True, "alpha": False})


@kind("YCbCr under JPEG", "slide scanner", ".tif")
def _ycbcr(path: Path) -> Expected:
    grey = np.add.outer(np.arange(64), np.arange(64)).astype(np.uint8)
    tifffile.imwrite(path, np.stack([grey] * 3, -1), photometric="rgb", compression="jpeg", metadata=None)
    values: Array = tifffile.imread(path)
    if np.abs(values.astype(int) - grey[..., None]).max() > 8:
        raise ValueError("the decoder did not return RGB")
    return Expected(values, "YXC", other={"rgb": True})


@kind("resolution per centimetre, not square", "tifffile", ".tif")
def _centimetre(path: Path) -> Expected:
    tifffile.imwrite(path, ramp(H, W), resolution=(1e5, 4e4), resolutionunit="CENTIMETER", metadata=None)
    return Expected(ramp(H, W), "YX", {"X": 0.1, "Y": 0.25})


@kind("resolution per inch", "camera software", ".tif")
def _inch(path: Path) -> Expected:
    tifffile.imwrite(path, ramp(H, W), resolution=(25400, 12700), resolutionunit="INCH", metadata=None)
    return Expected(ramp(H, W), "YX", other={"resolution": (25400, 12700, "inch")})


@kind("aspect ratio without a unit", "tifffile", ".tif")
def _ratio(path: Path) -> Expected:
    tifffile.imwrite(path, ramp(H, W), resolution=(4, 5), resolutionunit="NONE", metadata=None)
    return Expected(ramp(H, W), "YX", other={"resolution": (4, 5, "none")})


@kind("orientation, profile and description", "camera software", ".tif")
def _tags(path: Path) -> Expected:
    turned = [(274, "H", 1, 6, True)]
    options: dict[str, Any] = {"extratags": turned, "iccprofile": b"a profile", "description": "HeLa, 20 µm".encode()}
    tifffile.imwrite(path, ramp(H, W), metadata=None, **options)
    return Expected(ramp(H, W), "YX", other={"orientation": 6, "icc": b"a profile", "description": "HeLa, 20 µm"})


@kind("NIS-Elements export: monochrome, private tags", "NIS-Elements", ".tif")
def _nis(path: Path) -> Expected:
    private = [(65330, "H", 4, (0, 1, 2, 3), True), (65331, "d", 1, 0.065, True)]
    per_cm = 1e4 / 0.065
    options: dict[str, Any] = {"resolution": (per_cm, per_cm), "resolutionunit": "CENTIMETER", "extratags": private}
    tifffile.imwrite(path, ramp(H, W), metadata=None, **options)
    return Expected(ramp(H, W), "YX", {"X": 0.065, "Y": 0.065})


@kind("ZEN export: RGB with a resolution", "ZEN", ".tif")
def _zen(path: Path) -> Expected:
    values = ramp(H, W, 3, dtype="uint8")
    per_cm = 1e4 / 0.103
    options: dict[str, Any] = {"resolution": (per_cm, per_cm), "resolutionunit": "CENTIMETER", "rowsperstrip": 1}
    tifffile.imwrite(path, values, photometric="rgb", metadata=None, **options)
    return Expected(values, "YXC", {"X": 0.103, "Y": 0.103}, other={"rgb": True, "alpha": False})


# ImageJ.


def _imagej(name: str, axes: str, shape: tuple[int, ...], lines: str, found: Expected, **options: Any) -> None:
    """Pages and a description in ImageJ's own words."""

    def make(path: Path) -> Expected:
        pages = ramp(*shape).reshape(-1, H, W)
        sizes = dict(zip(axes, shape, strict=True))
        words = {"C": "channels", "Z": "slices", "T": "frames"}
        text = f"ImageJ=1.54f\nimages={len(pages)}\n"
        text += "".join(f"{words[axis]}={sizes[axis]}\n" for axis in "CZT" if axis in sizes)
        text += ("hyperstack=true\n" if len(shape) > 2 else "") + lines
        tifffile.imwrite(
            path,
            pages,
            description=text.encode(),
            metadata=None,
            photometric="minisblack",
            contiguous=True,
            **{"resolution": (10, 10), "resolutionunit": "NONE", **options},
        )
        return found

    kind(name, "ImageJ", ".tif")(make)


_XY = {"X": 0.1, "Y": 0.1}
_imagej(
    "time series of stacks",
    "TZCYX",
    (2, 3, 2, H, W),
    "unit=micron\nspacing=0.3\nfinterval=1.5\nloop=false\n",
    Expected(ramp(2, 3, 2, H, W), "TZCYX", {**_XY, "Z": 0.3}, other={"interval_s": 1.5}),
)
for _unit in ("microns", "um", "\\u00B5m", "µm", "μm", "micrometer"):
    _imagej(f"unit {_unit}", "YX", (H, W), f"unit={_unit}\n", Expected(ramp(H, W), "YX", _XY))
for _unit, _size in (("nm", 1e-4), ("mm", 100.0), ("cm", 1000.0), ("inch", 2540.0), ("A", 1e-5), ("m", 1e5)):
    _imagej(f"unit {_unit}", "YX", (H, W), f"unit={_unit}\n", Expected(ramp(H, W), "YX", {"X": _size, "Y": _size}))
_imagej(
    "another unit for y", "YX", (H, W), "unit=micron\nyunit=nm\n", Expected(ramp(H, W), "YX", {"X": 0.1, "Y": 1e-4})
)
_imagej(
    "a unit that is no length",
    "ZYX",
    (3, H, W),
    "unit=pixel\nspacing=0.3\n",
    Expected(
        ramp(3, H, W), "ZYX", other={"unconverted": {"X": (0.1, "pixel"), "Y": (0.1, "pixel"), "Z": (0.3, "pixel")}}
    ),
)
_imagej(
    "frames in minutes",
    "TYX",
    (3, H, W),
    "unit=um\nfinterval=2\ntunit=min\n",
    Expected(ramp(3, H, W), "TYX", _XY, other={"interval_s": 120.0}),
)
_imagej(
    "signed 16 bits",
    "YX",
    (H, W),
    "unit=um\ncf=0\nc0=-32768.0\nc1=1.0\nvunit=gray value\n",
    Expected(ramp(H, W) - np.float32(32768), "YX", _XY),
)
_imagej(
    "a density calibration",
    "YX",
    (H, W),
    "unit=um\ncf=8\nc0=1.0\nc1=2.0\nvunit=OD\n",
    Expected(ramp(H, W), "YX", _XY, other={"imagej": {"cf": 8, "c0": 1.0, "c1": 2.0, "vunit": "OD"}}),
)


@kind("overlays, regions, tables, labels and ranges", "ImageJ", ".tif")
def _overlays(path: Path) -> Expected:
    values = ramp(2, H, W)
    red, green = np.zeros((3, 256), np.uint8), np.zeros((3, 256), np.uint8)
    red[0], green[1] = np.arange(256), np.arange(256)
    block: dict[str, Any] = {"ROI": b"Iout" + bytes(60), "Overlays": [b"Iout" + bytes(60)] * 2, "Info": "Zelle é"}
    block |= {"LUTs": [red, green], "Ranges": (100.0, 3000.0, 5.0, 9.0), "Labels": ["DAPI", "GFP"]}
    tifffile.imwrite(path, values, imagej=True, metadata={"axes": "CYX", "mode": "composite", **block})
    kept = {key: block[key] for key in ("ROI", "Overlays", "Info", "Ranges", "Labels")} | {"mode": "composite"}
    return Expected(values, "CYX", {}, ("DAPI", "GFP"), {"imagej": kept, "colors": ("FF0000", "00FF00")})


@kind("8-bit grey with a colour table", "ImageJ", ".tif")
def _table(path: Path) -> Expected:
    values = ramp(H, W, dtype="uint8")
    table = np.zeros((3, 256), np.uint16)
    table[1] = np.arange(256) * 257
    tifffile.imwrite(path, values, imagej=True, photometric="palette", colormap=table)
    return Expected(values, "YX")


@kind("RGB stack", "ImageJ", ".tif")
def _rgb_stack(path: Path) -> Expected:
    values = ramp(2, H, W, 3, dtype="uint8")
    tifffile.imwrite(path, values, imagej=True, metadata={"axes": "ZYXS"})
    return Expected(values, "ZYXC", other={"rgb": True, "alpha": False})


@kind("white is zero", "ImageJ", ".tif")
def _imagej_white(path: Path) -> Expected:
    tifffile.imwrite(path, 65535 - ramp(H, W), imagej=True, photometric="miniswhite")
    return Expected(ramp(H, W), "YX", other={"white_is_zero": True})


# OME-TIFF.


def _ome(name: str, by: str, metadata: dict[str, Any], found: Expected, **options: Any) -> None:
    def make(path: Path) -> Expected:
        tifffile.imwrite(path, found.values, ome=True, metadata=metadata, **{"photometric": "minisblack", **options})
        return found

    kind(name, by, ".ome.tif")(make)


for _unit, _size in (
    ("Å", 1e-5),
    ("nm", 1e-4),
    ("mm", 100.0),
    ("cm", 1000.0),
    ("m", 1e5),
    ("in", 2540.0),
    ("pm", 1e-7),
):
    _ome(
        f"sizes in {_unit}",
        "Bio-Formats",
        {
            "axes": "YX",
            "PhysicalSizeX": 0.1,
            "PhysicalSizeXUnit": _unit,
            "PhysicalSizeY": 0.1,
            "PhysicalSizeYUnit": _unit,
        },
        Expected(ramp(H, W), "YX", {"X": _size, "Y": _size}),
    )
_ome(
    "relative sizes, frames in milliseconds",
    "Bio-Formats",
    {
        "axes": "TYX",
        "PhysicalSizeX": 0.1,
        "PhysicalSizeXUnit": "reference frame",
        "TimeIncrement": 500.0,
        "TimeIncrementUnit": "ms",
    },
    Expected(ramp(3, H, W), "TYX", other={"interval_s": 0.5, "unconverted": {"X": (0.1, "reference frame")}}),
)
_ome(
    "channels with and without names, colours",
    "Bio-Formats",
    {
        "axes": "CYX",
        "PhysicalSizeX": 0.1,
        "PhysicalSizeY": 0.25,
        "Channel": [{"Name": "α-tub & <é>", "Color": -16776961, "EmissionWavelength": 509}, {}, {"Name": "BF"}],
    },
    Expected(
        ramp(3, H, W),
        "CYX",
        {"X": 0.1, "Y": 0.25},
        ("α-tub & <é>", "", "BF"),
        {"colors": ("FF0000", "", ""), "ome": {"Channel": [{"EmissionWavelength": "509"}, {}, {}]}},
    ),
)
_ome(
    "times of planes",
    "Micro-Manager",
    {"axes": "TYX", "Plane": {"DeltaT": [0.0, 1.25], "DeltaTUnit": ["s", "s"], "PositionX": [5.0, 6.0]}},
    Expected(
        ramp(2, H, W),
        "TYX",
        other={
            "ome": {
                "Plane": {
                    (0, 0, 0): {"DeltaT": "0.0", "DeltaTUnit": "s", "PositionX": "5.0"},
                    (1, 0, 0): {"DeltaT": "1.25", "DeltaTUnit": "s", "PositionX": "6.0"},
                }
            }
        },
    ),
)
_ome(
    "another order of axes, compressed",
    "Bio-Formats",
    {"axes": "ZTCYX", "Name": "well A1", "Description": "day 3"},
    Expected(ramp(2, 3, 2, H, W), "ZTCYX", other={"name": "well A1", "description": "day 3"}),
    compression="zlib",
)
_ome(
    "RGB",
    "Bio-Formats",
    {"axes": "YXS"},
    Expected(ramp(H, W, 3, dtype="uint8"), "YXC", other={"rgb": True, "alpha": False}),
    photometric="rgb",
)


@kind("a pyramid in sub-directories", "QuPath", ".ome.tif")
def _pyramid(path: Path) -> Expected:
    values = ramp(32, 32)
    with tifffile.TiffWriter(path, ome=True) as writer:
        writer.write(
            values, subifds=1, tile=(16, 16), metadata={"axes": "YX", "PhysicalSizeX": 0.5, "PhysicalSizeY": 0.5}
        )
        writer.write(values[::2, ::2], subfiletype=1, tile=(16, 16))
    return Expected(values, "YX", {"X": 0.5, "Y": 0.5})


@kind("one stack in two files", "Bio-Formats", ".ome.tif")
def _two_files(path: Path) -> Expected:
    values, names = ramp(2, H, W), (path.name, f"second-{path.name}")
    planes = "".join(
        f'<TiffData IFD="0" FirstZ="{z}" PlaneCount="1"><UUID FileName="{name}">urn:uuid:{z}</UUID></TiffData>'
        for z, name in enumerate(names)
    )
    for z, name in enumerate(names):
        xml = (
            f'<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" UUID="urn:uuid:{z}"><Image ID="Image:0">'
            f'<Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="uint16" SizeX="{W}" SizeY="{H}" SizeZ="2" SizeC="1" '
            f'SizeT="1"><Channel ID="Channel:0:0" SamplesPerPixel="1"/>{planes}</Pixels></Image></OME>'
        )
        tifffile.imwrite(path.with_name(name), values[z], description=xml, metadata=None)
    return Expected(values, "ZYX")


# OME-Zarr.


def _zarr(name: str, axes: list[dict[str, str]], found: Expected, version: str = "0.4", **more: Any) -> None:
    """A store with the scales (and translations) that ``more`` gives."""

    def make(path: Path) -> Expected:
        import zarr

        group = zarr.open_group(str(path), mode="w", zarr_format=2 if version == "0.4" else 3)
        group.create_array("0", data=found.values)
        steps = [{"type": key, key: more[key]} for key in ("scale", "translation") if key in more]
        image: dict[str, Any] = {"axes": axes, "datasets": [{"path": "0", "coordinateTransformations": steps}]}
        ome = {"multiscales": [image]} | ({"omero": more["omero"]} if "omero" in more else {})
        if version == "0.4":
            image["version"] = version
            group.attrs.update(ome)
        else:
            group.attrs.update({"ome": {"version": version, **ome}})
        return found

    kind(name, "zarr", ".ome.zarr")(make)


def _space(*names: str, unit: str = "micrometer") -> list[dict[str, str]]:
    return [{"name": name, "type": "space", **({"unit": unit} if unit else {})} for name in names]


for _unit, _size in (("micrometer", 1.0), ("nanometer", 1e-3), ("inch", 25400.0), ("meter", 1e6), ("picometer", 1e-6)):
    _zarr(
        f"sizes in {_unit}",
        _space("y", "x", unit=_unit),
        Expected(ramp(H, W), "YX", {"Y": 0.25 * _size, "X": 0.1 * _size}),
        scale=[0.25, 0.1],
    )
_zarr(
    "sizes without a unit",
    _space("y", "x", unit=""),
    Expected(ramp(H, W), "YX", other={"unconverted": {"Y": (0.25, ""), "X": (0.1, "")}}),
    scale=[0.25, 0.1],
)
_zarr(
    "frames in microseconds",
    [{"name": "t", "type": "time", "unit": "microsecond"}, *_space("y", "x")],
    Expected(ramp(2, H, W), "TYX", {"Y": 0.25, "X": 0.1}, other={"interval_s": 5e-6}),
    scale=[5.0, 0.25, 0.1],
)
_zarr(
    "a position, version 0.5",
    _space("y", "x"),
    Expected(ramp(H, W), "YX", {"Y": 0.25, "X": 0.1}, other={"origin": {"Y": 10.0, "X": 20.0}}),
    "0.5",
    scale=[0.25, 0.1],
    translation=[10.0, 20.0],
)
_zarr(
    "an axis called channel, one name",
    [{"name": "channel", "type": "channel"}, *_space("y", "x")],
    Expected(ramp(2, H, W), "CYX", {"Y": 0.25, "X": 0.1}, ("a", ""), {"colors": ("FF0000", "00FF00")}),
    scale=[1.0, 0.25, 0.1],
    omero={"channels": [{"label": "a", "color": "FF0000", "window": {"start": 0, "end": 9}}, {"color": "00FF00"}]},
)
_zarr(
    "signed values",
    _space("y", "x"),
    Expected(ramp(H, W, dtype="int16") - np.int16(9), "YX", {"Y": 1.0, "X": 1.0}),
    scale=[1.0, 1.0],
)


# PNG and JPEG.


def _picture(name: str, extension: str, save: dict[str, Any], found: Expected) -> None:
    def make(path: Path) -> Expected:
        Image.fromarray(found.values).save(path, **save)
        return found

    kind(name, "Pillow", extension)(make)


_GREY = ramp(H, W, dtype="uint8")
_picture(
    "8-bit grey with a resolution",
    ".png",
    {"dpi": (25400, 25400)},
    Expected(_GREY, "YX", other={"resolution": (25400, 25400, "inch")}),
)
_picture("16-bit grey", ".png", {}, Expected(ramp(H, W), "YX"))
_picture("RGBA", ".png", {}, Expected(ramp(H, W, 4, dtype="uint8"), "YXC", other={"rgb": True, "alpha": True}))
_picture("grey and alpha", ".png", {}, Expected(ramp(H, W, 2, dtype="uint8"), "YXC", other={"alpha": True}))


@kind("palette", "Pillow", ".png")
def _palette_png(path: Path) -> Expected:
    table = np.random.default_rng(0).integers(0, 256, (256, 3)).astype(np.uint8)
    image = Image.frombytes("P", (W, H), _GREY.tobytes())
    image.putpalette(table.tobytes())
    image.save(path)
    return Expected(table[_GREY], "YXC", other={"rgb": True, "alpha": False})


_picture(
    "turned, with a profile",
    ".png",
    {"icc_profile": b"a profile", "exif": b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"},
    Expected(_GREY, "YX", other={"orientation": 6, "icc": b"a profile"}),
)


@kind("grey, turned, with a resolution", "Pillow", ".jpg")
def _jpeg(path: Path) -> Expected:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.full((16, 16), 77, np.uint8)).save(path, dpi=(300, 300), exif=exif, quality=95)
    return Expected(np.full((16, 16), 77, np.uint8), "YX", other={"orientation": 6, "resolution": (300, 300, "inch")})


def _by_hand(path: Path, pixels: bytes, tags: dict[int, int]) -> None:
    """A TIFF of one strip, from its tags: width, height and offsets are added."""
    import struct

    entries = {256: W, 257: H, 259: 1, 273: 8, 278: H, 279: len(pixels), **tags}
    body = struct.pack("<2sHI", b"II", 42, 8 + len(pixels) + len(pixels) % 2) + pixels + bytes(len(pixels) % 2)
    body += struct.pack("<H", len(entries))
    for tag, value in sorted(entries.items()):
        body += struct.pack("<HHII", tag, 4, 1, value)
    path.write_bytes(body + bytes(4))
