"""Detail stage: heads without a network, the floor that a learned head has to beat."""

from __future__ import annotations

import torch
from torch import Tensor

from wavegen.core.registry import register
from wavegen.core.types import Details
from wavegen.gans.base import Head, LevelInput

MAD = 0.6745  # median of |n| for a standard normal n


def noise_deviation(diagonal: Tensor) -> Tensor:
    """Standard deviation of the noise, median |D| / 0.6745, of each channel: (B, C, h, w) to (B, C, 1, 1).

    Donoho and Johnstone, Biometrika 81 (1994) 425-455; ``diagonal`` is the finest diagonal band, which holds hardly
    anything but noise. In an orthonormal transform white noise has this deviation in every band.
    """
    return diagonal.flatten(2).abs().median(dim=2).values[..., None, None] / MAD


def bayes_shrink(band: Tensor, sigma: Tensor) -> Tensor:
    """Soft thresholding at T = sigma² / sigma_X, sigma_X² = max(mean(band²) - sigma², 0), band by band.

    Chang, Yu and Vetterli, IEEE Trans. Image Process. 9 (2000) 1532-1546. A band whose energy is no
    more than the noise's becomes 0; without noise it stays.

    Args:
        band: (B, C, h, w).
        sigma: the noise's standard deviation in it, (B, C, 1, 1).
    """
    variance = sigma.square()
    signal = (band.square().mean(dim=(2, 3), keepdim=True) - variance).clamp_min(0).sqrt()
    most = band.abs().amax(dim=(2, 3), keepdim=True)
    threshold = torch.where(signal > 0, variance / signal.clamp_min(torch.finfo(band.dtype).tiny), most)
    return band.sign() * (band.abs() - threshold.minimum(most)).clamp_min(0)


@register("head", "copy", "y's own bands, untouched", supplied=("channels", "trunk"))
class CopyHead(Head):
    """What y has."""

    def __init__(self, channels: int, trunk: tuple[int, int] | None) -> None:
        super().__init__()

    def forward(self, given: LevelInput, noise: Tensor) -> Details:
        """y's bands."""
        return Details(*(band.float() for band in given.y_details))


@register(
    "head",
    "shrink",
    "y's bands after BayesShrink: classical wavelet denoising",
    paper="Chang, Yu and Vetterli, IEEE TIP 9 (2000) 1532",
    supplied=("channels", "trunk"),
)
class ShrinkHead(Head):
    """Soft thresholds from the statistics of each band and the noise level of y."""

    needs_sigma = True

    def __init__(self, channels: int, trunk: tuple[int, int] | None) -> None:
        super().__init__()

    def forward(self, given: LevelInput, noise: Tensor) -> Details:
        """y's bands, shrunk."""
        assert given.sigma is not None
        bands = zip(given.y_details, given.sigma, strict=True)
        return Details(*(bayes_shrink(band.float(), sigma.float()) for band, sigma in bands))
