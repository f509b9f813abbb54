"""Checks of images and pairs before training: ranges, saturation, alignment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from wavegen.core.errors import InputError
from wavegen.data.shift import shift_between
from wavegen.io import saturated_share

SIGMA = 1.5  # pixels; smoothing that makes noisy and sharp images comparable
COARSE = 6.0  # pixels; smoother structures are removed for the second comparison
STEP = 10  # shifts are resolved to 1 / STEP pixel
MAX_SHIFT = 3.0  # pixels
UNRELATED = 0.2  # correlation after smoothing
Verdict = Literal["aligned", "shifted", "unsure", "unrelated", "constant"]
BAD: tuple[Verdict, ...] = ("shifted", "unrelated", "constant")


@dataclass(frozen=True)
class ImageFacts:
    """Shape (C, H, W), dtype, range, fraction of saturated pixels, and defects of one image."""

    shape: tuple[int, ...]
    dtype: str
    low: float
    high: float
    saturated: float
    constant: bool
    not_finite: int


@dataclass(frozen=True)
class Alignment:
    """Registration of an input with its target.

    ``shift_y`` and ``shift_x`` (pixels) move the input onto the target; ``correlation`` is Pearson's after a
    Gaussian of sigma 1.5, ``corrected`` is the same after moving the input by the shift in whole pixels; ``gain``
    and ``offset`` are the least-squares fit target = gain * input + offset; ``factor`` is the factor by which the
    input was enlarged for the comparison. ``looked_at`` is ``details`` if shift and correlations were measured on
    differences of two Gaussians (sigma 1.5 and 6), because shadows or haze dominated the structure.
    """

    shift_y: float
    shift_x: float
    correlation: float
    corrected: float
    gain: float
    offset: float
    factor: int
    verdict: Verdict
    looked_at: Literal["image", "details"] = "image"


def image_facts(pixels: NDArray[Any]) -> ImageFacts:
    """Facts about one image (C, H, W)."""
    values = np.asarray(pixels)
    finite = np.isfinite(values)
    valid = values[finite]
    low, high = (float(valid.min()), float(valid.max())) if valid.size else (float("nan"), float("nan"))
    not_finite = int(values.size - valid.size)
    share = saturated_share(values) if not_finite == 0 else 0.0
    return ImageFacts(tuple(values.shape), str(values.dtype), low, high, share, low == high, not_finite)


def align(target: NDArray[Any], source: NDArray[Any], max_shift: float = MAX_SHIFT) -> Alignment:
    """Measure how an input is registered with its target, each (C, H, W) or (H, W); channels are averaged.

    The shift is the peak of the cross-correlation of both images, smoothed, without their means and under a Hann
    window, to 0.1 px (without spectral whitening, which noise would lead astray). Where moving the input by it does
    not raise the correlation, or there is none, the details are looked at instead. A shift beyond ``max_shift`` that
    is not confirmed there either is ``unsure``, which repetitive or nearly empty images give.

    Raises:
        InputError: sizes that do not differ by a whole factor, or values that are not finite.
    """
    from scipy.ndimage import gaussian_filter

    x, y = (np.asarray(image, dtype=np.float64) for image in (target, source))
    x, y = (image.mean(axis=0) if image.ndim == 3 else image for image in (x, y))
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise InputError("an image has values that are NaN or infinite; replace them first")
    y, factor = _on_grid(x, y)
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return Alignment(0.0, 0.0, 0.0, 0.0, 0.0, float(x.mean()), factor, "constant")
    gain, offset = np.polyfit(y.ravel(), x.ravel(), 1)
    smooth = [gaussian_filter(image, SIGMA) for image in (x, y)]
    result = _compare(smooth[0], smooth[1], max_shift)
    looked_at: Literal["image", "details"] = "image"
    if result[-1] in ("unsure", "unrelated"):
        details = [fine - gaussian_filter(image, COARSE) for fine, image in zip(smooth, (x, y), strict=True)]
        second = _compare(details[0], details[1], max_shift)
        if second[-1] != "unrelated":
            result, looked_at = second, "details"
    return Alignment(*result[:4], float(gain), float(offset), factor, result[-1], looked_at)


def _compare(a: NDArray[Any], b: NDArray[Any], max_shift: float) -> tuple[float, float, float, float, Verdict]:
    """Shift in y and x, correlation before and after moving ``b`` by it, and what that means."""
    window = np.outer(np.hanning(a.shape[0]), np.hanning(a.shape[1])) if min(a.shape) > 2 else np.ones(a.shape)
    dy, dx = shift_between((a - a.mean()) * window, (b - b.mean()) * window, STEP)
    before = _correlation(a, b)
    after = _correlation(*_overlap(a, b, round(dy), round(dx)))
    verdict: Verdict = "aligned"
    if max(before, after) < UNRELATED:
        verdict = "unrelated"
    elif np.hypot(dy, dx) > max_shift:
        verdict = "shifted" if after > before else "unsure"
    return dy + 0.0, dx + 0.0, before, after, verdict  # + 0.0: no minus zero in a report


def _on_grid(x: NDArray[Any], y: NDArray[Any]) -> tuple[NDArray[Any], int]:
    """The input on the target's grid, and the factor between them."""
    import torch

    from wavegen.data.files import enlarged

    ratios = {a / b for a, b in zip(x.shape, y.shape, strict=True)}
    if len(ratios) != 1 or not next(iter(ratios)).is_integer():
        raise InputError(f"target of {x.shape[0]}x{x.shape[1]} and input of {y.shape[0]}x{y.shape[1]} pixels")
    return enlarged(torch.from_numpy(y)[None], (x.shape[0], x.shape[1]))[0].numpy(), int(next(iter(ratios)))


def _correlation(a: NDArray[Any], b: NDArray[Any]) -> float:
    """Pearson's correlation of two images; 0 if one is constant or has fewer than 2 pixels."""
    if a.size < 2:
        return 0.0
    a, b = a - a.mean(), b - b.mean()
    norm = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float((a * b).sum()) / norm if norm > 0 else 0.0


def _overlap(a: NDArray[Any], b: NDArray[Any], dy: int, dx: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """The overlapping parts of both images after ``b`` is moved by (dy, dx)."""
    parts = []
    for moved, fixed in ((dy, a.shape[0]), (dx, a.shape[1])):
        parts.append((slice(max(moved, 0), fixed + min(moved, 0)), slice(max(-moved, 0), fixed - max(moved, 0))))
    (ay, by), (ax, bx) = parts
    return a[ay, ax], b[by, bx]
