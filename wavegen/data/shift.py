"""How far one image is moved against another, from the peak of their cross-correlation."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def shift_between(fixed: NDArray[Any], moving: NDArray[Any], parts: int) -> tuple[float, float]:
    """The shift (y, x) in pixels that lays ``moving`` onto ``fixed``, both (H, W), to ``1 / parts`` of a pixel.

    The peak of the periodic cross-correlation is found among whole pixels, then its Fourier series is summed at
    fractions of a pixel around it. Shifts lie between minus and plus half the size of the images.
    """
    cross = np.fft.fft2(fixed) * np.fft.fft2(moving).conj()
    peak = np.unravel_index(np.abs(np.fft.ifft2(cross)).argmax(), cross.shape)
    whole = [p - n if p > n // 2 else p for p, n in zip(map(int, peak), cross.shape, strict=True)]
    reach = int(0.75 * parts)
    fractions = np.arange(-reach, reach + 1) / parts
    at = [w + fractions if n > 1 else np.zeros(1) for w, n in zip(whole, cross.shape, strict=True)]
    waves = [np.exp(2j * np.pi * np.outer(s, np.fft.fftfreq(n))) for s, n in zip(at, cross.shape, strict=True)]
    finer = np.abs(waves[0] @ cross @ waves[1].T)
    row, column = np.unravel_index(finer.argmax(), finer.shape)
    return float(at[0][row]), float(at[1][column])
