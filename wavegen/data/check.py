"""What is known of images and pairs before anyone trains on them: ranges, saturation, alignment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from wavegen.core.errors import InputError
from wavegen.data.shift import shift_between
from wavegen.io import saturated_share

SIGMA = 1.5  # pixels; smoothing that brings noisy and sharp images to a common footing
COARSE = 6.0  # pixels; what is smoother than this is left out of the second look
STEP = 10  # shifts are found to 1 / STEP pixel
MAX_SHIFT = 3.0  # pixels
UNRELATED = 0.2  # correlation after smoothing
Verdict = Literal["aligned", "shifted", "unsure", "unrelated", "constant"]
BAD: tuple[Verdict, ...] = ("shifted", "unrelated", "constant")


@dataclass(frozen=True)
class ImageFacts:
    """Shape (C, H, W), dtype, range, share of saturated pixels, and what is wrong with one image."""

    shape: tuple[int, ...]
    dtype: str
    low: float
    high: float
    saturated: float
    constant: bool
    not_finite: int


@dataclass(frozen=True)
class Alignment:
    """How an input lies on its target.

    ``shift_y`` and ``shift_x`` (pixels) move the input onto the target; ``correlation`` is Pearson's after a
    Gaussian of sigma 1.5, ``corrected`` the same once the input is moved by the shift in whole pixels; ``gain``
    and ``offset`` are the least-squares fit target = gain * input + offset; ``factor`` says by how much the input
    was enlarged to compare. ``looked_at`` is ``details`` where shift and correlations had to be taken from
    the differences of two Gaussians (sigma 1.5 and 6), since shadows or haze outweighed the structure.
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
    good = values[finite]
    low, high = (float(good.min()), float(good.max())) if good.size else (float("nan"), float("nan"))
    lost = int(values.size - good.size)
    share = saturated_share(values) if lost == 0 else 0.0
    return ImageFacts(tuple(values.shape), str(values.dtype), low, high, share, low == high, lost)


def align(target: NDArray[Any], source: NDArray[Any], max_shift: float = MAX_SHIFT) -> Alignment:
    """Compare a target and an input, (C, H, W) or (H, W); channels are averaged.

    The shift is the peak of the cross-correlation of both images, smoothed, without their means and under a Hann
    window, to 0.1 px. Its spectrum is not whitened: noise would lead that astray. Where moving the input by it does
    not raise the correlation, or there is none, the details are looked at instead. A shift beyond ``max_shift`` that
    is not confirmed there either is ``unsure``, as for repetitive or nearly empty images.

    Raises:
        InputError: sizes that are not alike by a whole factor, or values that are not finite.
    """
    from scipy.ndimage import gaussian_filter

    x, y = (np.asarray(image, dtype=np.float64) for image in (target, source))
    x, y = (image.mean(axis=0) if image.ndim == 3 else image for image in (x, y))
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise InputError("values that are NaN or infinite; replace them before comparing")
    y, factor = _on_grid(x, y)
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return Alignment(0.0, 0.0, 0.0, 0.0, 0.0, float(x.mean()), factor, "constant")
    gain, offset = np.polyfit(y.ravel(), x.ravel(), 1)
    smooth = [gaussian_filter(image, SIGMA) for image in (x, y)]
    look = _look(smooth[0], smooth[1], max_shift)
    looked_at: Literal["image", "details"] = "image"
    if look[-1] in ("unsure", "unrelated"):
        details = [fine - gaussian_filter(image, COARSE) for fine, image in zip(smooth, (x, y), strict=True)]
        again = _look(details[0], details[1], max_shift)
        if again[-1] != "unrelated":
            look, looked_at = again, "details"
    return Alignment(*look[:4], float(gain), float(offset), factor, look[-1], looked_at)


def _look(a: NDArray[Any], b: NDArray[Any], max_shift: float) -> tuple[float, float, float, float, Verdict]:
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
    """Pearson's correlation of two images; 0 where one is constant or nothing is left."""
    if a.size < 2:
        return 0.0
    a, b = a - a.mean(), b - b.mean()
    norm = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float((a * b).sum()) / norm if norm > 0 else 0.0


def _overlap(a: NDArray[Any], b: NDArray[Any], dy: int, dx: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """What is left of both images once ``b`` is moved by (dy, dx)."""
    parts = []
    for moved, fixed in ((dy, a.shape[0]), (dx, a.shape[1])):
        parts.append((slice(max(moved, 0), fixed + min(moved, 0)), slice(max(-moved, 0), fixed - max(moved, 0))))
    (ay, by), (ax, bx) = parts
    return a[ay, ax], b[by, bx]
