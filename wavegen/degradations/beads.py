"""Measuring a point spread function from a stack of sub-resolution beads."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wavegen.core.errors import InputError
from wavegen.core.guard import guarded
from wavegen.core.limits import check_declared
from wavegen.core.pages import check_chain, check_planes, kind_of
from wavegen.core.segments import check_segments

Doubles = NDArray[np.float64]
FAINTEST = 0.3  # a peak below this fraction of the brightest one is a dim bead or a side lobe


@dataclass(frozen=True)
class MeasuredPsf:
    """``psf`` (size, size), sum 1; ``plane``: index of the focal plane; ``centres`` (n, 2): (y, x) in pixels."""

    psf: Doubles
    plane: int
    centres: Doubles


def measure_psf(stack: NDArray[np.generic], size: int = 31, beads: int = 8) -> MeasuredPsf:
    """The mean of the brightest isolated beads in the plane of best focus.

    The plane in focus has the highest smoothed peak. Before averaging, each bead is centred to a fraction of a pixel
    (centroid of the brighter half, then a shift by cubic splines), its local background (median of the window's rim)
    is subtracted, and its sum is set to 1. The size of the bead is not deconvolved: use beads smaller than a third of
    the resolution.

    Args:
        stack: (Z, Y, X) or (Y, X), counts.
        size: side of the result in pixels, odd, at least 5.
        beads: how many to use at most.

    Raises:
        InputError: a wrong shape or size; values that are not finite; only saturated beads; no isolated bead.
    """
    from scipy.ndimage import gaussian_filter

    planes = _checked(stack, size)
    smooth = np.stack([gaussian_filter(plane, 1.0) for plane in planes])
    plane = int(np.argmax(smooth.max(axis=(1, 2))))
    image, smooth = planes[plane], smooth[plane]
    candidates = _isolated(smooth, size)
    top = float(image.max())
    unsaturated = [c for c in candidates if not _flat_top(image, c, top)]
    if not unsaturated:
        reason = "every bead is saturated" if candidates else f"no bead is isolated in a window of {size} pixels"
        raise InputError(f"no point spread function can be measured: {reason}")
    windows, centres = zip(*(_centred(image, c, size) for c in unsaturated[:beads]), strict=True)
    mean = np.mean(windows, axis=0)
    return MeasuredPsf(mean / mean.sum(), plane, np.array(centres))


def read_psf(file: str | Path, size: int = 31, beads: int = 8) -> MeasuredPsf:
    """:func:`measure_psf` of a TIFF file.

    Raises:
        InputError: no such file, not a TIFF, or as :func:`measure_psf`.
    """
    stack = guarded(Path(file), _read, "not a TIFF stack of beads")
    try:
        return measure_psf(stack, size, beads)
    except InputError as error:
        raise InputError(f"{file}: {error}") from None


def _read(path: Path) -> NDArray[np.generic]:
    import tifffile

    logging.getLogger("tifffile").addHandler(logging.NullHandler())  # what it says of damaged files is in the error
    with tifffile.TiffFile(path) as file:
        check_chain(file)
        series = file.series[0]
        check_planes(file, kind_of(file), series)
        check_declared(path, series.shape, np.float64)
        if any(page is None for page in series.pages):
            raise InputError("planes are missing from it; copy or export it again")
        for page in series.pages:
            check_segments(path, page)
        stack: NDArray[np.generic] = series.asarray()
    return stack


def _checked(stack: NDArray[np.generic], size: int) -> Doubles:
    if size < 5 or size % 2 == 0:
        raise InputError(f"size = {size}: the side of a PSF must be odd and at least 5 pixels")
    if stack.dtype.kind not in "iufb":
        raise InputError(f"a bead stack must hold numbers, not {stack.dtype}")
    planes = np.asarray(stack, dtype=np.float64)
    planes = planes[None] if planes.ndim == 2 else planes
    if planes.ndim != 3 or planes.size == 0 or min(planes.shape[1:]) < size + 2:
        raise InputError(f"a bead stack must be (Z, Y, X) or (Y, X) with sides above {size + 1}, got {stack.shape}")
    if not np.isfinite(planes).all():
        raise InputError("a bead stack must be finite")
    return planes


def _isolated(smooth: Doubles, size: int) -> list[tuple[int, int]]:
    """Peaks away from the border without others of comparable height in a window of ``size``, brightest first."""
    from scipy.ndimage import maximum_filter

    floor = float(np.median(smooth))
    height = float(smooth.max()) - floor
    if height <= 0:
        return []
    peaks = np.argwhere((smooth == maximum_filter(smooth, 3)) & (smooth - floor >= FAINTEST * height))
    order = np.argsort([-smooth[y, x] for y, x in peaks])
    reach = size // 2 + 1
    chosen = []
    for index in order:
        y, x = (int(v) for v in peaks[index])
        inside = all(reach <= v < n - reach for v, n in zip((y, x), smooth.shape, strict=True))
        others = np.abs(np.delete(peaks, index, axis=0) - (y, x)).max(axis=1, initial=0)
        if inside and not bool((others <= reach).any() and len(peaks) > 1):
            chosen.append((y, x))
    return chosen


def _flat_top(image: Doubles, centre: tuple[int, int], top: float) -> bool:
    """Whether several pixels of the bead have the highest value of the image, as in a saturated bead."""
    y, x = centre
    return bool((image[y - 2 : y + 3, x - 2 : x + 3] == top).sum() >= 3)


def _centred(image: Doubles, centre: tuple[int, int], size: int) -> tuple[Doubles, tuple[float, float]]:
    """One bead, centred in its window, background subtracted, with sum 1; and its position in the image."""
    from scipy.ndimage import shift

    reach = size // 2 + 1
    y, x = centre
    window = image[y - reach : y + reach + 1, x - reach : x + reach + 1]
    rim = np.concatenate((window[0], window[-1], window[1:-1, 0], window[1:-1, -1]))
    window = window - np.median(rim)
    axis = np.arange(-reach, reach + 1)
    core = np.where(np.hypot(*np.meshgrid(axis, axis)) <= reach, window, 0)
    weight = np.clip(core - core.max() / 2, 0, None)
    dy, dx = (float((weight.sum(axis=1 - a) * axis).sum() / weight.sum()) for a in (0, 1))
    moved = shift(window, (-dy, -dx), order=3, mode="nearest")[1:-1, 1:-1]
    return moved / moved.sum(), (y + dy, x + dx)
