"""Point spread functions: widths and patterns against theory, and measured from beads."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
import torch
from scipy.optimize import brentq
from scipy.special import j1

from wavegen.core.errors import InputError
from wavegen.degradations import Confocal, GaussianPsf, MotionBlur, Sted, Widefield, blur, measure_psf, psf, read_psf
from wavegen.degradations.beads import FAINTEST

AIRY_FWHM = 2 * brentq(lambda v: (2 * j1(v) / v) ** 2 - 0.5, 0.5, 3) / (2 * np.pi)  # in wavelength / NA: 0.5145
SHARP_FWHM = 2 * brentq(lambda v: (2 * j1(v) / v) ** 4 - 0.5, 0.5, 3) / (2 * np.pi)  # confocal, closed pinhole: 0.3693
LENS = psf.Objective(1.3, 600.0)


def rendered_fwhm(model, pixel_nm: float, side: int = 161) -> float:
    """Full width at half maximum (nm) of a point on the pixel grid, by cubic interpolation of its central row."""
    from scipy.interpolate import CubicSpline

    x = torch.zeros(1, 1, side, side, dtype=torch.float64)
    x[..., side // 2, side // 2] = 1
    row = model(x)[0, 0, side // 2].numpy()
    spline = CubicSpline(np.arange(side) - side // 2, row / row.max() - 0.5)
    roots = spline.roots(extrapolate=False)
    return float(roots[roots > 0].min() - roots[roots < 0].max()) * pixel_nm


@pytest.mark.parametrize("pixel_nm", [10.0, 40.0, 65.0])
def test_a_rendered_bead_has_the_width_asked(pixel_nm):
    optics = {"na": 1.3, "pixel_nm": pixel_nm}
    widths = [
        (GaussianPsf(250, pixel_nm), 250),
        (Widefield(wavelength_nm=600, **optics), AIRY_FWHM * 600 / 1.3),
        (Confocal(excitation_nm=600, emission_nm=600, pinhole_airy=0, **optics), SHARP_FWHM * 600 / 1.3),
        (Confocal(excitation_nm=500, emission_nm=600, pinhole_airy=6, **optics), AIRY_FWHM * 500 / 1.3),
    ]
    for model, expected in widths:
        assert rendered_fwhm(model, pixel_nm) == pytest.approx(expected, rel=0.02), type(model).__name__


def test_widefield_is_airys_pattern_and_keeps_its_light_with_defocus():
    r = np.linspace(1, 2000, 400)
    v = 2 * np.pi * 1.3 / 600 * r
    np.testing.assert_allclose(psf.widefield(LENS)(r), (2 * j1(v) / v) ** 2, atol=1e-9)
    # Parseval: the light in a plane does not depend on its depth. ∫ h 2 pi r dr over a wide disc.
    r = np.linspace(0, 15_000, 7_501)
    light = [np.trapezoid(psf.widefield(LENS, z)(r) * r, r) for z in (0.0, 800.0)]
    assert light[1] == pytest.approx(light[0], rel=0.02)
    # On the axis of a paraxial lens the intensity is sinc²(u / 4): dark at z = 2 n wavelength / NA².
    slow = psf.Objective(0.05, 500.0, 1.0)
    dark = 2 * 500 / 0.05**2
    assert float(psf.widefield(slow, dark)(np.zeros(1))[0]) < 1e-3
    u4 = np.pi / 2
    assert float(psf.widefield(slow, dark / 2)(np.zeros(1))[0]) == pytest.approx((np.sin(u4) / u4) ** 2, rel=0.02)


def test_sted_follows_hells_law():
    """2^(-S c r²) near the axis: 1 / d² = 1 / d0² + S c / 4 for a Gaussian; measured widths within 5 %."""
    imaging = psf.confocal(psf.Objective(1.4, 640), psf.Objective(1.4, 670), 1.0)
    depletion = psf.Objective(1.4, 775)
    ring = psf.doughnut(depletion)
    assert float(ring(np.zeros(1))[0]) == pytest.approx(0, abs=1e-12)
    assert float(ring(np.linspace(0, 800, 4000)).max()) == pytest.approx(1, abs=1e-4)
    curvature = float(ring(np.array([1.0]))[0])
    wide = psf.fwhm(imaging, 800)
    for saturation in (0, 20, 100):
        law = 1 / np.sqrt(1 / wide**2 + saturation * curvature / 4)
        assert psf.fwhm(psf.sted(imaging, depletion, saturation), 800) == pytest.approx(law, rel=0.05)
    model = Sted(saturation=20, pixel_nm=10)
    expected = psf.fwhm(psf.sted(imaging, depletion, 20), 800)
    assert rendered_fwhm(model, 10.0) == pytest.approx(expected, rel=0.02)


def test_a_pinhole_widens_from_the_sharpest_to_the_excitation_alone():
    widths = [psf.fwhm(psf.confocal(LENS, LENS, p), 1500) for p in (0, 0.25, 0.5, 1, 2)]
    assert widths == sorted(widths)
    assert widths[0] == pytest.approx(SHARP_FWHM * 600 / 1.3, rel=1e-3)


def test_blur_of_a_point_is_the_kernel_and_agrees_with_the_simulators():
    model = GaussianPsf(200, 65)
    x = torch.rand(1, 1, 17, 9, generator=torch.Generator().manual_seed(0))
    np.testing.assert_allclose(model(x)[0, 0], blur(x[0, 0].numpy(), 200, 65), atol=1e-6)
    constant = torch.full((1, 2, 3, 5), 4.0)
    for other in (model, Widefield(), MotionBlur(7, 20)):
        np.testing.assert_allclose(other(constant), constant, rtol=1e-5)  # mirrored borders, wider than the image


@pytest.mark.parametrize("angle", [0.0, 30.0, 90.0])
def test_motion_blur_is_a_line_at_its_angle(angle):
    kernel = MotionBlur(15, angle).kernel.numpy()
    axis = np.arange(-7, 8)
    y, x = np.meshgrid(axis, axis, indexing="ij")
    assert kernel.sum() == pytest.approx(1)
    np.testing.assert_allclose([(kernel * y).sum(), (kernel * x).sum()], 0, atol=1e-4)
    covariance = np.array([[(kernel * a * b).sum() for a in (x, -y)] for b in (x, -y)])
    values, vectors = np.linalg.eigh(covariance)
    assert values[1] == pytest.approx((15**2 - 1) / 12, rel=0.15)
    along = np.degrees(np.arctan2(vectors[1, 1], vectors[0, 1])) % 180
    assert min(abs(along - angle), 180 - abs(along - angle)) < 2
    assert MotionBlur(8).kernel.shape == (9, 9)


def beads(centres, sigma=1.8, side=64, background=20.0, height=500.0):
    y, x = np.mgrid[:side, :side]
    image = np.full((side, side), background)
    for cy, cx in centres:
        image += height * np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / (2 * sigma**2))
    return image


def test_measured_psf_is_the_one_that_made_the_beads():
    image = beads([(15.3, 18.7), (44.6, 20.2), (30.1, 48.4)])
    stack = np.stack([image / 3, image, image / 2])
    stack += np.random.default_rng(0).normal(0, 2, stack.shape)
    found = measure_psf(stack, size=15)
    axis = np.arange(-7, 8)
    expected = np.exp(-(axis[:, None] ** 2 + axis**2) / (2 * 1.8**2))
    np.testing.assert_allclose(found.psf, expected / expected.sum(), atol=0.02 * expected.max() / expected.sum())
    assert found.plane == 1
    ordered = found.centres[np.lexsort((found.centres[:, 1], found.centres[:, 0]))]
    np.testing.assert_allclose(ordered, [(15.3, 18.7), (30.1, 48.4), (44.6, 20.2)], atol=0.1)
    assert len(measure_psf(stack, size=15, beads=1).centres) == 1


def test_beads_that_do_not_serve(tmp_path):
    assert 0 < FAINTEST < 1
    with pytest.raises(InputError, match="isolated"):
        measure_psf(beads([(30, 30), (30, 36)]), size=15)
    with pytest.raises(InputError, match="saturated"):
        measure_psf(np.minimum(beads([(30, 30)]), 300), size=15)
    with pytest.raises(InputError, match="isolated"):
        measure_psf(np.zeros((40, 40)), size=15)
    with pytest.raises(InputError, match="odd"):
        measure_psf(beads([(30, 30)]), size=14)
    with pytest.raises(InputError, match=r"\(Z, Y, X\)"):
        measure_psf(np.zeros((2, 2, 40, 40)))
    with pytest.raises(InputError, match="finite"):
        measure_psf(np.full((40, 40), np.nan))
    with pytest.raises(InputError, match="there is no such file"):
        read_psf(tmp_path / "missing.tif")
    (tmp_path / "text.tif").write_text("no image")
    with pytest.raises(InputError, match="TIFF"):
        read_psf(tmp_path / "text.tif")
    tifffile.imwrite(tmp_path / "flat.tif", np.zeros((40, 40), np.uint16))
    with pytest.raises(InputError, match=r"flat.tif"):
        read_psf(tmp_path / "flat.tif")


def test_real_beads(shared_data):
    found = read_psf(shared_data / "beads" / "bead_stack_a.tif", size=15)
    assert len(found.centres) == 4
    assert found.psf.argmax() == 7 * 15 + 7


@pytest.mark.parametrize(
    ("model", "options", "message"),
    [
        (Widefield, {"na": 1.6}, "below the index"),
        (Widefield, {"na": 0.5, "wavelength_nm": -1}, "wavelength"),
        (Widefield, {"pixel_nm": 0.5}, "1025"),
        (Widefield, {"pixel_nm": 0}, "positive"),
        (Confocal, {"pinhole_airy": -1}, "pinhole"),
        (Sted, {"saturation": -1}, "saturation"),
    ],
)
def test_impossible_optics(model, options, message):
    with pytest.raises(InputError, match=message):
        model(**options)
