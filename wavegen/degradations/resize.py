"""Down-sampling: camera binning, and the bicubic convention of super-resolution benchmarks."""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, Literal

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from wavegen.core.errors import InputError
from wavegen.core.registry import register
from wavegen.degradations.base import LinearDegradation, Size, check_batch

Factor = Annotated[int, Field(ge=1, le=64)]


def _check_multiple(x: Tensor, factor: int, name: str) -> Tensor:
    x = check_batch(x, name)
    height, width = x.shape[2:]
    if height % factor or width % factor:
        fit = (height - height % factor, width - width % factor)
        raise InputError(
            f"{name} by {factor} needs sides that are multiples of {factor}, got {height} x {width}: "
            f"crop to {fit[0]} x {fit[1]}"
        )
    return x


@register("degradation", "binning", "mean or sum over blocks of pixels", capabilities=("linear",))
class Binning(LinearDegradation):
    """(B, C, H, W) to (B, C, H / factor, W / factor).

    Args:
        factor: side of a block; H and W must be multiples of it.
        reduce: ``mean`` keeps the intensity, ``sum`` the photons.
    """

    def __init__(self, factor: Factor = 2, reduce: Literal["mean", "sum"] = "mean") -> None:
        self.factor, self.reduce = factor, reduce

    def apply(self, x: Tensor) -> Tensor:
        """Blocks to pixels.

        Raises:
            InputError: a side that is not a multiple of the factor.
        """
        mean = F.avg_pool2d(_check_multiple(x, self.factor, "binning"), self.factor)
        return mean if self.reduce == "mean" else mean * self.factor**2

    def input_size(self, size: Size) -> Size:
        """``size`` times the factor."""
        return size[0] * self.factor, size[1] * self.factor


@register(
    "degradation",
    "downsample",
    "bicubic down-sampling with antialiasing, as super-resolution benchmarks do it",
    paper="Keys, IEEE Trans. ASSP 29 (1981) 1153 (a = -1/2)",
    capabilities=("linear",),
)
class Downsample(LinearDegradation):
    """(B, C, H, W) to (B, C, H / factor, W / factor), or back to (B, C, H, W).

    Keys' cubic with a = -1/2, widened by the factor, weights normalised inside the image: the convention of
    Pillow, and up to the treatment of borders MATLAB's imresize. Values may overshoot; nothing is rounded or clipped.

    Args:
        factor: H and W must be multiples of it.
        restore_size: up-sample by the same cubic to the original size, for pipelines that need equal grids.
    """

    def __init__(self, factor: Factor = 4, restore_size: bool = False) -> None:
        self.factor, self.restore_size = factor, restore_size

    def apply(self, x: Tensor) -> Tensor:
        """Resize.

        Raises:
            InputError: a side that is not a multiple of the factor.
        """
        x = _check_multiple(x, self.factor, "downsample")
        size = (x.shape[2], x.shape[3])
        y = resize(x, (size[0] // self.factor, size[1] // self.factor))
        return resize(y, size) if self.restore_size else y

    def input_size(self, size: Size) -> Size:
        """``size`` times the factor, unless the size is restored."""
        return size if self.restore_size else (size[0] * self.factor, size[1] * self.factor)


def resize(x: Tensor, size: Size) -> Tensor:
    """Bicubic resizing (a = -1/2) of (B, C, H, W) to ``size``, antialiased where it shrinks."""
    rows, columns = (torch.from_numpy(cubic_weights(n, m)).to(x) for n, m in zip(x.shape[2:], size, strict=True))
    return rows @ x @ columns.T


@lru_cache(maxsize=32)
def cubic_weights(n: int, m: int) -> NDArray[np.float64]:
    """The matrix (m, n) that takes n samples to m: Keys' cubic, widened by n / m where it shrinks, rows of sum 1.

    Pixels are areas: the centre of output pixel i is at (i + 1/2) n / m - 1/2.
    """
    centre = (np.arange(m) + 0.5) * n / m - 0.5
    t = np.abs(np.arange(n) - centre[:, None]) / max(n / m, 1.0)
    near, far = 1.5 * t**3 - 2.5 * t**2 + 1, -0.5 * t**3 + 2.5 * t**2 - 4 * t + 2
    weights = np.where(t < 1, near, np.where(t < 2, far, 0.0))
    result: NDArray[np.float64] = weights / weights.sum(axis=1, keepdims=True)
    return result
