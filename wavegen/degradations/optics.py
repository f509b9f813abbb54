"""Blur by a microscope's point spread function, in its Gaussian approximation."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from wavegen.core.errors import InputError

Float = NDArray[np.float32]
FWHM_PER_SIGMA = 2.0 * math.sqrt(2.0 * math.log(2.0))
SUPPORT_SIGMAS = 4.0  # a Gaussian keeps 0.99994 of its integral within +-4 sigma


def sigma_pixels(fwhm_nm: float, pixel_nm: float) -> float:
    """Standard deviation in pixels of a Gaussian given by its full width at half maximum (nm).

    Raises:
        InputError: a width or pixel size that is not positive and finite.
    """
    if not (0 < fwhm_nm < math.inf and 0 < pixel_nm < math.inf):
        raise InputError(f"fwhm_nm = {fwhm_nm:g}, pixel_nm = {pixel_nm:g}: both must be positive and finite nanometres")
    return fwhm_nm / FWHM_PER_SIGMA / pixel_nm


def gaussian_taps(fwhm_nm: float, pixel_nm: float) -> Float:
    """One-dimensional Gaussian, sampled at pixel centres, (2 r + 1,), r = ceil(4 sigma), sum 1."""
    sigma = sigma_pixels(fwhm_nm, pixel_nm)
    radius = math.ceil(SUPPORT_SIGMAS * sigma)
    taps = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    taps /= taps.sum()
    result: Float = taps.astype(np.float32)
    return result


def gaussian_psf(fwhm_nm: float, pixel_nm: float, normalise: Literal["sum", "peak"] = "sum") -> Float:
    """Gaussian point spread function on a square of odd side, (2 r + 1, 2 r + 1), r = ceil(4 sigma).

    Args:
        fwhm_nm: full width at half maximum in nm, > 0.
        pixel_nm: pixel size in nm, > 0.
        normalise: ``sum`` preserves the photons of a point, ``peak`` sets the centre to 1.

    Raises:
        InputError: a width or pixel size that is not positive and finite.
    """
    taps = gaussian_taps(fwhm_nm, pixel_nm)
    psf: Float = np.outer(taps, taps)
    return psf if normalise == "sum" else psf / psf.max()


def blur(image: NDArray[np.floating], fwhm_nm: float, pixel_nm: float) -> Float:
    """Convolve the last two axes, (..., H, W), with :func:`gaussian_psf` of sum 1.

    Borders are mirrored, so that a constant image is unchanged. Non-negative input gives
    non-negative output; units are those of the input.

    Raises:
        InputError: an array of fewer than two axes, or a width or pixel size that is not positive.
    """
    from scipy.ndimage import correlate1d

    if image.ndim < 2:
        raise InputError(f"blur needs an image (..., H, W), got shape {image.shape}")
    taps = gaussian_taps(fwhm_nm, pixel_nm)
    rows = correlate1d(image.astype(np.float32, copy=False), taps, axis=-2, mode="reflect")
    result: Float = correlate1d(rows, taps, axis=-1, mode="reflect")
    return result
