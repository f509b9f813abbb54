"""Bright spots: how wide is a bead in the image?"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from wavegen.core.errors import InputError
from wavegen.core.registry import register
from wavegen.metrics._inputs import DataRange, check_finite, check_images
from wavegen.metrics.base import SingleMetric

Doubles = NDArray[np.float64]
FWHM_PER_SIGMA = 2 * math.sqrt(2 * math.log(2))
FAINTEST = 0.3  # of the brightest spot, above the median


class Spot(NamedTuple):
    """A fitted spot: centre (pixels), full width at half maximum (pixels), height and level below it (intensity)."""

    y: float
    x: float
    fwhm: float
    height: float
    level: float


def fit_spots(image: Tensor, window: int = 11, most: int = 50) -> list[Spot]:
    """Isolated bright spots of an image, each fitted by a round Gaussian on a level, brightest first.

    A spot is a local maximum at least 0.3 times as far above the median as the brightest one, alone in twice its
    window, and whole inside the image. Fits that wander out of their window are left out.

    Args:
        image: (H, W) floating point.
        window: side of the fit in pixels, odd, at least 5; two to four times the width expected.
        most: how many spots at most.

    Raises:
        InputError: a wrong shape, type or window; values that are not finite.
    """
    if image.ndim != 2 or min(image.shape, default=0) < window or window < 5 or window % 2 == 0:
        raise InputError(
            f"spots need an image (H, W) no smaller than the window, odd and at least 5; "
            f"got shape {tuple(image.shape)}, window {window}"
        )
    check_images("image", image[None, None])
    check_finite(image)
    pixels = image.detach().cpu().double().numpy()
    spots = [_fit(pixels, peak, window // 2) for peak in _peaks(pixels, window)[:most]]
    return [spot for spot in spots if spot is not None]


def _peaks(pixels: Doubles, window: int) -> list[tuple[int, int]]:
    from scipy.ndimage import gaussian_filter, maximum_filter

    smooth = gaussian_filter(pixels, 1.0)
    floor = float(np.median(smooth))
    height = float(smooth.max()) - floor
    if height <= 1e-9 * max(abs(floor), abs(float(smooth.max()))):
        return []
    found = np.argwhere((smooth == maximum_filter(smooth, 3)) & (smooth - floor >= FAINTEST * height))
    order = np.argsort([-smooth[y, x] for y, x in found], kind="stable")
    alone = []
    for i in order:
        y, x = (int(v) for v in found[i])
        inside = all(window // 2 <= v < n - window // 2 for v, n in zip((y, x), pixels.shape, strict=True))
        near = np.abs(np.delete(found, i, axis=0) - (y, x)).max(axis=1) < window if len(found) > 1 else np.zeros(0)
        if inside and not near.any():
            alone.append((y, x))
    return alone


def _fit(pixels: Doubles, peak: tuple[int, int], reach: int) -> Spot | None:
    from scipy.optimize import least_squares

    y, x = peak
    cut = pixels[y - reach : y + reach + 1, x - reach : x + reach + 1]
    dy, dx = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    level, height = float(np.median(cut)), float(cut.max() - np.median(cut))
    scale = height or 1.0

    def residual(p: Doubles) -> Doubles:
        model = p[4] + p[3] * np.exp(-((dy - p[0]) ** 2 + (dx - p[1]) ** 2) / (2 * p[2] ** 2))
        difference: Doubles = (model - (cut - level) / scale).ravel()
        return difference

    bounds = ([-reach, -reach, 0.2, 0.0, -5.0], [reach, reach, 3.0 * reach, 10.0, 5.0])
    found = least_squares(residual, (0.0, 0.0, max(reach / 3, 0.5), 1.0, 0.0), bounds=bounds).x
    if max(abs(found[0]), abs(found[1])) > reach / 2 or found[2] > reach:
        return None
    width = float(found[2]) * FWHM_PER_SIGMA
    return Spot(
        y + float(found[0]), x + float(found[1]), width, float(found[3]) * scale, level + float(found[4]) * scale
    )


def bead_fwhm(images: Tensor, window: int = 11) -> Tensor:
    """Median full width at half maximum of the isolated spots of each image, in pixels.

    Args:
        images: (B, C, H, W); the spots of all channels count alike.
        window: as for :func:`fit_spots`.

    Returns:
        (B,) float64; NaN for an image without an isolated spot.

    Raises:
        InputError: as :func:`fit_spots`.
    """
    images = check_images("images", images)
    medians = []
    for image in images:
        widths = [spot.fwhm for channel in image for spot in fit_spots(channel, window)]
        medians.append(float(np.median(widths)) if widths else math.nan)
    return torch.tensor(medians, dtype=torch.float64)


@register(
    "metric",
    "bead_fwhm",
    "median width of isolated bright spots in pixels, of each image by itself",
    capabilities=("single", "lower_is_better"),
)
class BeadFwhm(SingleMetric):
    """:func:`bead_fwhm` as a component.

    Args:
        window: side of a fit in pixels, odd.
    """

    title, unit, form = "bead FWHM", "px", ".2f"
    higher_is_better, values = False, (0.0, math.inf)

    def __init__(self, window: int = 11) -> None:
        self.window = window
        self.least_side = window

    def __call__(self, images: Tensor, data_range: DataRange) -> Tensor:
        """:func:`bead_fwhm`: a width has no intensity, so that the range drops out."""
        return bead_fwhm(images, self.window)
