"""Where planned noise levels lie in a process: its times for them, and the noise scale that centres them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch

from wavegen.bridges.base import Bridge
from wavegen.bridges.grids import log_snr, times_of
from wavegen.core.errors import InputError
from wavegen.core.registry import build, validate

# Options that may scale a process's noise, and their value for c² = S times that of S = 1.
SCALES: dict[str, Callable[[float], float]] = {
    "s": lambda S: S / 2,
    "S": lambda S: S,
    "lam": math.sqrt,
    "kappa": math.sqrt,
    "sigma0": math.sqrt,
    "sigma_max": math.sqrt,
}
ENDS = (1.0, 1e-7)


def place(bridge: Bridge, levels: Sequence[float]) -> tuple[float, ...]:
    """Times 1 > t_1 > ... > 0 at which ln(a² / c²) has the given, increasing values.

    Raises:
        InputError: the process has no noise, or does not reach one of the levels.
    """
    wanted = [level / 2 for level in levels]
    noisiest, cleanest = (float(log_snr(bridge, torch.tensor([t], dtype=torch.float64))) for t in ENDS)
    if not noisiest < wanted[0] or not wanted[-1] < cleanest:
        raise InputError(
            f"{type(bridge).__name__} goes from ln(a/c) = {noisiest:.3g} to {cleanest:.3g}; the plan needs "
            f"{wanted[0]:.3g} to {wanted[-1]:.3g}: give it more noise, or another process"
        )
    return (1.0, *times_of(bridge, wanted), 0.0)


def centred(spec: dict[str, Any], levels: Sequence[float]) -> dict[str, Any]:
    """The bridge with the noise scale that puts the mean of ``levels`` at t = 1/2; unchanged where it has none."""
    _, options = validate("bridge", spec)

    def half(**scale: float) -> float:
        return 2 * float(log_snr(build("bridge", {**spec, **scale}), torch.tensor([0.5], dtype=torch.float64)))

    for option in SCALES.keys() & options.keys():
        of = SCALES[option]
        unit = half(**{option: of(1.0)})
        if math.isfinite(unit) and abs(unit - half(**{option: of(2.0)}) - math.log(2)) < 1e-9:
            variance = math.exp(unit - sum(levels) / len(levels))
            return {**spec, option: float(f"{of(variance):.4g}")}
    return spec
