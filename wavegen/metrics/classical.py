"""Baselines without learning, with every advantage: their parameters are chosen on tuning images with known truth."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from wavegen.core.errors import InputError, near_matches
from wavegen.core.intensity import intensity_range
from wavegen.core.optional import MissingPackageError, need
from wavegen.core.types import PairSource, Restoration
from wavegen.metrics.scales import Scale, affine_fit, has_scale, scaled

Plane = NDArray[np.float32]
Restore = Callable[[Tensor, int], Restoration]
TUNING_IMAGES, TUNING_SIDE = 8, 128


@dataclass(frozen=True)
class Classical:
    """A method on one image (C, H, W), and the values of its options that tuning tries."""

    apply: Callable[..., Plane]
    options: Mapping[str, Sequence[float]] = field(default_factory=dict)

    def candidates(self) -> list[dict[str, float]]:
        """Every combination of the options."""
        return [dict(zip(self.options, values, strict=True)) for values in product(*self.options.values())]


def _each(method: Callable[..., NDArray[Any]]) -> Callable[..., Plane]:
    """A method for one plane as one for all channels of an image."""

    def apply(image: Plane, **options: float) -> Plane:
        return np.stack([method(plane, **options) for plane in image]).astype(np.float32)

    return apply


def _unchanged(image: Plane) -> Plane:
    return image


def _gaussian(plane: Plane, sigma: float) -> NDArray[Any]:
    from scipy.ndimage import gaussian_filter

    return np.asarray(gaussian_filter(plane, sigma, mode="reflect"))


def _span(plane: Plane) -> tuple[float, float]:
    """Offset and scale that bring a plane to about [0, 1]."""
    low, width = intensity_range(plane)
    return low, width or 1.0


def _tv(plane: Plane, weight: float) -> NDArray[Any]:
    """Total variation, Chambolle 2004."""
    skimage = need("skimage.restoration", "eval")
    low, scale = _span(plane)
    return np.asarray(skimage.denoise_tv_chambolle((plane - low) / scale, weight=weight)) * scale + low


def _nlm(plane: Plane, h: float) -> NDArray[Any]:
    """Non-local means, Buades, Coll, Morel 2005; h in units of the estimated noise."""
    skimage = need("skimage.restoration", "eval")
    low, scale = _span(plane)
    image = (plane - low) / scale
    sigma = float(skimage.estimate_sigma(image))
    denoised = skimage.denoise_nl_means(
        image, patch_size=5, patch_distance=6, h=max(h * sigma, 1e-4), sigma=sigma, fast_mode=True
    )
    return np.asarray(denoised) * scale + low


def _bm3d(plane: Plane, h: float) -> NDArray[Any]:
    """Dabov, Foi, Katkovnik, Egiazarian 2007; h in units of the estimated noise, which correlated noise exceeds."""
    try:
        package = need("bm3d", "eval")
    except MissingPackageError:  # its licence keeps it out of the extras
        raise MissingPackageError("BM3D needs the package bm3d, for non-commercial use: pip install bm3d") from None
    skimage = need("skimage.restoration", "eval")
    low, scale = _span(plane)
    image = (plane - low) / scale
    return np.asarray(package.bm3d(image, max(h * float(skimage.estimate_sigma(image)), 1e-4))) * scale + low


def richardson_lucy(plane: Plane, sigma: float, iterations: float) -> Plane:
    """x <- x · blur(y / blur(x)) (Richardson 1972) for a Gaussian PSF of ``sigma`` pixels, which is its own adjoint.

    The background cannot be told from signal by the algorithm: its level, the first percentile, is removed first.
    """
    floor = float(np.percentile(plane, 1))
    signal = np.clip(plane - floor, 1e-6, None).astype(np.float32)
    sharp = np.full_like(signal, signal.mean())
    for _ in range(int(iterations)):
        sharp = sharp * _gaussian(signal / np.maximum(_gaussian(sharp, sigma), 1e-9), sigma)
    return np.asarray(sharp + floor, dtype=np.float32)


def _gain(image: Plane, gain: float, gamma: float) -> Plane:
    """gain · value^gamma on the unit range of 8-bit values."""
    return np.asarray(255 * np.clip(gain * (np.clip(image, 0, 255) / 255) ** gamma, 0, 1), dtype=np.float32)


def _equalised(image: Plane, clip: float) -> Plane:
    """Contrast-limited adaptive histogram equalisation (Zuiderveld 1994) of the lightness; 8-bit values."""
    skimage = need("skimage.exposure", "eval")
    unit = np.clip(np.moveaxis(image, 0, -1) / 255, 0, 1)
    equalised = skimage.equalize_adapthist(unit.squeeze(-1) if unit.shape[-1] == 1 else unit, clip_limit=clip)
    return np.asarray(
        255 * (equalised[None] if equalised.ndim == 2 else np.moveaxis(equalised, -1, 0)), dtype=np.float32
    )


def _relit(image: Plane, sigma: float, strength: float, gain: float) -> Plane:
    """Single-scale Retinex (Jobson, Rahman, Woodell 1997): divide by a blurred luminance to the power ``strength``."""
    light = np.maximum(_gaussian(image.mean(axis=0), sigma), 1.0)
    return np.asarray(gain * image * (light.mean() / light) ** strength, dtype=np.float32)


def _biharmonic(image: Plane) -> Plane:
    """Damelin, Hoang 2018; holes are where every channel is exactly zero."""
    skimage = need("skimage.restoration", "eval")
    holes = (image == 0).all(axis=0)
    if not holes.any():
        return image
    return np.asarray(skimage.inpaint_biharmonic(image, holes, channel_axis=0), dtype=np.float32)


METHODS: dict[str, Classical] = {
    "input": Classical(_unchanged),
    "gaussian": Classical(_each(_gaussian), {"sigma": (0.5, 0.75, 1, 1.5, 2, 2.5, 3, 4)}),
    "total variation": Classical(_each(_tv), {"weight": (0.02, 0.05, 0.1, 0.2, 0.4, 0.8)}),
    "non-local means": Classical(_each(_nlm), {"h": (0.4, 0.6, 0.8, 1.0, 1.4)}),
    "bm3d": Classical(_each(_bm3d), {"h": (0.5, 0.7, 1, 1.4, 2, 2.8, 4, 5.6)}),
    "richardson-lucy": Classical(
        _each(richardson_lucy), {"sigma": (1, 1.5, 2, 3, 4, 5, 6), "iterations": (5, 10, 20, 40, 80, 160, 320)}
    ),
    "gain and gamma": Classical(_gain, {"gain": (0.8, 1, 1.5, 2, 3, 5, 8), "gamma": (0.3, 0.4, 0.5, 0.7, 1)}),
    "adaptive histogram": Classical(_equalised, {"clip": (0.002, 0.005, 0.01, 0.02, 0.05)}),
    "retinex": Classical(
        _relit, {"sigma": (10, 20, 40, 80), "strength": (0.2, 0.5, 0.8, 1), "gain": (1, 1.3, 1.7, 3, 6)}
    ),
    "biharmonic": Classical(_biharmonic),
}


def method_named(name: str) -> Classical:
    """One of :data:`METHODS`.

    Raises:
        InputError: an unknown name, with the near matches.
    """
    if name not in METHODS:
        raise InputError(f"unknown classical method {name!r}; {near_matches(name, METHODS)}")
    return METHODS[name]


def tune(
    method: Classical, data: PairSource, scale: Scale, fixed: Mapping[str, float] | None = None, quick: bool = False
) -> dict[str, float]:
    """The options with the least geometric mean of the squared errors over the middles of the first images.

    ``fixed`` options (a PSF that is known) are not searched. ``quick`` takes half as many images, and walks from the
    middle of the options to a neighbour as long as that is better, instead of trying every combination.
    """
    fixed = {k: v for k, v in (fixed or {}).items() if k in method.options}
    candidates = [{**c, **fixed} for c in method.candidates()]
    candidates = [c for i, c in enumerate(candidates) if c not in candidates[:i]]
    if len(candidates) == 1:
        return candidates[0]
    images = TUNING_IMAGES // 2 if quick else TUNING_IMAGES
    middles = [_middle(data[i]) for i in range(min(images, len(data)))]
    pairs = [pair for pair in middles if bool(has_scale(scale, pair[0][None]))]

    def error(options: Mapping[str, float]) -> float:
        total = 0.0
        for x, y in pairs:
            restored = torch.from_numpy(method.apply(y.numpy(), **options))[None]
            a, b = scaled(scale, fit_to(restored, x[None], scale), x[None])
            total += float((a - b).square().mean().clamp_min(1e-12).log())
        return total

    if not quick:
        return min(candidates, key=error)
    return _walk({name: (fixed[name],) if name in fixed else values for name, values in method.options.items()}, error)


def _walk(options: Mapping[str, Sequence[float]], error: Callable[[Mapping[str, float]], float]) -> dict[str, float]:
    """Go from the middle of a grid to its best neighbour until there is none that is better."""
    known: dict[tuple[int, ...], float] = {}

    def at(place: tuple[int, ...]) -> dict[str, float]:
        return {name: values[i] for (name, values), i in zip(options.items(), place, strict=True)}

    def found(place: tuple[int, ...]) -> float:
        if place not in known:
            known[place] = error(at(place))
        return known[place]

    lengths = [len(values) for values in options.values()]
    place = tuple(n // 2 for n in lengths)
    while True:
        near = [
            (*place[:axis], place[axis] + move, *place[axis + 1 :])
            for axis, length in enumerate(lengths)
            for move in (-1, 1)
            if 0 <= place[axis] + move < length
        ]
        best = min(near, key=found, default=place)
        if found(best) >= found(place):
            return at(place)
        place = best


def _middle(pair: Sequence[Tensor]) -> list[Tensor]:
    """The middle of both images, at most ``TUNING_SIDE`` pixels wide, so that tuning takes seconds."""

    def crop(image: Tensor) -> Tensor:
        top, left = (max(0, (n - TUNING_SIDE) // 2) for n in image.shape[-2:])
        return image[..., top : top + TUNING_SIDE, left : left + TUNING_SIDE]

    return [crop(image) for image in pair]


def restorer(method: Classical, options: Mapping[str, float], data: PairSource, scale: Scale) -> Restore:
    """The method as :func:`~wavegen.inference.evaluate.evaluate` calls it."""

    def restore(y: Tensor, first: int) -> Restoration:
        began = time.perf_counter()
        raw = torch.stack([torch.from_numpy(np.ascontiguousarray(method.apply(i.numpy(), **options))) for i in y])
        seconds = time.perf_counter() - began
        restored = fit_to(raw, torch.stack([data[first + i].x for i in range(len(y))]), scale)
        return Restoration(restored, torch.zeros_like(restored), restored[None], 0, seconds)

    return restore


def fit_to(image: Tensor, target: Tensor, scale: Scale) -> Tensor:
    """Where scores depend on gain and offset that no such method can know, give it those that fit the truth best."""
    return affine_fit(image, target) if scale == "target" else image
