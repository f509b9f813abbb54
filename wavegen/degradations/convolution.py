"""Convolution with a point spread function, by FFT, with mirrored borders."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from wavegen.core.errors import InputError
from wavegen.degradations.base import LinearDegradation, check_batch

SIDE = 1025  # pixels; a larger kernel suggests an error in the units


class Convolution(LinearDegradation):
    """y = k * x. Borders are mirrored (d c b a | a b c d), so that a constant image is unchanged.

    Args:
        kernel: (h, w), odd sides, finite; not normalised: a sum of 1 preserves the intensity.

    Raises:
        InputError: another shape, values that are not finite, or a side above 1025 pixels.
    """

    def __init__(self, kernel: NDArray[np.floating]) -> None:
        kernel = np.asarray(kernel, dtype=np.float64)
        if kernel.ndim != 2 or not all(n % 2 == 1 and n <= SIDE for n in kernel.shape):
            raise InputError(f"a kernel must be 2-D with odd sides of at most {SIDE} pixels, got shape {kernel.shape}")
        if not np.isfinite(kernel).all():
            raise InputError("a kernel must be finite")
        self.kernel = torch.from_numpy(kernel)

    def apply(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to (B, C, H, W)."""
        from scipy.fft import next_fast_len

        x = check_batch(x, self.label)
        height, width = x.shape[2:]
        ry, rx = (n // 2 for n in self.kernel.shape)
        padded = x[..., _mirrored(height, ry).to(x.device), :][..., _mirrored(width, rx).to(x.device)]
        size = [next_fast_len(n, real=True) for n in padded.shape[2:]]
        product = torch.fft.rfft2(padded, size) * torch.fft.rfft2(self.kernel.to(x), size)
        result: Tensor = torch.fft.irfft2(product, size)[..., 2 * ry : 2 * ry + height, 2 * rx : 2 * rx + width]
        return result


def _mirrored(n: int, radius: int) -> Tensor:
    """Indices of n pixels with ``radius`` mirrored ones on either side, mirrored repeatedly if needed."""
    index = torch.arange(-radius, n + radius) % (2 * n)
    return torch.minimum(index, 2 * n - 1 - index)
