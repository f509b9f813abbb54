"""Measurements of every band that test the mechanisms stated in arXiv 2407.05259."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from wavegen.analysis.condition import condition_number
from wavegen.analysis.demand import calls_given_y, calls_without_y
from wavegen.analysis.measures import BIN, correlation_length, gini, hoyer, ks_distance, negentropy
from wavegen.analysis.spectra import KINDS, MIN_IMAGES, MIN_SIDE, Rings
from wavegen.analysis.uncertainty import gaussian_ks, interval, resampled_ks, resampling
from wavegen.core.errors import InputError
from wavegen.pipeline.norm import SubbandNorm
from wavegen.transforms import Moments, Transform, low_bands

SHOWN = (-6.0, 12.0)  # range of the densities, in standard deviations


@dataclass(frozen=True)
class BandEvidence:
    """Measurements of one band; all but ``mean`` and ``scale`` are independent of its scale.

    ``mean`` and ``scale`` are those of the coefficients as returned by the transform (or by the normalisation of a
    trained model), averaged over channels; the other values refer to channels with mean 0 and variance 1 over all
    images. ``correlation`` is in pixels of the image. ``density`` is the fraction of coefficients in bins of 0.1
    standard deviations from -6 to 12. None: not measured (band too small, or a detail band). NaN: constant band.

    ``ks_low`` to ``ks_high`` is the 95 % interval over images, ``ks_gaussian`` the limit for a Gaussian band with this
    spectrum; ``calls`` is the planner's number without y, ``calls_given_y`` that given y.
    """

    name: str
    kind: str
    level: int
    height: int
    width: int
    mean: float
    scale: float
    kurtosis: float
    negentropy: float
    ks: float
    gini: float
    hoyer: float
    correlation: float
    kappa: float | None
    frequency: tuple[float, ...]
    power: tuple[float, ...]
    density: tuple[float, ...]
    ks_low: float | None = None
    ks_high: float | None = None
    ks_gaussian: float | None = None
    calls: int | None = None
    calls_given_y: int | None = None


@dataclass(frozen=True)
class Evidence:
    """All bands of one transform: low bands from the image to the coarsest, and details, coarsest first.

    ``change`` is the coarsest low band's KS distance minus the image's, with its 95 % interval over images (None for a
    single image).
    """

    transform: str
    images: int
    low: tuple[BandEvidence, ...]
    high: tuple[BandEvidence, ...]
    change: float
    change_interval: tuple[float, float] | None


@torch.no_grad()
def band_evidence(
    x: Tensor, transform: Transform, name: str, y: Tensor | None = None, norm: SubbandNorm | None = None
) -> Evidence:
    """Measure every band of the images.

    Args:
        x: (B, C, H, W) images in network units, none of them constant.
        transform: with or without detail bands.
        name: of the transform, for tables.
        y: the degraded images, for the number of calls given y; used for at least 8 images.
        norm: the trained normalisation of the bands.

    Raises:
        InputError: the coarsest band is smaller than 8 x 8.
    """
    bands = transform.forward(x)
    chain = low_bands(transform, bands)
    if min(chain[0].shape[-2:]) < MIN_SIDE:
        raise InputError(too_small(x.shape[-2:], transform))
    y_chain = None if y is None or len(x) < MIN_IMAGES else low_bands(transform, transform.forward(y))
    weights = resampling(len(x))
    low, distances = [], []
    for i in reversed(range(len(chain))):
        if i == 0 and _same(chain):  # identity transform: its only band is the image
            continue
        band, y_band = chain[i], None if y_chain is None else y_chain[i]
        if norm is not None and i < len(chain) - 1:
            band, y_band = norm.low(band, i), None if y_band is None else norm.low(y_band, i)
        measured, samples = _low(_low_name(i, chain, transform), _level(x, band), x, band, y_band, weights)
        low.append(measured)
        distances.append(samples)
    high = []
    for i, details in enumerate(bands.details):
        scaled = details if norm is None else norm.details(details, i)
        level = transform.levels - i
        high += [_band(f"{k.upper()}{level}", k, level, x, b) for k, b in zip(KINDS, scaled, strict=True)]
    change = low[-1].ks - low[0].ks
    spread = interval(distances[-1] - distances[0], change) if len(x) > 1 else None
    return Evidence(name, len(x), tuple(low), tuple(high), change, spread)


def too_small(size: torch.Size | tuple[int, ...], transform: Transform) -> str:
    """The message for images that are too small for the levels of a transform."""
    most = max(int(math.log2(min(size) / MIN_SIDE)), 0) if min(size) >= MIN_SIDE else 0
    return (
        f"images of {size[0]}x{size[1]} leave a coarsest band below {MIN_SIDE}x{MIN_SIDE} after {transform.levels} "
        f"level(s); give larger images, or at most {most} level(s)"
    )


def _same(chain: list[Tensor]) -> bool:
    return len(chain) == 2 and chain[0].shape == chain[1].shape and torch.equal(chain[0], chain[1])


def _low_name(index: int, chain: list[Tensor], transform: Transform) -> str:
    return "image" if index == len(chain) - 1 else f"LL{transform.levels - index if transform.levels else ''}"


def _level(x: Tensor, band: Tensor) -> int:
    return round(math.log2(x.shape[-1] / band.shape[-1]))


def _low(
    name: str, level: int, x: Tensor, band: Tensor, y_band: Tensor | None, weights: Tensor
) -> tuple[BandEvidence, Tensor]:
    """A low band with its intervals and numbers of calls, and its bootstrap samples."""
    measured = _band(name, "ll", level, x, band)
    samples = resampled_ks(_standardised(band).flatten(1), weights)
    low, high = interval(samples, measured.ks) if len(x) > 1 else (None, None)
    modes = Rings(*band.shape[-2:]).modes.tolist()
    measured = replace(
        measured,
        ks_low=low,
        ks_high=high,
        ks_gaussian=gaussian_ks(_standardised(band)),
        calls=calls_without_y(measured.power, modes),
        calls_given_y=None if y_band is None else calls_given_y(name, band, y_band),
    )
    return measured, samples


def _band(name: str, kind: str, level: int, x: Tensor, band: Tensor) -> BandEvidence:
    z = _standardised(band)
    moments = Moments.of(band)
    sizes = z if kind == "ll" else band / band.square().mean((0, 2, 3), keepdim=True).sqrt().clamp_min(1e-12)
    frequency, power, kappa = _spectrum(z)
    height, width = band.shape[-2:]
    return BandEvidence(
        name, kind, level, height, width,
        mean=float(moments.mean.mean()),
        scale=float(moments.scale.mean()),
        kurtosis=float(moments.kurtosis.mean()),
        negentropy=negentropy(z),
        ks=ks_distance(z),
        gini=gini(sizes),
        hoyer=hoyer(sizes),
        correlation=correlation_length(z) * x.shape[-1] / width,
        kappa=kappa,
        frequency=frequency,
        power=power,
        density=_density(z),
    )  # fmt: skip


def _standardised(band: Tensor) -> Tensor:
    """Channels with mean 0 and variance 1 over all images; constant channels become 0."""
    centred = band.double() - band.double().mean((0, 2, 3), keepdim=True)
    scale = centred.square().mean((0, 2, 3), keepdim=True).sqrt()
    return centred / torch.where(scale > 1e-9 * band.abs().max(), scale, torch.inf)


def _spectrum(z: Tensor) -> tuple[tuple[float, ...], tuple[float, ...], float | None]:
    """Frequencies, powers and condition number; empty and None for constant or too small bands."""
    if min(z.shape[-2:]) < MIN_SIDE or not bool(z.any()):
        return (), (), None
    rings = Rings(*z.shape[-2:])
    power = rings.mean(rings.transform(z).abs().square().mean((0, 1))).clamp_min(1e-12)
    kappa = condition_number(power.tolist(), rings.modes.tolist(), (0, 1))
    return tuple(rings.frequency.tolist()), tuple(power.tolist()), kappa


def _density(z: Tensor) -> tuple[float, ...]:
    low, high = SHOWN
    counts = torch.histc(z, bins=round((high - low) / BIN), min=low, max=high)
    return tuple((counts / z.numel()).tolist())
