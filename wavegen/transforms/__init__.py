"""Image <-> subbands: wavelet filter banks, the fast Haar transform, and transforms without details."""

from wavegen.transforms.base import DyadicTransform, Transform, max_levels
from wavegen.transforms.filterbank import CustomFilterBank, FilterBank
from wavegen.transforms.filters import FilterPair, discrete_wavelets, filter_pairs, is_orthonormal
from wavegen.transforms.haar import Haar
from wavegen.transforms.patches import Identity, SpaceToDepth

__all__ = [
    "CustomFilterBank",
    "DyadicTransform",
    "FilterBank",
    "FilterPair",
    "Haar",
    "Identity",
    "SpaceToDepth",
    "Transform",
    "discrete_wavelets",
    "filter_pairs",
    "is_orthonormal",
    "max_levels",
]
