"""The fraction of saturated pixels of an image."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

WORTH_A_WARNING = 1e-3  # fraction of pixels
DETECTOR_BITS = (8, 10, 12, 14, 16)
PLATEAU_FROM = 32  # lower maxima are frequent in photon counts without saturation


def saturated_share(pixels: NDArray[Any]) -> float:
    """Fraction of pixels that are clipped from above, 0 to 1.

    Pixels count as clipped if they have the largest value of the image and it is either the maximum of an 8, 10, 12,
    14 or 16-bit detector or shared by more than one pixel in 1000 (clipping before an offset was added). Constant
    images and maxima below 32 count as not clipped.
    """
    values = np.asarray(pixels)
    top, bottom = values.max(initial=0), values.min(initial=0)
    if values.size == 0 or not top > max(bottom, PLATEAU_FROM - 1) or values.dtype.kind not in "iuf":
        return 0.0
    share = float(np.count_nonzero(values == top) / values.size)
    if values.max() == values.min():
        return 0.0
    at_end = any(float(top) == 2**bits - 1 for bits in DETECTOR_BITS)
    return share if at_end or share > WORTH_A_WARNING else 0.0
