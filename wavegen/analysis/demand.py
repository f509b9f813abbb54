"""The planner's number of network calls for a band: without y, as in the paper's theorem 1, and given y."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from wavegen.analysis.spectra import TINY, band_spectrum, wiener_residual
from wavegen.bridges import plan_steps
from wavegen.core.errors import InputError

SHARE = 0.9  # fraction of the spread to be preserved
GROUPS = 8  # number of variances that approximate a spectrum
FLOOR = 1e-9  # lower variances, in a band of unit variance, are float32 rounding errors
SOLVER = "multistep-start"  # never worse than the one-step solver once it has two estimates, and the start is one


def grouped(v: Sequence[float], weights: Sequence[float], groups: int = GROUPS) -> tuple[list[float], list[float]]:
    """Weighted means and total weights in at most ``groups`` bins of equal width in the log of the variance."""
    values, w = (torch.as_tensor(k, dtype=torch.float64).clamp_min(TINY) for k in (v, weights))
    log = values.log()
    step = float(log.max() - log.min()) / groups or 1.0
    group = ((log - log.min()) / step).long().clamp_max(groups - 1)
    total = torch.zeros(groups, dtype=torch.float64).index_add_(0, group, w)
    mean = torch.zeros(groups, dtype=torch.float64).index_add_(0, group, w * log) / total
    occupied = total > 0
    return mean[occupied].exp().tolist(), total[occupied].tolist()


def calls_without_y(power: Sequence[float], modes: Sequence[float]) -> int | None:
    """Calls that preserve 0.9 of the spread of an unconditional model, averaged equally over frequencies.

    This is the setting of theorem 1. None: no spectrum, or no plan within the planner's 64 calls.
    """
    return _calls([max(k, FLOOR) for k in power], modes) if power else None


def calls_given_y(name: str, band: Tensor, y_band: Tensor) -> int | None:
    """Calls that preserve 0.9 of the spread of the band given y's band, as in ``wavegen plan``.

    Args:
        name: of the band.
        band: (B, C, h, w), from at least 8 targets.
        y_band: the same band of the degraded images.
    """
    scale = band.std().clamp_min(1e-8)
    spectrum = band_spectrum(name, *wiener_residual(band / scale, y_band / scale))
    return _calls(spectrum.variances, spectrum.weights)


def _calls(v: Sequence[float], weights: Sequence[float]) -> int | None:
    try:
        return plan_steps("bbdp", *grouped(v, weights), share=SHARE, solvers=(SOLVER,)).calls
    except InputError:
        return None
