"""Power spectra of subbands, and of their residuals given y, over rings of frequency."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from wavegen.core.errors import InputError
from wavegen.core.types import Pair, PairSource, Subbands
from wavegen.data.matched import on_input_scale
from wavegen.pipeline.config import Intensity
from wavegen.pipeline.pipeline import Pipeline
from wavegen.pipeline.units import intensity_of
from wavegen.transforms import Transform

MIN_IMAGES = 8  # pairs; fewer cannot be divided into meaningful halves
MIN_SIDE = 8  # of a band, in coefficients
TINY = 1e-12
GAUSSIAN = 3.0  # the kurtosis of a Gaussian
KINDS = ("h", "v", "d")


@dataclass(frozen=True)
class BandSpectrum:
    """Spectra of one band over rings of radial frequency, normalised to unit variance of the band.

    ``frequency`` is in cycles per coefficient, ``modes`` the number of frequencies per ring, ``power`` the spectrum of
    the band, ``residual`` that of x0 - E[x0 | y], i.e. the variance v at each frequency. ``kurtosis`` is that of the
    coefficients of the residual, E[r^4] / E[r^2]²: 3 if it is Gaussian, more if it is sparse.
    """

    name: str
    frequency: tuple[float, ...]
    modes: tuple[float, ...]
    power: tuple[float, ...]
    residual: tuple[float, ...]
    kurtosis: float = GAUSSIAN

    @property
    def variances(self) -> tuple[float, ...]:
        """The energy-weighted variances of the residual: v times kurtosis / 3.

        A sparse residual is modelled as Gaussian with a local variance V. Then E[r^4] = 3 E[V²], and the
        energy-weighted mean of V is E[V²] / E[V] = v kurtosis / 3, even if the average v is small. A kurtosis below 3
        cannot come from such a mixture and counts as 3.
        """
        concentration = max(self.kurtosis / GAUSSIAN, 1.0)
        return tuple(v * concentration for v in self.residual)

    @property
    def weights(self) -> tuple[float, ...]:
        """Each ring's share of the residual power."""
        total = [v * m for v, m in zip(self.residual, self.modes, strict=True)]
        return tuple(k / sum(total) for k in total)

    @property
    def unexplained(self) -> float:
        """Fraction of the band's power that y does not predict."""
        total = sum(p * m for p, m in zip(self.power, self.modes, strict=True))
        return sum(v * m for v, m in zip(self.residual, self.modes, strict=True)) / total


class Rings:
    """Means of a two-dimensional spectrum over rings; ring k holds frequencies that round to k / N, N = min(h, w).

    The mean of each image is subtracted first: it is a single mode, which the window would leak into its neighbours
    and whose variance cannot be estimated from few images. The rest of ring 0 is merged with ring 1.
    """

    def __init__(self, height: int, width: int) -> None:
        fy, fx = torch.fft.fftfreq(height, dtype=torch.float64), torch.fft.fftfreq(width, dtype=torch.float64)
        radius = torch.hypot(fy[:, None], fx[None, :])
        ring = torch.round(radius * min(height, width)).long().clamp_min(1) - 1
        self.ring = ring.flatten()
        self.modes = torch.bincount(self.ring).double()
        self.frequency = self.mean(radius)
        window = torch.hann_window(height, dtype=torch.float64)[:, None] * torch.hann_window(width, dtype=torch.float64)
        self.window = window / window.square().mean().sqrt()

    def transform(self, band: Tensor) -> Tensor:
        """Windowed Fourier transform (..., h, w), such that white noise of unit variance has power 1."""
        band = band.double()
        spectrum: Tensor = torch.fft.fft2((band - band.mean((-2, -1), keepdim=True)) * self.window, norm="ortho")
        return spectrum

    def mean(self, values: Tensor) -> Tensor:
        """Means (..., R) over rings of (..., h, w)."""
        flat = values.flatten(-2)
        total = flat.new_zeros(*flat.shape[:-1], len(self.modes)).index_add_(-1, self.ring, flat)
        return total / self.modes

    def moments(self, spectrum: Tensor) -> Tensor:
        """E[r²] and E[r^4], (2,), of the coefficients whose windowed transform (..., h, w) is given.

        Positions are weighted by the window, as in the spectrum.
        """
        squares = torch.fft.ifft2(spectrum, norm="ortho").real.square()
        return torch.stack([squares.mean(), squares.square().mean() / self.window.pow(4).mean()])

    def spread(self, values: Tensor, height: int, width: int) -> Tensor:
        """Values (R,) of the rings at every frequency, (h, w)."""
        return values[self.ring].view(height, width)


