"""What methods without learning make of the validation images: the least that a trained model has to beat."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from wavegen.core.errors import InputError
from wavegen.core.optional import MissingPackageError
from wavegen.core.types import Pair, PairSource
from wavegen.metrics.classical import fit_to, method_named, tune
from wavegen.metrics.image import psnr
from wavegen.metrics.scales import Scale, scaled
from wavegen.training.history import Baseline

METHODS = ("input", "gaussian", "total variation", "non-local means", "richardson-lucy", "bm3d")


def baselines(tuning: PairSource, pairs: Sequence[Pair], scale: Scale) -> tuple[list[Baseline], list[str]]:
    """Scores of :data:`METHODS` on ``pairs``, and why others are left out.

    The options of each method (the PSF's width, the noise level) are those that are best on a few images of
    ``tuning``, which are not among the pairs. On the scale ``target`` every method is given the gain and offset that
    suit each image best, which a model has to find.
    """
    found, left_out = [], []
    for name in METHODS:
        method = method_named(name)
        try:
            options = tune(method, tuning, scale, quick=True)
            scores = [
                score(
                    fit_to(torch.from_numpy(method.apply(pair.y.numpy(), **options))[None], pair.x[None], scale),
                    pair,
                    scale,
                )
                for pair in pairs
            ]
        except MissingPackageError as error:
            left_out.append(str(error))
            continue
        found.append(Baseline(method=name, options=options, psnr=scores))
    return found, left_out


def score(restored: Tensor, pair: Pair, scale: Scale) -> float:
    """PSNR of an image (1, C, H, W) in dB; of one that is its target, 100.

    Raises:
        InputError: values that are not finite.
    """
    if not bool(torch.isfinite(restored).all()):
        raise InputError("a validation image is restored with values that are not finite")
    value: Any = psnr(*scaled(scale, restored, pair.x[None]), 1.0)
    return min(float(value), 100.0)
