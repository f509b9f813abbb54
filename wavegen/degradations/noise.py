"""Noise of a photon-counting detector."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wavegen.core.errors import InputError


def camera(
    image_photons: NDArray[np.floating],
    rng: np.random.Generator,
    read_noise: float = 0.0,
    background: float = 0.0,
) -> NDArray[np.float32]:
    """One exposure: Poisson(image + background) + N(0, read_noise²), any shape, in photons.

    Nothing is clipped or subtracted: the mean is ``image_photons + background``, and read noise can
    push a dark pixel below zero.

    Args:
        image_photons: expected photons of each pixel, finite and >= 0.
        rng: the source of randomness; the same state gives the same bits.
        read_noise: standard deviation in photons, >= 0.
        background: expected photons added to every pixel, >= 0.

    Raises:
        InputError: negative or not finite expected photons, or a negative noise or background.
    """
    if read_noise < 0 or background < 0:
        raise InputError(f"read_noise = {read_noise:g}, background = {background:g}: neither may be negative")
    expected = np.asarray(image_photons, dtype=np.float32) + np.float32(background)
    if expected.size and not (expected.min() >= background and np.isfinite(expected).all()):
        raise InputError("expected photons must be finite and not negative; clip the image at 0 first")
    counts = rng.poisson(expected).astype(np.float32)
    if read_noise > 0:
        counts += np.float32(read_noise) * rng.standard_normal(expected.shape, dtype=np.float32)
    return counts
