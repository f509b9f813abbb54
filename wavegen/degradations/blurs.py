"""Registered blurs: Gaussian, motion, and the point spread functions of microscopes."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from wavegen.core.registry import register
from wavegen.degradations import psf
from wavegen.degradations.beads import read_psf
from wavegen.degradations.convolution import Convolution
from wavegen.degradations.optics import FWHM_PER_SIGMA, gaussian_psf

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
LINEAR = ("linear",)


@register("degradation", "gaussian_blur", "Gaussian blur of a width in pixels", capabilities=LINEAR)
class GaussianBlur(Convolution):
    """Convolution with a Gaussian, sampled at pixel centres and cut at 4 sigma.

    Args:
        sigma: standard deviation in pixels, from 0.1 to 100.
    """

    def __init__(self, sigma: Annotated[float, Field(ge=0.1, le=100)] = 2.0) -> None:
        super().__init__(gaussian_psf(sigma * FWHM_PER_SIGMA, 1.0))


@register("degradation", "gaussian_psf", "Gaussian approximation of a microscope's PSF", capabilities=LINEAR)
class GaussianPsf(Convolution):
    """Convolution with a Gaussian of a given width.

    Args:
        fwhm_nm: full width at half maximum in nm.
        pixel_nm: pixel size in nm.
    """

    def __init__(self, fwhm_nm: Positive = 250.0, pixel_nm: Positive = 65.0) -> None:
        super().__init__(gaussian_psf(fwhm_nm, pixel_nm))


@register("degradation", "motion_blur", "straight motion at constant speed", capabilities=LINEAR)
class MotionBlur(Convolution):
    """Convolution with a line of constant weight, one pixel wide.

    Args:
        length: of the line in pixels; even lengths are raised to the next odd one, so that the image does not shift.
        angle: of the line in degrees, anticlockwise from the horizontal.
    """

    def __init__(self, length: Annotated[int, Field(ge=3, le=201)] = 9, angle: Finite = 0.0) -> None:
        import torch
        from kornia.filters import get_motion_kernel2d

        length += 1 - length % 2
        kernel = get_motion_kernel2d(length, torch.tensor([float(angle)]), torch.zeros(1), mode="bilinear")[0].double()
        super().__init__((kernel / kernel.sum()).numpy())


@register(
    "degradation",
    "widefield",
    "widefield PSF: scalar diffraction from aperture, wavelength and defocus",
    paper="Born & Wolf, Principles of Optics, 8.8",
    capabilities=LINEAR,
)
class Widefield(Convolution):
    """Convolution with :func:`wavegen.degradations.psf.widefield`; in focus its FWHM is 0.5145 wavelength / NA.

    Args:
        na: numerical aperture, below n.
        wavelength_nm: of the emission, in vacuum.
        n: refractive index of the immersion.
        pixel_nm: pixel size in the specimen's plane.
        defocus_nm: distance of the plane from the focus.
    """

    def __init__(
        self,
        na: Positive = 1.4,
        wavelength_nm: Positive = 520.0,
        n: Positive = 1.518,
        pixel_nm: Positive = 65.0,
        defocus_nm: Finite = 0.0,
    ) -> None:
        lens = psf.Objective(na, wavelength_nm, n)
        super().__init__(psf.render(psf.widefield(lens, defocus_nm), pixel_nm, lens.reach_nm(defocus_nm)))


@register(
    "degradation",
    "confocal",
    "confocal PSF: excitation times detection through a pinhole",
    paper="Wilson & Sheppard, Theory and Practice of Scanning Optical Microscopy (1984)",
    capabilities=LINEAR,
)
class Confocal(Convolution):
    """Convolution with :func:`wavegen.degradations.psf.confocal`.

    Args:
        na: numerical aperture, below n.
        excitation_nm: wavelength of the laser, in vacuum.
        emission_nm: wavelength of the fluorescence, in vacuum.
        pinhole_airy: diameter of the pinhole in Airy units.
        n: refractive index of the immersion.
        pixel_nm: pixel size in the specimen's plane.
        defocus_nm: distance of the plane from the focus.
    """

    def __init__(
        self,
        na: Positive = 1.4,
        excitation_nm: Positive = 488.0,
        emission_nm: Positive = 520.0,
        pinhole_airy: NotNegative = 1.0,
        n: Positive = 1.518,
        pixel_nm: Positive = 40.0,
        defocus_nm: Finite = 0.0,
    ) -> None:
        excitation, emission = psf.Objective(na, excitation_nm, n), psf.Objective(na, emission_nm, n)
        profile = psf.confocal(excitation, emission, pinhole_airy, defocus_nm)
        super().__init__(psf.render(profile, pixel_nm, excitation.reach_nm(defocus_nm)))


@register(
    "degradation",
    "sted",
    "STED PSF: confocal, narrowed by a depletion doughnut",
    paper="Hell, Nature Methods 6 (2009) 24, doi:10.1038/nmeth.1291",
    capabilities=LINEAR,
)
class Sted(Convolution):
    """Convolution with :func:`wavegen.degradations.psf.sted` of a confocal PSF in focus.

    Args:
        na: numerical aperture, below n.
        excitation_nm: wavelength of the laser, in vacuum.
        emission_nm: wavelength of the fluorescence, in vacuum.
        depletion_nm: wavelength of the depletion laser, in vacuum.
        saturation: depletion intensity on the crest of the doughnut, relative to the one that halves the fluorescence.
        pinhole_airy: diameter of the pinhole in Airy units.
        n: refractive index of the immersion.
        pixel_nm: pixel size in the specimen's plane.
    """

    def __init__(
        self,
        na: Positive = 1.4,
        excitation_nm: Positive = 640.0,
        emission_nm: Positive = 670.0,
        depletion_nm: Positive = 775.0,
        saturation: NotNegative = 10.0,
        pinhole_airy: NotNegative = 1.0,
        n: Positive = 1.518,
        pixel_nm: Positive = 15.0,
    ) -> None:
        excitation, emission = psf.Objective(na, excitation_nm, n), psf.Objective(na, emission_nm, n)
        imaging = psf.confocal(excitation, emission, pinhole_airy)
        profile = psf.sted(imaging, psf.Objective(na, depletion_nm, n), saturation)
        # Narrower than the confocal PSF: half its radius contains all of the remaining light.
        super().__init__(psf.render(profile, pixel_nm, excitation.reach_nm() / 2))


@register("degradation", "measured_psf", "PSF measured from a TIFF stack of beads", capabilities=LINEAR)
class MeasuredBlur(Convolution):
    """Convolution with the result of :func:`wavegen.degradations.measure_psf`; negative values (noise) are set to 0.

    Args:
        file: TIFF, (Z, Y, X) or (Y, X), with the pixel size of the images.
        size: side of the PSF in pixels, odd.
        beads: maximum number of beads that are averaged.
    """

    def __init__(self, file: str, size: int = 31, beads: Annotated[int, Field(ge=1)] = 8) -> None:
        kernel = np.clip(read_psf(file, size, beads).psf, 0, None)
        super().__init__(kernel / kernel.sum())
