"""Forward models: from a clean image to what the instrument records."""

from wavegen.degradations import psf
from wavegen.degradations.base import Degradation, Diagonal, LinearDegradation
from wavegen.degradations.beads import MeasuredPsf, measure_psf, read_psf
from wavegen.degradations.blurs import (
    Confocal,
    GaussianBlur,
    GaussianPsf,
    MeasuredBlur,
    MotionBlur,
    Sted,
    Widefield,
)
from wavegen.degradations.chains import Chain, Composed, RandomChain
from wavegen.degradations.convolution import Convolution
from wavegen.degradations.detector import Background, Bleaching, Camera, GaussianNoise
from wavegen.degradations.light import LowLight, Shadow
from wavegen.degradations.masks import Mask
from wavegen.degradations.noise import camera
from wavegen.degradations.optics import blur, gaussian_psf, gaussian_taps, sigma_pixels
from wavegen.degradations.resize import Binning, Downsample

__all__ = [
    "Background",
    "Binning",
    "Bleaching",
    "Camera",
    "Chain",
    "Composed",
    "Confocal",
    "Convolution",
    "Degradation",
    "Diagonal",
    "Downsample",
    "GaussianBlur",
    "GaussianNoise",
    "GaussianPsf",
    "LinearDegradation",
    "LowLight",
    "Mask",
    "MeasuredBlur",
    "MeasuredPsf",
    "MotionBlur",
    "RandomChain",
    "Shadow",
    "Sted",
    "Widefield",
    "blur",
    "camera",
    "gaussian_psf",
    "gaussian_taps",
    "measure_psf",
    "psf",
    "read_psf",
    "sigma_pixels",
]
