"""Small files that once gave wrong results without a word: each with its right value, or the reason why it is refused.

They lie beside the repository, not in it; the kinds that they stand for are made and tested in ``tests/io``.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import torch

from wavegen import Pipeline
from wavegen.core.errors import InputError
from wavegen.core.types import Restoration
from wavegen.data.pairs import Pairs
from wavegen.inference.evaluate import evaluate
from wavegen.inference.files import plan
from wavegen.inference.restore import Done, restore_files
from wavegen.io import open_stack, read_image
from wavegen.metrics import Scorer

XY = {"X": 0.1, "Y": 0.1}
XYZ = {**XY, "Z": 0.3}
SLIT = {"X": 0.1, "Y": 0.25}
FOUND: dict[str, dict[str, Any]] = {
    "anisotropic_pixels/ij.tif": {"pixel_um": SLIT},
    "anisotropic_pixels/o.ome.tif": {"pixel_um": SLIT},
    "anisotropic_pixels/plain.tif": {"pixel_um": SLIT},
    "dim_plane/a.tif": {"axes": "ZYX"},
    "dtypes/bool.tif": {"range": (0, 1)},
    "dtypes/f16.tif": {"range": (10, 569)},
    "dtypes/i8.tif": {"range": (-114, 126)},
    "dtypes/i16.tif": {"range": (-400, 5190)},
    "dtypes/i32.tif": {"range": (-400, 5190)},
    "four_samples/q.tif": {"axes": "YXC", "rgb": False, "alpha": False},
    "four_samples/planar4.tif": {"axes": "CYX", "rgb": False, "alpha": False},
    "four_samples/rgba.tif": {"axes": "YXC", "rgb": True, "alpha": True},
    "hot_pixel/a.tif": {"range": (100, 65535)},
    "imagej_microns/A.tif": {"pixel_um": {axis: size * 1e-4 for axis, size in XYZ.items()}},
    "imagej_microns/cm.tif": {"pixel_um": {axis: size * 1e4 for axis, size in XYZ.items()}},
    "imagej_microns/inch.tif": {"pixel_um": {axis: size * 25400 for axis, size in XYZ.items()}},
    "imagej_microns/m.tif": {"pixel_um": {axis: size * 1e6 for axis, size in XYZ.items()}},
    "imagej_microns/nanometer.tif": {"pixel_um": {axis: size * 1e-3 for axis, size in XYZ.items()}},
    **{f"imagej_microns/{name}.tif": {"pixel_um": XYZ} for name in ("micrometer", "microns", "u00b5m", "um")},
    **{f"imagej_microns/{name}.tif": {"pixel_um": XY} for name in ("greek_utf8", "micro_latin1", "yunit")},
    "imagej_microns/micro_utf8.tif": {"pixel_um": XY},
    "imagej_microns/pixel.tif": {
        "pixel_um": {},
        "unconverted": {"X": (0.1, "pixel"), "Y": (0.1, "pixel"), "Z": (0.3, "pixel")},
    },
    "min_is_white/a.tif": {"white_is_zero": True, "range": (9, 255)},
    "ome_channels/partly.ome.tif": {
        "channels": ("DAPI", "", "α-tub & é"),
        "colors": ("0000FF", "", ""),
    },
    "ome_channels/special.ome.tif": {"channels": ("α-tub & é", "<b>"), "description": 'a<b & "c" é'},
    "ome_positions/mixed.tif": {"remarks": ("image 1 of 2 in the file; --series chooses another",)},
    "ome_positions/two.ome.tif": {"remarks": ("image 1 of 2 in the file; --series chooses another",)},
    **{
        f"ome_units/{name}.ome.tif": {"pixel_um": {"X": size, "Y": size}, "interval_s": 0.5}
        for name, size in {
            "angstrom": 1e-5, "cm": 1e3, "greek": 0.1, "in": 2540, "m": 1e5, "mm": 100, "pm": 1e-7
        }.items()
    },
    "ome_units/pixel.ome.tif": {"pixel_um": {}, "unconverted": {"X": (0.1, "pixel"), "Y": (0.1, "pixel")}},
    "ome_units/ref.ome.tif": {
        "pixel_um": {},
        "unconverted": {"X": (0.1, "reference frame"), "Y": (0.1, "reference frame")},
    },
    **{f"orientation/a.{end}": {"orientation": 6} for end in ("tif", "png", "jpg")},
    "packed_12bit/a.tif": {"range": (0, 3100)},
    "palette_tiff/a.tif": {"axes": "YXC", "rgb": True, "alpha": False},
    "png_kinds/apng.png": {"remarks": ("image 1 of 2 in the file; --series chooses another",)},
    "png_kinds/b1.png": {"range": (0, 255)},
    "png_kinds/g16.png": {"range": (100, 5690)},
    "png_kinds/la.png": {"axes": "YXC", "alpha": True},
    "png_kinds/p.png": {"axes": "YXC", "alpha": False},
    "resolution_inch/inch.tif": {"resolution": (25400, 25400, "inch")},
    "resolution_inch/a.png": {"resolution": (25400, 25400, "inch")},
    "resolution_inch/a.jpg": {"resolution": (300, 300, "inch")},
    "resolution_inch/none_unit.tif": {"resolution": (4, 5, "none")},
    **{f"single_row/{name}.tif": {"axes": "YX"} for name in ("1x1", "1x64", "64x1", "3x5")},
    "sparse_beads/a.tif": {"range": (0, 40000)},
    "tiff_premul/a.tif": {"axes": "YXC", "rgb": True, "alpha": True},
    "zero_plane/a.tif": {"axes": "ZYX"},
    "zarr_cases/global.zarr": {"pixel_um": SLIT},
    "zarr_cases/inch.zarr": {"pixel_um": {"X": 2540, "Y": 6350}},
    "zarr_cases/int16.zarr": {"pixel_um": SLIT, "range": (-400, 5190)},
    "zarr_cases/meter.zarr": {"pixel_um": {"X": 1e5, "Y": 2.5e5}},
    "zarr_cases/names.zarr": {"axes": "CYX"},
    "zarr_cases/nounit.zarr": {"pixel_um": {}, "unconverted": {"X": (0.1, ""), "Y": (0.25, "")}},
    "zarr_cases/omero.zarr": {"pixel_um": SLIT, "channels": ("a", ""), "colors": ("FF0000", "00FF00")},
    "zarr_cases/picometer.zarr": {"pixel_um": {"X": 1e-7, "Y": 2.5e-7}},
    "zarr_cases/tms.zarr": {"pixel_um": SLIT, "interval_s": 5e-6},
    "zarr_cases/v05_translation.zarr": {"pixel_um": SLIT, "origin": {"X": 20, "Y": 10}},
    **{
        f"layouts/{name}.tif": {"axes": "YX", "range": (100, 5690)}
        for name in ("be", "big", "deflate", "pyr.ome", "tiled")
    },
    **{f"layouts/{name}.tif": {"axes": "YX"} for name in ("ccitt", "jpeg", "lzw", "packbits")},
}  # fmt: skip
REFUSED = {
    "dtypes/f64huge.tif": "do not fit float32",
    "dtypes/f64off.tif": "lose their contrast in float32",
    "dtypes/u32.tif": "do not fit float32",
    "four_samples/five.tif": "5 samples per pixel",
    "ome_missing_partner/z0.ome.tif": r"z=1 \(z1.ome.tif missing",
    "reliability/absurd.tif": "more values than any machine holds",
    "reliability/beads-truncated-zlib.tif": "announces 5 plane.s. and holds 1",
    "reliability/zero-size/zero.tif": "holds no pixels",
    "tiff_lab/a.tif": "CIELAB",
    "zarr_cases/angle.zarr": r"axis 'a' \(angle\)",
}


@pytest.fixture(scope="module")
def cases() -> Path:
    folder = Path(__file__).resolve().parents[3] / "shared" / "cases"
    if not folder.is_dir():
        pytest.skip(f"the small files are not beside the repository ({folder})")
    return folder


@pytest.fixture(scope="module")
def grey() -> Pipeline:
    torch.manual_seed(0)
    return Pipeline.from_config({"name": "unet", "network": {"width": 8, "multipliers": [1, 2]}})


def same(one: Any, other: Any) -> bool:
    if isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], value) for key, value in other.items())
    if isinstance(other, tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == pytest.approx(other, rel=1e-6) if isinstance(other, float | int) else one == other)


def imagej_of(path: Path) -> dict[str, Any]:
    with tifffile.TiffFile(path) as file:
        return dict(file.imagej_metadata)


@pytest.mark.parametrize("name", FOUND)
def test_what_a_file_holds(cases: Path, name: str) -> None:
    stack = open_stack(cases / name)
    for key, value in FOUND[name].items():
        if key == "range":
            found: Any = (float(stack.plane().min()), float(stack.plane().max()))
        elif key in ("axes", "channels"):
            found = getattr(stack, key)
        else:
            found = dict(stack.pixel_um) if key == "pixel_um" else stack.other.get(key)
        assert same(found, value), f"{key}: {found}, not {value}"


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(cases: Path, name: str) -> None:
    readers: list[Any] = [open_stack] if name.endswith(".zarr") else [open_stack, read_image]
    for read in readers:
        with pytest.raises(InputError, match=REFUSED[name]) as caught:
            read(cases / name).plane()  # values are read on demand
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", [name for name in FOUND if not name.startswith(("reliability", "dtypes", "layouts"))])
def test_a_restoration_keeps_what_the_file_says(cases: Path, grey: Pipeline, name: str, tmp_path: Path) -> None:
    """Sizes, names, colours, orientation and samples of the result are those of the source."""
    target, spread = tmp_path / Path(name).name, tmp_path / "spread.ome.zarr"
    (done,) = restore_files(grey, plan(cases / name, target, spread, 2), channels="each", samples=2)
    assert isinstance(done, Done)
    source, result = open_stack(cases / name), open_stack(target)
    assert (result.axes, result.shape, result.dtype) == (source.axes, source.shape, source.dtype)
    assert same(dict(result.pixel_um), dict(source.pixel_um))
    assert result.channels == source.channels
    kept = ("unconverted", "interval_s", "colors", "orientation", "samples", "white_is_zero", "resolution", "origin")
    for key in kept:
        assert same(result.other.get(key), source.other.get(key)), key
    for place in source.places():
        given, made = source.plane(place), result.plane(place)
        for c in range(len(given) - source.alpha):
            expected = grey.restore(given[c], samples=2, seed=0).image
            if target.suffix != ".jpg":
                np.testing.assert_array_equal(made[c], expected)
        if source.alpha:
            np.testing.assert_array_equal(made[-1], given[-1])


def test_white_is_zero_is_shown_as_its_source(cases: Path, grey: Pipeline, tmp_path: Path) -> None:
    list(restore_files(grey, plan(cases / "min_is_white" / "a.tif", tmp_path / "a.tif")))
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        assert int(file.pages[0].photometric) == 0
        stored = file.asarray()
    np.testing.assert_array_equal(255 - stored, open_stack(tmp_path / "a.tif").plane()[0])


def test_a_spread_has_its_own_display_range(cases: Path, grey: Pipeline, tmp_path: Path) -> None:
    jobs = plan(cases / "imagej_ranges" / "a.tif", tmp_path / "a.tif", tmp_path / "s.tif", 2)
    list(restore_files(grey, jobs, channels="each", samples=2))
    ranges = {name: imagej_of(tmp_path / name).get("Ranges") for name in ("a.tif", "s.tif")}
    assert ranges == {"a.tif": (100.0, 3000.0, 100.0, 3000.0), "s.tif": None}
    overlays = plan(cases / "imagej_overlays" / "a.tif", tmp_path / "o.tif")
    list(restore_files(grey, overlays))
    kept, source = imagej_of(tmp_path / "o.tif"), imagej_of(cases / "imagej_overlays" / "a.tif")
    assert {key: kept[key] for key in ("ROI", "Overlays")} == {key: source[key] for key in ("ROI", "Overlays")}


def test_positions_of_unit_values_are_named(cases: Path, grey: Pipeline) -> None:
    with pytest.raises(InputError, match=r"NaN or infinite"):
        grey.restore(open_stack(cases / "nan_padding" / "a.tif").plane())


def test_empty_planes_stay_empty(cases: Path, grey: Pipeline, tmp_path: Path) -> None:
    list(restore_files(grey, plan(cases / "zero_plane" / "a.tif", tmp_path / "a.tif")))
    assert not tifffile.imread(tmp_path / "a.tif")[1].any()


def test_hot_pixels_are_told(cases: Path, grey: Pipeline, tmp_path: Path) -> None:
    (done,) = restore_files(grey, plan(cases / "hot_pixel" / "a.tif", tmp_path / "a.tif"))
    assert isinstance(done, Done)
    assert any("65535" in remark or "range" in remark for remark in done.remarks), done.remarks


@pytest.mark.parametrize("name", ["a.tif", "offset.tif"])
def test_sparse_images_scale_with_their_values(cases: Path, grey: Pipeline, name: str) -> None:
    image = open_stack(cases / "sparse_beads" / name).plane().astype(np.float32)
    once, twice = grey.restore(image).image, grey.restore(2 * image + 100).image
    np.testing.assert_allclose(twice, 2 * once + 100, atol=1e-3 * np.ptp(once))


@pytest.mark.parametrize(("name", "scored"), [("eval_empty_target", 2), ("eval_equal", 0)])
def test_degenerate_targets_spoil_no_mean(cases: Path, name: str, scored: int) -> None:
    """A constant target and a restoration equal to its target have no PSNR that a mean could hold."""

    def unrestored(batch: torch.Tensor, first: int) -> Restoration:
        return Restoration(batch, torch.zeros_like(batch), batch[None], 0, 0.0)

    found = evaluate(unrestored, Pairs(cases / name / "x", cases / name / "y"), scorer=Scorer(["psnr", "ssim"]))
    json.dumps(found, allow_nan=False, default=str)
    if scored:
        assert 0 < found["psnr"] < 60
        assert -1 <= found["ssim"] <= 1
    else:
        assert found["psnr"] is None
        np.testing.assert_allclose(found["ssim"], 1.0)


def test_tables_of_spreadsheets(cases: Path) -> None:
    for name in ("back", "bom", "excel", "semi", "spaces", "utf16"):
        assert len(Pairs(index=str(cases / "excel_csv" / f"{name}.csv"))) > 0, name


def test_names_pair_whatever_their_extension(cases: Path) -> None:
    assert len(Pairs(cases / "ome_stem_pairs" / "x", cases / "ome_stem_pairs" / "y")) == 2


def test_folders_name_what_they_leave_out(cases: Path, grey: Pipeline, tmp_path: Path) -> None:
    source = tmp_path / "in"
    shutil.copytree(cases / "four_samples", source)
    shutil.copy(cases / "hot_pixel" / "a.tif", source / "good.tif")
    (source / "link.tif").symlink_to("nowhere.tif")
    found = list(restore_files(grey, plan(source, tmp_path / "out")))
    reasons = {one.job.source.name: one.reason for one in found if not isinstance(one, Done)}
    assert "5 samples" in reasons["five.tif"]
    assert "nowhere.tif" in reasons["link.tif"]
    assert "4 channel(s)" in reasons["q.tif"]
    assert [one.job.source.name for one in found if isinstance(one, Done)] == ["good.tif"]
