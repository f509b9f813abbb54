"""Baselines without learning, given every advantage: the true PSF, and a least-squares fit to the truth."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from wavegen.degradations import blur
from wavegen.inference.evaluate import to_target_range
from wavegen.types import PairSource, Restoration

Restore = Callable[[Tensor, int], Restoration]
ITERATIONS = (10, 20, 40, 80, 160, 320, 640)


def fitted_input(data: PairSource) -> Restore:
    """The degraded image itself, with the gain and offset that suit the truth best."""
    return _fitted(lambda y: y, data)


def richardson_lucy(data: PairSource, confocal_nm: float, sted_nm: float, pixel_nm: float, iterations: int) -> Restore:
    """Richardson-Lucy deconvolution from the confocal to the STED resolution with the true (Gaussian) PSF.

    x <- x · blur(y / blur(x)) (Richardson 1972); the PSF is symmetric, so that its adjoint is itself.
    """
    fwhm_nm = math.sqrt(confocal_nm**2 - sted_nm**2)

    def method(y: Tensor) -> Tensor:
        # The background cannot be told from signal by the algorithm: remove its level first.
        image = y[0].numpy()
        signal = np.clip(image - np.percentile(image, 1), 1e-6, None).astype(np.float32)
        sharp = np.full_like(signal, signal.mean())
        for _ in range(iterations):
            sharp = sharp * blur(signal / np.maximum(blur(sharp, fwhm_nm, pixel_nm), 1e-9), fwhm_nm, pixel_nm)
        return torch.from_numpy(sharp)[None]

    return _fitted(method, data)


def best_iterations(
    validation: PairSource, confocal_nm: float, sted_nm: float, pixel_nm: float, images: int = 8
) -> int:
    """The number of iterations with the least squared error on validation images."""

    def error(iterations: int) -> float:
        restore = richardson_lucy(validation, confocal_nm, sted_nm, pixel_nm, iterations)
        total = 0.0
        for i in range(images):
            x, y = validation[i]
            a, b = to_target_range(restore(y[None], i).image, x[None])
            total += float((a - b).square().mean().log())
        return total

    return min(ITERATIONS, key=error)


def _fitted(method: Callable[[Tensor], Tensor], data: PairSource) -> Restore:
    def restore(y: Tensor, first: int) -> Restoration:
        began = time.perf_counter()
        raw = [method(image) for image in y]
        seconds = time.perf_counter() - began
        made = torch.stack([affine_fit(image, data[first + i].x) for i, image in enumerate(raw)])
        return Restoration(made, torch.zeros_like(made), made[None], 0, seconds)

    return restore


def affine_fit(image: Tensor, target: Tensor) -> Tensor:
    """``image`` with the gain and offset that bring it closest to ``target`` in least squares."""
    centred = image - image.mean()
    gain = (centred * (target - target.mean())).sum() / centred.square().sum().clamp_min(1e-12)
    return gain * centred + target.mean()
