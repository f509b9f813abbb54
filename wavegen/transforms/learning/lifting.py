"""Learned biorthogonal wavelets by lifting steps, each inverted by subtracting what it added.

The even samples e and odd samples o of one axis are updated alternately, periodically,

    o[k] <- o[k] - sum_i p_i e[k + i + start],   start = -floor((n - 1) / 2)       predict, n taps
    e[k] <- e[k] + sum_i u_i o[k + i + start],   start = -floor(n / 2)             update, n taps

and the bands are lo = scale e, hi = -o / scale (Sweldens, SIAM J. Math. Anal. 29 (1998) 511-546; Daubechies,
Sweldens, J. Fourier Anal. Appl. 4 (1998) 247-269). An even number of taps is centred between the samples.
"""

from __future__ import annotations

import math
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from wavegen.core.errors import InputError
from wavegen.core.registry import register
from wavegen.transforms.base import Bands, DyadicTransform

COLUMNS, ROWS = -1, -2
# Steps and scale of known wavelets. CDF 9/7: Daubechies, Sweldens 1998, section 7.4, in float64 by the relations there.
STARTS: dict[str, tuple[list[list[float]], float]] = {
    "haar": ([[1.0], [0.5]], math.sqrt(2)),
    "cdf5/3": ([[0.5, 0.5], [0.25, 0.25]], math.sqrt(2)),
    "cdf9/7": (
        [
            [1.586134342059924, 1.586134342059924],
            [-0.052980118572961, -0.052980118572961],
            [-0.882911075530934, -0.882911075530934],
            [0.443506852043971, 0.443506852043971],
        ],
        1.149604398860241,
    ),
}


def _sum(taps: Tensor, x: Tensor, start: int, axis: int) -> Tensor:
    """sum_i taps[i] x[k + i + start], periodically."""
    total = taps[0] * x.roll(-start, axis)
    for i in range(1, len(taps)):
        total = total + taps[i] * x.roll(-start - i, axis)
    return total


@register(
    "transform",
    "lifting",
    "learned biorthogonal wavelet: lifting steps, exactly invertible at any coefficients",
    paper="Sweldens, SIAM J. Math. Anal. 29 (1998) 511-546",
    capabilities=("trainable",),
)
class Lifting(DyadicTransform):
    """Periodised biorthogonal transform by predict and update steps with trained coefficients.

    Args:
        start: the wavelet whose steps are the initial values: ``haar``, ``cdf5/3`` or ``cdf9/7``.
        steps: coefficients of alternating predict and update steps, instead of ``start``.
        scale: gain of the low band; the high band is divided by it. Default: that of ``start``, or sqrt(2) with
            ``steps``. Not trained: that would let a band vanish without becoming sparser.
        levels: number of levels; all use the same steps.
        train: whether the coefficients are trained together with the pipeline.

    Raises:
        InputError: an empty step, or a coefficient that is not finite.
    """

    orthonormal = False

    def __init__(
        self,
        start: Literal["haar", "cdf5/3", "cdf9/7"] = "cdf5/3",
        steps: Annotated[list[Annotated[list[float], Field(min_length=1, max_length=16)]], Field(max_length=16)]
        | None = None,
        scale: Annotated[float, Field(gt=0)] | None = None,
        levels: Annotated[int, Field(ge=1, le=8)] = 2,
        train: bool = True,
    ) -> None:
        super().__init__(levels)
        coefficients, default_scale = STARTS[start] if steps is None else (steps, math.sqrt(2))
        if not all(step and all(map(math.isfinite, step)) for step in coefficients):
            raise InputError(f"steps = {coefficients}: each step needs one or more finite numbers")
        self.scale = default_scale if scale is None else scale
        self.steps = nn.ParameterList(
            nn.Parameter(torch.tensor(step, dtype=torch.float32), requires_grad=train) for step in coefficients
        )

    def _split(self, x: Tensor, axis: int) -> tuple[Tensor, Tensor]:
        even, odd = torch.unflatten(x, axis, (-1, 2)).unbind(axis)
        for index, taps in enumerate(self.steps):
            taps = taps.to(x.dtype)
            if index % 2:
                even = even + _sum(taps, odd, -(len(taps) // 2), axis)
            else:
                odd = odd - _sum(taps, even, -((len(taps) - 1) // 2), axis)
        return even * self.scale, odd * (-1 / self.scale)

    def _merge(self, lo: Tensor, hi: Tensor, axis: int) -> Tensor:
        even, odd = lo * (1 / self.scale), hi * -self.scale
        for index, taps in reversed(list(enumerate(self.steps))):
            taps = taps.to(lo.dtype)
            if index % 2:
                even = even - _sum(taps, odd, -(len(taps) // 2), axis)
            else:
                odd = odd + _sum(taps, even, -((len(taps) - 1) // 2), axis)
        return torch.stack((even, odd), axis).flatten(axis - 1, axis)

    def analyse(self, x: Tensor) -> Bands:
        """(B, C, 2h, 2w) to LL, H, V, D, each (B, C, h, w)."""
        lo, hi = self._split(x, COLUMNS)
        return *self._split(lo, ROWS), *self._split(hi, ROWS)

    def synthesise(self, ll: Tensor, h: Tensor, v: Tensor, d: Tensor) -> Tensor:
        """The inverse of :meth:`analyse`: the steps in reverse order, with the opposite signs."""
        return self._merge(self._merge(ll, h, ROWS), self._merge(v, d, ROWS), COLUMNS)

    def extra_repr(self) -> str:
        """Taps of the steps and levels, for ``print``."""
        return f"steps={[len(step) for step in self.steps]}, levels={self.levels}"
