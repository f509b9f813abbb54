"""Image <-> subbands: wavelet filter banks, the fast Haar transform, and transforms without details."""

from wavegen.transforms.base import DyadicTransform, Transform
from wavegen.transforms.controls import Packets, Pool, Undecimated
from wavegen.transforms.filterbank import FilterBank
from wavegen.transforms.filters import FilterPair, discrete_wavelets, filter_pairs, is_orthonormal
from wavegen.transforms.haar import Haar
from wavegen.transforms.lattice import Lattice, angles_of, taps_of
from wavegen.transforms.lifting import Lifting
from wavegen.transforms.patches import Identity, SpaceToDepth

__all__ = [
    "DyadicTransform",
    "FilterBank",
    "FilterPair",
    "Haar",
    "Identity",
    "Lattice",
    "Lifting",
    "Packets",
    "Pool",
    "SpaceToDepth",
    "Transform",
    "Undecimated",
    "angles_of",
    "discrete_wavelets",
    "filter_pairs",
    "is_orthonormal",
    "taps_of",
]
