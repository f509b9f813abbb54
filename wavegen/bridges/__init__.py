"""From the degraded to the clean coarsest band: processes, targets, grids, and the one sampler."""

from wavegen.bridges.base import Bridge, Coefficients, Native
from wavegen.bridges.gaussian import spread_kept
from wavegen.bridges.guidance import Guidance, guided
from wavegen.bridges.noise import noise
from wavegen.bridges.processes import BBDP, DDPM, IRSDE, Regression
from wavegen.bridges.sampler import Sampled, sample, step_coefficients
from wavegen.bridges.schedules import check_grid, make_grid
from wavegen.bridges.targets import from_x0, to_x0

__all__ = [
    "BBDP",
    "DDPM",
    "IRSDE",
    "Bridge",
    "Coefficients",
    "Guidance",
    "Native",
    "Regression",
    "Sampled",
    "check_grid",
    "from_x0",
    "guided",
    "make_grid",
    "noise",
    "sample",
    "spread_kept",
    "step_coefficients",
    "to_x0",
]
