"""How good is a restoration: fidelity, perception, texture, sets of images, spread of samples."""

from wavegen.metrics import weights
from wavegen.metrics.backbones import feature_pyramid
from wavegen.metrics.distribution import (
    DistributionScore,
    FrechetInceptionDistance,
    KernelDistance,
    Kid,
    frechet_distance,
    gaussian_fit,
    kid,
)
from wavegen.metrics.image import PairedMetric, psnr, spread, ssim
from wavegen.metrics.perceptual import Lpips
from wavegen.metrics.spectrum import radial_spectrum, spectrum_error

__all__ = [
    "DistributionScore",
    "FrechetInceptionDistance",
    "KernelDistance",
    "Kid",
    "Lpips",
    "PairedMetric",
    "feature_pyramid",
    "frechet_distance",
    "gaussian_fit",
    "kid",
    "psnr",
    "radial_spectrum",
    "spectrum_error",
    "spread",
    "ssim",
    "weights",
]
