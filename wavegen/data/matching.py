"""Intensity matching: the gain and offset that lay the target of a pair on the scale of its input.

Model of one channel: y = c (h * x) + d + noise, h a Gaussian of unknown width. Both images are averaged over blocks and
smoothed, so that noise, fine detail and small shifts count little. The width of h is the one at which x explains y
best, c and d are then a robust line of y over x; outliers are pulled in, and both are found again. The line's sums of
products take one factor from one half of every block's pixels and the other from the other half (an instrumental
variable; Fuller, Measurement Error Models, 1987, section 1.4): noise that is independent between pixels drops out of
them on both sides, so that it does not shrink the gain as it does in least squares.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wavegen.core.errors import InputError

BLOCK = 4  # pixels at most, along a side
LEAST_BLOCKS = 48  # along the shorter side, or smaller blocks are taken
SMOOTHING = 1.0  # blocks; standard deviation
WIDEST = 8.0  # blocks; standard deviation of h
HUBER = 1.345  # deviations; 95 % efficient at normal residuals
OUTLIER = 3.0  # deviations
ROUNDS = 2  # of the resolution, the line and the outliers
REWEIGHTINGS = 6  # of one line
GROUP = 32  # blocks at least for an estimate of the residuals' deviation
CLIPPED = 5e-4  # share of pixels at an image's largest value above which they count as clipped
VANISHING = 0.2  # correlation after smoothing, below which a pair has nothing in common

Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class Match:
    """How one channel of a target lies over its input: target = ``gain`` * input + ``offset``.

    Attributes:
        gain: of the target over the input; 1 where either is constant, and nothing is known.
        offset: in units of the target.
        correlation: Pearson's, of both images averaged over blocks and smoothed, x at the resolution of y.
        blur: standard deviation (pixels) of the Gaussian that brings x to the resolution of y; negative where y is
            the sharper one.
        gap: rms difference between the target and the target laid on the input, over the latter's standard deviation;
            0 for one scale.
        equal: whether the channels differ by gain and offset alone, to a millionth of their range.
    """

    gain: float
    offset: float
    correlation: float
    blur: float
    gap: float
    equal: bool

    @property
    def usable(self) -> bool:
        """Whether the images have something in common, and bright in one is bright in the other."""
        return self.correlation >= VANISHING and self.gain > 0


UNKNOWN = Match(gain=1.0, offset=0.0, correlation=0.0, blur=0.0, gap=0.0, equal=False)


def match(target: NDArray[Any], source: NDArray[Any]) -> list[Match]:
    """Gain and offset of each channel of a target (C, H, W) over its input (C, H, W), in the units of the images.

    On simulated pairs of 20 photons at the brightest structures the gain is right to 1 % in the mean over images,
    and to 3 % in a single one of 256 x 256 pixels (``python -m benchmarks matching``).

    Raises:
        InputError: unequal shapes.
    """
    if target.shape != source.shape:
        raise InputError(f"target of shape {target.shape} and input of shape {source.shape}; both must have one size")
    return [
        _match_channel(*(np.asarray(k, dtype=np.float64) for k in pair)) for pair in zip(target, source, strict=True)
    ]


def _match_channel(x: Doubles, y: Doubles) -> Match:
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return UNKNOWN
    halves, kept, block = _halves(x, y)
    means = [float(half.mean()) for half in halves]
    # Without the mean: cosines are orthogonal, and the first is the constant.
    x1, x2, y1, y2 = (_cosines(half - mean) for half, mean in zip(halves, means, strict=True))
    waves = _squared_frequencies(halves[0].shape)
    smoothing = np.exp(-waves * SMOOTHING**2 / 2)
    spread = slope = level = 0.0
    for _ in range(ROUNDS):
        spread = _spread((x1 + x2) * smoothing, (y1 + y2) * smoothing, waves)
        blurred = np.exp(-waves * spread / 2)
        filters = (blurred * smoothing, blurred * smoothing, smoothing, smoothing)
        smooth = [
            _pixels(wave * weight) + mean for wave, weight, mean in zip((x1, x2, y1, y2), filters, means, strict=True)
        ]
        slope, level = _robust_line(*(image[kept] for image in smooth))
        expected = slope * (_pixels((x1 + x2) / 2 * blurred) + (means[0] + means[1]) / 2) + level
        excess = _excess((halves[2] + halves[3]) / 2 - expected, expected, kept)
        y1, y2 = (_cosines(half - mean - excess) for half, mean in zip(halves[2:], means[2:], strict=True))
    if slope == 0:
        return UNKNOWN
    correlation = float(np.corrcoef((smooth[0] + smooth[1]).ravel(), (smooth[2] + smooth[3]).ravel())[0, 1])
    laid_x = slope * x + level
    gap = float(np.sqrt(np.square(laid_x - x).mean())) / float(laid_x.std())
    equal = bool(np.abs(laid_x - y).max() < 1e-6 * np.ptp(laid_x))
    blur = float(np.copysign(np.sqrt(abs(spread)), spread)) * block
    return Match(1 / slope, -level / slope, correlation, blur, gap, equal)


def _halves(x: Doubles, y: Doubles) -> tuple[list[Doubles], NDArray[np.bool_], int]:
    """Means over the two colours of a chequerboard in every block (x, x, y, y), blocks without clipped pixels, side.

    Images too small for blocks are taken as they are.
    """
    block = BLOCK
    while block > 1 and min(x.shape) < LEAST_BLOCKS * block:
        block //= 2
    kept = _blocks(~(_clipped(x) | _clipped(y)), block).min(axis=(-2, -1))
    kept = kept if kept.sum() >= GROUP else np.ones_like(kept)
    if block == 1:
        return [x, x, y, y], kept, block
    colour = np.indices((block, block)).sum(axis=0) % 2 == 0
    return (
        [_blocks(image, block)[..., part].mean(axis=-1) for image in (x, y) for part in (colour, ~colour)],
        kept,
        block,
    )


def _blocks(image: NDArray[Any], block: int) -> NDArray[Any]:
    """(H, W) as (rows, columns, block, block), what is left at the end cut off."""
    rows, columns = (side // block for side in image.shape)
    cut = image[: rows * block, : columns * block]
    return cut.reshape(rows, block, columns, block).swapaxes(1, 2)


def _clipped(image: Doubles) -> NDArray[np.bool_]:
    """Pixels at the largest value, where many share it. (A background of one value does no harm.)"""
    bright: NDArray[np.bool_] = image == image.max()
    return bright if CLIPPED < bright.mean() < 0.5 else np.zeros_like(bright)


def _squared_frequencies(shape: tuple[int, ...]) -> Doubles:
    """|k|² of the cosine transform, k in radians a block."""
    rows, columns = (np.pi * np.arange(side) / side for side in shape)
    squared: Doubles = rows[:, None] ** 2 + columns**2
    return squared


def _cosines(image: Doubles) -> Doubles:
    """The cosine transform, whose Gaussian filters reflect the image at its edges."""
    from scipy.fft import dctn

    found: Doubles = dctn(image, norm="ortho")
    return found


def _pixels(cosines: Doubles) -> Doubles:
    from scipy.fft import idctn

    found: Doubles = idctn(cosines, norm="ortho")
    return found


def _spread(x: Doubles, y: Doubles, waves: Doubles) -> float:
    """Variance (blocks²) of the Gaussian under which x is most like y; negative where it sharpens x."""
    from scipy.optimize import minimize_scalar

    product, power = x * y, x * x

    def unlike(spread: float) -> float:
        filtered = np.exp(-waves * spread / 2)
        return -abs(float((product * filtered).sum())) / float(np.sqrt((power * filtered * filtered).sum()))

    ways = np.concatenate([[-0.5, -0.25], np.linspace(0, np.sqrt(WIDEST), 12) ** 4])
    best = int(np.argmin([unlike(way) for way in ways]))
    low, high = ways[max(best - 1, 0)], ways[min(best + 1, len(ways) - 1)]
    return float(minimize_scalar(unlike, bounds=(low, high), method="bounded", options={"maxiter": 12}).x)


def _robust_line(x1: Doubles, x2: Doubles, y1: Doubles, y2: Doubles) -> tuple[float, float]:
    """Slope and level of y over x by Huber's weights; the sums multiply halves with independent noise."""
    x, y = (x1 + x2) / 2, (y1 + y2) / 2
    weight = np.ones_like(x)
    slope = level = 0.0
    for _ in range(REWEIGHTINGS):
        centres = [float(np.average(values, weights=weight)) for values in (x1, x2, y1, y2)]
        a1, a2, b1, b2 = (values - centre for values, centre in zip((x1, x2, y1, y2), centres, strict=True))
        own = float((weight * a1 * a2).sum())
        slope = float((weight * (a1 * b2 + a2 * b1)).sum()) / (2 * own) if own > 0 else 0.0
        level = (centres[2] + centres[3]) / 2 - slope * (centres[0] + centres[1]) / 2
        residual = np.abs(y - slope * x - level)
        least = 1e-12 * float(np.ptp(y)) + 1e-300
        weight = 1 / np.maximum(1, residual / np.maximum(HUBER * _deviations(residual, x), least))
    return slope, level


def _excess(residual: Doubles, brightness: Doubles, kept: NDArray[np.bool_]) -> Doubles:
    """What of the residuals is beyond three deviations; all of it where blocks are not kept."""
    most = OUTLIER * _deviations(np.abs(residual), brightness)
    return np.where(kept, residual - residual.clip(-most, most), residual)


def _deviations(residual: Doubles, brightness: Doubles) -> Doubles:
    """The standard deviation of every residual, from the median of its kind of brightness.

    Photon noise and differences of structure grow with brightness: one deviation for all would make most of the
    signal an outlier.
    """
    deviation = np.empty_like(residual)
    for group in _groups(brightness.ravel()):
        deviation.ravel()[group] = 1.4826 * float(np.median(residual.ravel()[group]))
    return deviation


def _groups(x: Doubles) -> list[NDArray[np.intp]]:
    """Places by brightness: the darker half, half of the rest, and so on."""
    order = np.argsort(x, kind="stable")
    groups = []
    while len(order) >= 2 * GROUP:
        groups.append(order[: len(order) // 2])
        order = order[len(order) // 2 :]
    return [*groups, order]
