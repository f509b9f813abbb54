"""How many calls the planner wants for a band: alone, as the paper's theorem 1 has it, and given y."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from wavegen.analysis.spectra import TINY, band_spectrum, wiener_residual
from wavegen.bridges import plan_steps
from wavegen.core.errors import InputError

SHARE = 0.9  # of the spread that is kept
GROUPS = 8  # variances that stand for a spectrum
FLOOR = 1e-9  # variances below it, in a band of unit variance, are the rounding of float32
SOLVER = "multistep-start"  # never worse where it has its estimates, and the start is one


def grouped(v: Sequence[float], weights: Sequence[float], groups: int = GROUPS) -> tuple[list[float], list[float]]:
    """Variances and weights in at most ``groups`` even parts of the logarithm of the variance; weighted means."""
    values, w = (torch.as_tensor(k, dtype=torch.float64).clamp_min(TINY) for k in (v, weights))
    log = values.log()
    step = float(log.max() - log.min()) / groups or 1.0
    place = ((log - log.min()) / step).long().clamp_max(groups - 1)
    total = torch.zeros(groups, dtype=torch.float64).index_add_(0, place, w)
    mean = torch.zeros(groups, dtype=torch.float64).index_add_(0, place, w * log) / total
    used = total > 0
    return mean[used].exp().tolist(), total[used].tolist()


def calls_alone(power: Sequence[float], modes: Sequence[float]) -> int | None:
    """Calls that keep .9 of the spread on average over frequencies, each counted alike, if y tells nothing.

    Theorem 1 is about such an unconditional model. None: no spectrum, or no plan within the planner's 64 calls.
    """
    return _calls([max(k, FLOOR) for k in power], modes) if power else None


def calls_given(name: str, band: Tensor, given: Tensor) -> int | None:
    """Calls that keep .9 of the power of what y's band leaves unknown, as ``wavegen plan`` counts them.

    Args:
        name: of the band.
        band: (B, C, h, w), of 8 targets or more.
        given: as band, of the degraded images.
    """
    scale = band.std().clamp_min(1e-8)
    spectrum = band_spectrum(name, *wiener_residual(band / scale, given / scale))
    return _calls(spectrum.variances, spectrum.weights)


def _calls(v: Sequence[float], weights: Sequence[float]) -> int | None:
    try:
        return plan_steps("bbdp", *grouped(v, weights), share=SHARE, solvers=(SOLVER,)).calls
    except InputError:
        return None
