"""Image to subbands and back: wavelet filter banks, the Haar transform, learned bases, controls."""

from wavegen.transforms.base import DyadicTransform, Transform, max_levels
from wavegen.transforms.controls import Packets, Pool, Undecimated
from wavegen.transforms.filterbank import CustomFilterBank, FilterBank
from wavegen.transforms.filters import FilterPair, discrete_wavelets, filter_pairs, is_orthonormal
from wavegen.transforms.haar import Haar
from wavegen.transforms.kernels.fast import without_kernels
from wavegen.transforms.learning.autoencoder import AutoEncoder
from wavegen.transforms.learning.basis import learned, read_basis, resolved, save_basis
from wavegen.transforms.learning.lattice import Lattice, angles_of, taps_of
from wavegen.transforms.learning.learn import Learned, basis_value, fixed_bases, learn
from wavegen.transforms.learning.lifting import Lifting
from wavegen.transforms.learning.sparsity import coding_gain, contrast, sparsity, synthesis_norms
from wavegen.transforms.patches import Identity, SpaceToDepth
from wavegen.transforms.statistics import Moments, SubbandStatistics, low_bands, subband_statistics
from wavegen.transforms.volume import PlaneDetails, SpaceDetails, VolumeSubbands, VolumeTransform

__all__ = [
    "AutoEncoder",
    "CustomFilterBank",
    "DyadicTransform",
    "FilterBank",
    "FilterPair",
    "Haar",
    "Identity",
    "Lattice",
    "Learned",
    "Lifting",
    "Moments",
    "Packets",
    "PlaneDetails",
    "Pool",
    "SpaceDetails",
    "SpaceToDepth",
    "SubbandStatistics",
    "Transform",
    "Undecimated",
    "VolumeSubbands",
    "VolumeTransform",
    "angles_of",
    "basis_value",
    "coding_gain",
    "contrast",
    "discrete_wavelets",
    "filter_pairs",
    "fixed_bases",
    "is_orthonormal",
    "learn",
    "learned",
    "low_bands",
    "max_levels",
    "read_basis",
    "resolved",
    "save_basis",
    "sparsity",
    "subband_statistics",
    "synthesis_norms",
    "taps_of",
    "without_kernels",
]
