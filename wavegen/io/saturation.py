"""How much of an image is at the detector's end."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

WORTH_A_WARNING = 1e-3  # share of pixels
DETECTOR_BITS = (8, 10, 12, 14, 16)
PLATEAU_FROM = 32  # a photon count as low as this repeats without being saturated


def saturated_share(pixels: NDArray[Any]) -> float:
    """Share of pixels that are clipped from above, 0 to 1.

    Pixels count as clipped when they have the image's largest value and that is the end of an 8, 10, 12, 14 or
    16-bit detector, or when more than one in 1000 have it, which also finds clipping under an offset.
    Constant images and counts below 32 are taken as not clipped.
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
