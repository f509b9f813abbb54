"""Forward models: from a clean image to what the instrument records."""

from wavegen.degradations.noise import camera
from wavegen.degradations.optics import blur, gaussian_psf, gaussian_taps, sigma_pixels

__all__ = ["blur", "camera", "gaussian_psf", "gaussian_taps", "sigma_pixels"]