def wiener_residual(x: Tensor, y: Tensor) -> tuple[Rings, Tensor, Tensor, float]:
    """Spectra of x and of its residual, x minus the best linear estimate from y at the same frequency.

    The transfer function S_xy / S_yy of each ring is fitted on one half of the images and evaluated on the other, and
    vice versa, so that the residual S_xx (1 - |coherence|²) is not underestimated by overfitting. A linear estimate
    from one band is weaker than a network: for non-Gaussian data, v is an upper bound.

    Args:
        x: (B, C, h, w), targets.
        y: as x, inputs.

    Returns:
        The rings; power of x (R,); residual (R,); kurtosis of the residual.

    Raises:
        InputError: fewer than 8 images, or bands below 8 x 8.
    """
    count, _, height, width = x.shape
    if count < MIN_IMAGES or min(height, width) < MIN_SIDE:
        raise InputError(
            f"{count} bands of {height}x{width}: spectra need {MIN_IMAGES} images or more whose band is at least "
            f"{MIN_SIDE}x{MIN_SIDE}"
        )
    rings = Rings(height, width)
    halves = (slice(0, count // 2), slice(count // 2, count))
    residual = torch.zeros(len(rings.modes), dtype=torch.float64)
    moments = torch.zeros(2, dtype=torch.float64)
    X, Y = rings.transform(x), rings.transform(y)
    for fitted, tested in (halves, halves[::-1]):
        cross = rings.mean((X[fitted] * Y[fitted].conj()).mean((0, 1)))
        transfer = cross / rings.mean(Y[fitted].abs().square().mean((0, 1))).clamp_min(TINY)
        error = X[tested] - rings.spread(transfer, height, width) * Y[tested]
        residual += rings.mean(error.abs().square().mean((0, 1))) / 2
        moments += rings.moments(error) / 2
    return rings, rings.mean(X.abs().square().mean((0, 1))), residual, _kurtosis(moments)


def residual_spectra(
    data: PairSource,
    transform: Transform,
    intensity: Intensity | None = None,
    *,
    images: int = 64,
    size: int = 256,
) -> list[BandSpectrum]:
    """Spectrum and :func:`wiener_residual` (from the same band of y) of every subband, coarsest first.

    Args:
        data: pairs.
        transform: with or without detail bands.
        intensity: how images are converted to network units.
        images: maximum number of pairs, evenly spaced in the data set.
        size: side of the central crop, reduced to the size of the smallest image.

    Raises:
        InputError: fewer than 8 pairs, or bands below 8 x 8.
    """
    x, y = central_crops(data, lambda pair: network_units(pair, intensity or Intensity()), images, size)
    spectra = []
    for name, target, source in _named(transform.forward(x), transform.forward(y)):
        scale = target.std() if name.startswith("LL") else target.square().mean().sqrt()
        target, source = (band / scale.clamp_min(1e-8) for band in (target, source))
        spectra.append(band_spectrum(name, *wiener_residual(target, source)))
    return spectra


@torch.no_grad()
def model_spectrum(pipe: Pipeline, data: PairSource, *, images: int = 32, size: int = 256) -> BandSpectrum:
    """The residual of a trained network in the coarsest band: x0 minus its estimate at t = 1.

    Use images that were not in the training set. Errors of the network count as residual.

    Args:
        pipe: a trained pipeline, whose normalisation is used.
        data: pairs.
        images: maximum number of pairs.
        size: side of the central crop.

    Raises:
        InputError: bands below 8 x 8, or another number of channels.
    """
    x, y = central_crops(data, pipe.normalise, images, size, least=2)
    if x.shape[1] != pipe.config.channels:
        raise InputError(f"the data has {x.shape[1]} channel(s), the pipeline takes {pipe.config.channels}")
    errors, targets = [], []
    for first in range(0, len(x), 8):
        x_bands, y_bands = (pipe.transform.forward(k[first : first + 8].to(pipe.device)) for k in (x, y))
        x0, y_low = pipe.norm.low(x_bands.ll, 0), pipe.norm.low(y_bands.ll, 0)
        t = torch.ones(len(x0), device=pipe.device)
        denoiser = pipe.denoiser(pipe.condition(y[first : first + 8].to(pipe.device), y_bands))
        estimate = denoiser(y_low, t, y_low)
        errors.append((x0 - estimate).cpu())
        targets.append(x0.cpu())
    error, target = torch.cat(errors), torch.cat(targets)
    height, width = error.shape[-2:]
    if min(height, width) < MIN_SIDE:
        raise InputError(f"bands of {height}x{width}: spectra need at least {MIN_SIDE}x{MIN_SIDE}")
    rings = Rings(height, width)
    power, residual = (rings.mean(rings.transform(k).abs().square().mean((0, 1))) for k in (target, error))
    squares = error.double().square()
    kurtosis = _kurtosis(torch.stack([squares.mean(), squares.square().mean()]))
    return band_spectrum(f"LL{pipe.transform.levels or ''}", rings, power, residual, kurtosis)


def central_crops(
    data: PairSource, units: object, images: int, size: int, least: int = MIN_IMAGES
) -> tuple[Tensor, Tensor]:
    """Central crops (B, C, s, s) of targets and inputs in network units, evenly spaced in the data set."""
    count = min(images, len(data))
    if count < least:
        raise InputError(f"{count} pairs of images: give {least} or more")
    pairs: list[Pair] = [units(data[i * len(data) // count]) for i in range(count)]  # type: ignore[operator]
    side = min(size, *(n for pair in pairs for n in pair.x.shape[-2:]))

    def middle(image: Tensor) -> Tensor:
        top, left = ((n - side) // 2 for n in image.shape[-2:])
        return image[..., top : top + side, left : left + side]

    return torch.stack([middle(p.x) for p in pairs]), torch.stack([middle(p.y) for p in pairs])


def network_units(pair: Pair, intensity: Intensity) -> Pair:
    """A pair (C, H, W) in network units, as defined by the intensities of y; x is laid on it if it is to be matched."""
    if intensity.target == "matched":
        pair = on_input_scale(pair)
    offset, scale = intensity_of(pair.y[None], intensity)
    return Pair(*((image - offset[0]) / scale[0] for image in pair))


def _named(target: Subbands, source: Subbands) -> Iterable[tuple[str, Tensor, Tensor]]:
    """(name, band of x, band of y), coarsest first."""
    levels = len(target.details)
    yield f"LL{levels or ''}", target.ll, source.ll
    for index, pair in enumerate(zip(target.details, source.details, strict=True)):
        for kind, a, b in zip(KINDS, *pair, strict=True):
            yield f"{kind.upper()}{levels - index}", a, b


def _kurtosis(moments: Tensor) -> float:
    return float(moments[1] / moments[0].square().clamp_min(TINY))


def band_spectrum(name: str, rings: Rings, power: Tensor, residual: Tensor, kurtosis: float) -> BandSpectrum:
    """The results of :func:`wiener_residual` as a :class:`BandSpectrum`, with positive powers."""
    spectra = (rings.frequency, rings.modes, power.clamp_min(TINY), residual.clamp_min(TINY))
    frequency, modes, total, unexplained = (tuple(values.tolist()) for values in spectra)
    return BandSpectrum(name, frequency, modes, total, unexplained, kurtosis)
