"""Learned orthonormal wavelets by a lattice of plane rotations: orthonormal for all angles.

L rotations and the delays between them give an orthonormal pair of 2L taps,

    E(z) = R(theta_L) D(z) R(theta_(L-1)) ... D(z) R(theta_1),    D(z) = diag(1, 1/z)
    (lo, hi) <- (cos theta lo + sin theta z^-2 hi, -sin theta lo + cos theta z^-2 hi)

and every orthonormal pair of 2L taps has such angles (Vaidyanathan, Hoang, IEEE Trans. ASSP 36 (1988) 81-94).
The low-pass filter has gain sqrt(2) at frequency zero if the angles sum to pi / 4.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache, partial
from typing import Annotated

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from wavegen.core.errors import InputError
from wavegen.core.registry import register
from wavegen.transforms.adjoint import linear
from wavegen.transforms.base import Bands, DyadicTransform
from wavegen.transforms.filterbank import FilterAxes
from wavegen.transforms.filters import FilterPair, filter_pairs, is_orthonormal
from wavegen.transforms.learning import trilinear

TOLERANCE = 1e-8  # largest error of a tap after factorisation; float32 angles add about 1e-7


def taps_of(angles: Tensor) -> Tensor:
    """Angles (L,) in radians to taps (2, 2L), low-pass first, in the order of convolution; differentiable."""
    rotations = torch.stack((torch.cos(angles), torch.sin(angles)), 1)
    c, s = rotations[0]
    lo, hi = torch.stack((c, s)), torch.stack((-s, c))
    for c, s in rotations[1:]:
        zeros = lo.new_zeros(2)
        early, late = torch.cat((lo, zeros)), torch.cat((zeros, hi))
        lo, hi = c * early + s * late, c * late - s * early
    return torch.stack((lo, hi))


def angles_of(lo: Sequence[float]) -> list[float]:
    """Angles of the lattice whose low-pass filter is ``lo``, from the last rotation to the first.

    The high-pass filter is taken to be PyWavelets' alternating flip, hi[n] = (-1)^(n+1) lo[N - 1 - n].

    Raises:
        InputError: the even shifts of ``lo`` are not orthonormal, or its factorisation is not exact to 1e-8.
    """
    n = len(lo)
    low = np.asarray(lo, float)
    if n < 2 or n % 2 or low.ndim != 1 or not np.isfinite(low).all():
        raise InputError(f"a lattice needs an even number of finite taps, not {n}")
    high = low[::-1] * (-1.0) ** np.arange(1, n + 1)
    if not is_orthonormal(FilterPair(tuple(low), tuple(high))):
        raise InputError(f"the even shifts of these {n} taps are not orthonormal, so no lattice represents them")
    angles = []
    while len(low) > 2:
        # The rotation that zeroes the first two taps of the delayed branch (none if they are zero already).
        i = int(np.argmax(np.hypot(low[:2], high[:2])))
        angle = math.atan2(-high[i], low[i]) if math.hypot(low[i], high[i]) > TOLERANCE else 0.0
        c, s = math.cos(angle), math.sin(angle)
        low, high = (c * low - s * high)[:-2], (s * low + c * high)[2:]
        angles.append(angle)
    angles.append(math.atan2(low[1], low[0]))
    angles.reverse()
    error = np.abs(taps_of(torch.tensor(angles, dtype=torch.float64))[0].numpy() - np.asarray(lo)).max()
    if error > TOLERANCE:
        raise InputError(f"factorising these {n} taps loses precision (error {error:.1g}); use a shorter filter")
    return angles


@lru_cache(maxsize=64)
def _filters(angles: tuple[float, ...]) -> FilterPair:
    lo, hi = taps_of(torch.tensor(angles, dtype=torch.float64)).tolist()
    return FilterPair(tuple(lo), tuple(hi))


@register(
    "transform",
    "lattice",
    "learned orthonormal wavelet: a lattice of rotations, exact at any angles",
    paper="Vaidyanathan, Hoang, IEEE Trans. ASSP 36 (1988) 81-94",
    capabilities=("orthonormal", "trainable"),
)
class Lattice(DyadicTransform):
    """Periodised orthonormal transform whose 2L taps are computed in float64 from L angles.

    Orthogonality and exact reconstruction hold for all angles, so training cannot lose them. With the angles of a
    wavelet, the coefficients equal those of its filter bank to 1e-7 (angles are stored in float32).

    Args:
        start: the orthonormal PyWavelets wavelet whose angles are the initial values.
        angles: the angles in radians, instead of ``start``.
        levels: number of levels; all use the same taps.
        train: whether the angles are trained together with the pipeline.

    Raises:
        InputError: ``start`` is unknown, not orthonormal, or does not factorise; ``angles`` are empty or not finite.
    """

    orthonormal = True

    def __init__(
        self,
        start: str = "db4",
        angles: Annotated[list[float], Field(min_length=1, max_length=64)] | None = None,
        levels: Annotated[int, Field(ge=1, le=8)] = 2,
        train: bool = True,
    ) -> None:
        super().__init__(levels)
        if angles is None:
            angles = angles_of(filter_pairs(start)[0].lo)
        if not angles or not all(map(math.isfinite, angles)):
            raise InputError(f"angles = {angles}: give one or more finite numbers, in radians")
        self.angles = nn.Parameter(torch.tensor(angles, dtype=torch.float32), requires_grad=train)

    def taps(self) -> Tensor:
        """Taps (2, 2L) in float64 on the CPU, low-pass first, in the order of convolution; differentiable."""
        return taps_of(self.angles.cpu().double())

    def filters(self) -> FilterPair:
        """The taps as floats."""
        return _filters(tuple(self.angles.tolist()))

    @property
    def learning(self) -> bool:
        """Whether a gradient with respect to the taps is being recorded."""
        return self.angles.requires_grad and torch.is_grad_enabled()

    def analyse(self, x: Tensor) -> Bands:
        """(B, C, 2h, 2w) to LL, H, V, D, each (B, C, h, w)."""
        if self.learning:
            return trilinear.analyse(x, self.taps())
        axes = FilterAxes(self.filters(), "periodization", cut=False)
        ll, h, v, d = linear(axes.apply, partial(axes.transpose, size=(x.shape[-2], x.shape[-1])), x)
        return ll, h, v, d

    def split(self, x: Tensor) -> Bands:
        """One level of any size: (B, C, H, W) to LL, H, V, D, each (B, C, *coarser((H, W)))."""
        return super().split(x) if self.learning else self.analyse(x)  # the filter bank handles odd sizes itself

    def synthesise(self, ll: Tensor, h: Tensor, v: Tensor, d: Tensor) -> Tensor:
        """The inverse of :meth:`analyse`, which is also its transpose."""
        if self.learning:
            return trilinear.synthesise(ll, h, v, d, self.taps())
        return self.merge(ll, h, v, d, (2 * ll.shape[-2], 2 * ll.shape[-1]))

    def merge(self, ll: Tensor, h: Tensor, v: Tensor, d: Tensor, size: tuple[int, int]) -> Tensor:
        """The inverse of :meth:`split` for an image of ``size``."""
        if self.learning:
            return super().merge(ll, h, v, d, size)
        axes = FilterAxes(self.filters(), "periodization", cut=True)
        return linear(partial(axes.transpose, size=size), axes.apply, ll, h, v, d)[0]

    def extra_repr(self) -> str:
        """Number of taps and levels, for ``print``."""
        return f"taps={2 * len(self.angles)}, levels={self.levels}"
