"""How good is a restoration: fidelity, perception, texture, sets of images, spread of samples."""

from wavegen.metrics import weights
from wavegen.metrics.backbones import feature_pyramid
from wavegen.metrics.base import DistributionMetric, EnsembleMetric, Metric, PairedMetric, SingleMetric
from wavegen.metrics.distribution import (
    DistributionScore,
    FrechetInceptionDistance,
    KernelDistance,
)
from wavegen.metrics.ensemble import crps, spread_skill
from wavegen.metrics.image import psnr, rmse, spread, ssim
from wavegen.metrics.invariant import Affine, apply_affine, fit_affine, micro_ssim, range_invariant_psnr
from wavegen.metrics.linearity import Linearity, intensity_linearity
from wavegen.metrics.manifold import Manifold, ManifoldMetric, manifold_scores
from wavegen.metrics.multiscale import ms_ssim
from wavegen.metrics.perceptual import Lpips
from wavegen.metrics.resolution import fourier_ring_correlation, frc_resolution
from wavegen.metrics.scorer import Scorer
from wavegen.metrics.set_distances import Kid, frechet_distance, gaussian_fit, kid
from wavegen.metrics.spectrum import radial_spectrum, spectrum_error
from wavegen.metrics.spots import Spot, bead_fwhm, fit_spots

__all__ = [
    "Affine",
    "DistributionMetric",
    "DistributionScore",
    "EnsembleMetric",
    "FrechetInceptionDistance",
    "KernelDistance",
    "Kid",
    "Linearity",
    "Lpips",
    "Manifold",
    "ManifoldMetric",
    "Metric",
    "PairedMetric",
    "Scorer",
    "SingleMetric",
    "Spot",
    "apply_affine",
    "bead_fwhm",
    "crps",
    "feature_pyramid",
    "fit_affine",
    "fit_spots",
    "fourier_ring_correlation",
    "frc_resolution",
    "frechet_distance",
    "gaussian_fit",
    "intensity_linearity",
    "kid",
    "manifold_scores",
    "micro_ssim",
    "ms_ssim",
    "psnr",
    "radial_spectrum",
    "range_invariant_psnr",
    "rmse",
    "spectrum_error",
    "spread",
    "spread_skill",
    "ssim",
    "weights",
]
