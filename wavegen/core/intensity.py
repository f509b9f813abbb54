"""The range of an image's intensities, which everything that stretches or scales images asks for."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

LOW, HIGH = 0.1, 99.9  # percentiles


def intensity_range(values: NDArray[Any], low: float = LOW, high: float = HIGH) -> tuple[float, float]:
    """Offset and width of the range of an image, by two percentiles.

    Where the percentiles are equal, as of a few bright spots on an empty field, the range is that from the smallest to
    the largest value. The width is 0 for a constant image alone. For a x + b, a > 0, the offset is a offset + b and the
    width a width, to rounding of the values themselves.

    Args:
        values: numbers of any shape, at least one.
        low: percentile that becomes the offset, in [0, 100].
        high: percentile at the end of the range.

    Returns:
        Offset and width, in the units of the values; not finite where a value is not, or where the width is beyond the
        type of the values.
    """
    flat = np.ravel(values)
    if flat.dtype not in (np.float32, np.float64):
        flat = flat.astype(np.float64)
    floor = flat.min()
    # Above the smallest value: on a large offset, interpolation between two values would be rounded to that offset's.
    with np.errstate(over="ignore", invalid="ignore"):
        above = flat - floor
        start, end = (float(value) for value in np.percentile(above, [low, high]))
    if start == end:
        start, end = 0.0, float(above.max())
    return float(floor) + start, end - start


def unit_range(values: NDArray[Any], low: float = LOW, high: float = HIGH) -> NDArray[Any]:
    """Values with 0 at the offset and 1 at the end of their :func:`intensity_range`; zeros for a constant image."""
    offset, width = intensity_range(values, low, high)
    scaled: NDArray[Any] = (values - offset) / (width or 1.0)
    return scaled
