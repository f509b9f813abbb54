"""Power spectra of subbands, and of what y leaves unknown in them, over rings of frequency."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from wavegen.core.errors import InputError
from wavegen.core.types import Pair, PairSource, Subbands
from wavegen.pipeline.config import Intensity
from wavegen.pipeline.pipeline import Pipeline
from wavegen.pipeline.units import intensity_of
from wavegen.transforms import Transform

FEWEST = 8  # pairs of images below which two halves say nothing
NARROWEST = 8  # side of a band, in coefficients
TINY = 1e-12
GAUSSIAN = 3.0  # the kurtosis of a Gaussian
KINDS = ("h", "v", "d")


@dataclass(frozen=True)
class BandSpectrum:
    """One band over rings of radial frequency, in units in which the band has unit variance.

    ``frequency`` in cycles per coefficient, ``modes`` the number of frequencies in each ring, ``power`` the band's own
    spectrum, ``residual`` that of x0 - E[x0 | y]: the variances v of each frequency's coefficient. ``kurtosis`` is that
    of the residual's own coefficients, E[r^4] / E[r^2]²: 3 where it is Gaussian, more where it is sparse.
    """

    name: str
    frequency: tuple[float, ...]
    modes: tuple[float, ...]
    power: tuple[float, ...]
    residual: tuple[float, ...]
    kurtosis: float = GAUSSIAN

    @property
    def variances(self) -> tuple[float, ...]:
        """The variances at which the residual's energy lies: v times kurtosis / 3.

        A sparse residual is taken for Gaussian with a variance V that differs from place to place. Then E[r^4] =
        3 E[V²], and an energy-weighted place has V = E[V²] / E[V] = v kurtosis / 3, however small the average v is.
        A kurtosis below 3 is no such mixture, and counts as 3.
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
        """Share of the band's power that y does not tell."""
        given = sum(p * m for p, m in zip(self.power, self.modes, strict=True))
        return sum(v * m for v, m in zip(self.residual, self.modes, strict=True)) / given


