"""How right matched intensities and registrations are, on simulated pairs whose gain and shift are known."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from wavegen.core.registry import build
from wavegen.data import match
from wavegen.data.registration import find_shift

GAIN, OFFSET = 0.83, 17.0
SIDE = 256
# Blur (pixels), photons at the brightest structures, read noise (photons), noise of the target (of its range).
CAMERAS = ((0, 100, 1, 0.02), (0, 20, 1, 0.0), (0, 5, 1, 0.0), (5, 100, 1, 0.02), (5, 20, 1, 0.0))
SHIFTS = ((0.3, -1.7), (2.45, 1.1), (0.0, 0.0), (-0.5, 0.5))
Image = NDArray[Any]


class Gains(NamedTuple):
    """Relative errors of gains in percent: of the mean, of the worst image, and of least squares in the mean."""

    data: str
    blur: float
    photons: float
    mean: float
    worst: float
    least_squares: float


class Shifts(NamedTuple):
    """Errors of shifts in pixels: root mean square and largest."""

    data: str
    blur: float
    photons: float
    rms: float
    worst: float


def specimens(data: str, count: int) -> list[Image]:
    """Simulated targets, the brightest structures at 1."""
    source = build("dataset", {"name": data, "split": "train", "length": count, "size": SIDE})
    images = [source[i].x[0].double().numpy() for i in range(count)]
    return [image / np.percentile(image, 99.9) for image in images]


def seen(specimen: Image, blur: float, photons: float, read: float, rng: np.random.Generator) -> Image:
    """What a camera makes of a specimen, in units of its brightest structures."""
    from scipy.ndimage import gaussian_filter

    blurred = gaussian_filter(specimen, blur) if blur else specimen
    counts = rng.poisson(np.clip(blurred, 0, None) * photons) + read * rng.normal(size=specimen.shape)
    return np.asarray(counts / photons)


def bench_gains(data: str, count: int, seed: int) -> list[Gains]:
    """A target is ``GAIN`` times its input plus ``OFFSET``, but for blur and noise."""
    rng, rows = np.random.default_rng(seed), []
    images = specimens(data, count)
    for blur, photons, read, noise in CAMERAS:
        errors, plain = [], []
        for specimen in images:
            y = 1000 * seen(specimen, blur, photons, read, rng)
            x = GAIN * 1000 * (specimen + noise * rng.normal(size=specimen.shape)) + OFFSET
            (line,) = match(x[None].astype(np.float32), y[None].astype(np.float32))
            errors.append(100 * (line.gain / GAIN - 1))
            plain.append(100 * (np.polyfit(y.ravel(), x.ravel(), 1)[0] / GAIN - 1))
        worst = max(errors, key=abs)
        rows.append(Gains(data, blur, photons, float(np.mean(errors)), worst, float(np.mean(plain))))
    return rows


def bench_shifts(data: str, count: int, seed: int) -> list[Shifts]:
    """Inputs are moved by known shifts, blurred and noisy."""
    from scipy.ndimage import fourier_shift

    rng, rows = np.random.default_rng(seed), []
    images = specimens(data, count)
    for blur, photons in ((0, 50), (0, 5), (4, 500), (4, 50)):
        errors = []
        for specimen in images:
            for shift in SHIFTS:
                moved = np.fft.ifft2(fourier_shift(np.fft.fft2(specimen), shift)).real
                found = find_shift(specimen[None], seen(moved, blur, photons, 1, rng)[None], 4)
                errors.append(np.hypot(found.y - shift[0], found.x - shift[1]) / 2**0.5)  # along an axis
        rows.append(Shifts(data, blur, photons, float(np.sqrt(np.mean(np.square(errors)))), float(max(errors))))
    return rows