class Rings:
    """Means over rings of the two-dimensional spectrum; ring k holds what rounds to k / N cycles, N = min(h, w).

    The mean of every image is taken off first: it is one mode, which a window would spread over its neighbours, and
    in a few images its variance is not known. What is left of ring 0 counts with ring 1.
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
        found: Tensor = torch.fft.fft2((band - band.mean((-2, -1), keepdim=True)) * self.window, norm="ortho")
        return found

    def mean(self, values: Tensor) -> Tensor:
        """Means (..., R) over rings of (..., h, w)."""
        flat = values.flatten(-2)
        total = flat.new_zeros(*flat.shape[:-1], len(self.modes)).index_add_(-1, self.ring, flat)
        return total / self.modes

    def moments(self, spectrum: Tensor) -> Tensor:
        """E[r²] and E[r^4], (2,), of the coefficients whose windowed transform (..., h, w) is given.

        Places count by their window, as they do in the spectrum.
        """
        squares = torch.fft.ifft2(spectrum, norm="ortho").real.square()
        return torch.stack([squares.mean(), squares.square().mean() / self.window.pow(4).mean()])

    def spread(self, values: Tensor, height: int, width: int) -> Tensor:
        """(R,) back to every frequency, (h, w)."""
        return values[self.ring].view(height, width)


def wiener_residual(x: Tensor, y: Tensor) -> tuple[Rings, Tensor, Tensor, float]:
    """Spectra of x and of its residual, x minus the best linear estimate from y at the same frequency.

    The transfer S_xy / S_yy of each ring is fitted on one half of the images and judged on the other, both ways
    round, so that the residual is S_xx (1 - |coherence|²) without its optimism. A linear estimate from one band
    knows less than a network: for data that is not Gaussian v is an upper bound.

    Args:
        x: (B, C, h, w), targets.
        y: as x, inputs.

    Returns:
        The rings; power of x (R,); residual (R,); kurtosis of the residual.

    Raises:
        InputError: fewer than 8 images, or bands below 8 x 8.
    """
    count, _, height, width = x.shape
    if count < FEWEST or min(height, width) < NARROWEST:
        raise InputError(
            f"{count} bands of {height}x{width}: spectra need {FEWEST} images or more whose band is at least "
            f"{NARROWEST}x{NARROWEST}"
        )
    rings = Rings(height, width)
    halves = (slice(0, count // 2), slice(count // 2, count))
    residual = torch.zeros(len(rings.modes), dtype=torch.float64)
    moments = torch.zeros(2, dtype=torch.float64)
    X, Y = rings.transform(x), rings.transform(y)
    for fitted, judged in (halves, halves[::-1]):
        cross = rings.mean((X[fitted] * Y[fitted].conj()).mean((0, 1)))
        transfer = cross / rings.mean(Y[fitted].abs().square().mean((0, 1))).clamp_min(TINY)
        error = X[judged] - rings.spread(transfer, height, width) * Y[judged]
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
    """Of every subband, coarsest first: its spectrum, and :func:`wiener_residual`'s from y's same band.

    Args:
        data: pairs.
        transform: with or without detail bands.
        intensity: how images become network units.
        images: at most so many pairs are read, evenly over the data set.
        size: side of the central crop that is taken of larger images, and no more than the smallest.

    Raises:
        InputError: fewer than 8 pairs, or bands below 8 x 8.
    """
    x, y = whole_pairs(data, lambda pair: network_units(pair, intensity or Intensity()), images, size)
    true, own = transform.forward(x), transform.forward(y)
    found = []
    for name, target, given in _named(true, own):
        scale = target.std() if name.startswith("LL") else target.square().mean().sqrt()
        target, given = (band / scale.clamp_min(1e-8) for band in (target, given))
        found.append(band_spectrum(name, *wiener_residual(target, given)))
    return found


@torch.no_grad()
def model_spectrum(pipe: Pipeline, data: PairSource, *, images: int = 32, size: int = 256) -> BandSpectrum:
    """The coarsest band's residual as a trained network leaves it: x0 minus its estimate at t = 1.

    Use images that the network was not trained on. What the network fails to learn counts as residual.

    Args:
        pipe: a trained pipeline; its own normalisation is used.
        data: pairs.
        images: at most so many pairs.
        size: side of the central crop.

    Raises:
        InputError: bands below 8 x 8, another number of channels.
    """
    x, y = whole_pairs(data, pipe.normalise, images, size, fewest=2)
    if x.shape[1] != pipe.config.channels:
        raise InputError(f"the data has {x.shape[1]} channel(s), the pipeline takes {pipe.config.channels}")
    errors, targets = [], []
    for first in range(0, len(x), 8):
        true, own = (pipe.transform.forward(k[first : first + 8].to(pipe.device)) for k in (x, y))
        x0, y_low = pipe.norm.low(true.ll, 0), pipe.norm.low(own.ll, 0)
        t = torch.ones(len(x0), device=pipe.device)
        denoiser = pipe.denoiser(pipe.condition(y[first : first + 8].to(pipe.device), own))
        estimate = denoiser(y_low, t, y_low)
        errors.append((x0 - estimate).cpu())
        targets.append(x0.cpu())
    error, target = torch.cat(errors), torch.cat(targets)
    height, width = error.shape[-2:]
    if min(height, width) < NARROWEST:
        raise InputError(f"bands of {height}x{width}: spectra need at least {NARROWEST}x{NARROWEST}")
    rings = Rings(height, width)
    power, residual = (rings.mean(rings.transform(k).abs().square().mean((0, 1))) for k in (target, error))
    squares = error.double().square()
    kurtosis = _kurtosis(torch.stack([squares.mean(), squares.square().mean()]))
    return band_spectrum(f"LL{pipe.transform.levels or ''}", rings, power, residual, kurtosis)


def whole_pairs(data: PairSource, units: object, images: int, size: int, fewest: int = FEWEST) -> tuple[Tensor, Tensor]:
    """Targets and inputs (B, C, s, s) in network units: central crops, evenly drawn from the data set."""
    count = min(images, len(data))
    if count < fewest:
        raise InputError(f"{count} pairs of images: give {fewest} or more")
    pairs: list[Pair] = [units(data[i * len(data) // count]) for i in range(count)]  # type: ignore[operator]
    side = min(size, *(n for pair in pairs for n in pair.x.shape[-2:]))

    def middle(image: Tensor) -> Tensor:
        top, left = ((n - side) // 2 for n in image.shape[-2:])
        return image[..., top : top + side, left : left + side]

    return torch.stack([middle(p.x) for p in pairs]), torch.stack([middle(p.y) for p in pairs])


def network_units(pair: Pair, intensity: Intensity) -> Pair:
    """A pair (C, H, W) brought to network units by y's intensities."""
    offset, scale = intensity_of(pair.y[None], intensity)
    return Pair(*((image - offset[0]) / scale[0] for image in pair))


def _named(true: Subbands, own: Subbands) -> Iterable[tuple[str, Tensor, Tensor]]:
    """(name, band of x, band of y), coarsest first."""
    levels = len(true.details)
    yield f"LL{levels or ''}", true.ll, own.ll
    for index, (target, given) in enumerate(zip(true.details, own.details, strict=True)):
        for kind, a, b in zip(KINDS, target, given, strict=True):
            yield f"{kind.upper()}{levels - index}", a, b


def _kurtosis(moments: Tensor) -> float:
    return float(moments[1] / moments[0].square().clamp_min(TINY))


def band_spectrum(name: str, rings: Rings, power: Tensor, residual: Tensor, kurtosis: float) -> BandSpectrum:
    """The figures of :func:`wiener_residual` as a :class:`BandSpectrum`, powers kept above 0."""

    def values(k: Tensor) -> tuple[float, ...]:
        return tuple(k.tolist())

    floor: Sequence[Tensor] = [k.clamp_min(TINY) for k in (power, residual)]
    return BandSpectrum(
        name, values(rings.frequency), values(rings.modes), values(floor[0]), values(floor[1]), kurtosis
    )
