"""From the degraded to the clean coarsest band: processes, targets, grids, and the one sampler."""

from wavegen.bridges.base import Bridge, Coefficients, Native
from wavegen.bridges.gaussian import shares_kept, spread_kept
from wavegen.bridges.noise import noise
from wavegen.bridges.planner import Plan, judge, plan_steps
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
    "Native",
    "Plan",
    "Regression",
    "Sampled",
    "check_grid",
    "from_x0",
    "judge",
    "make_grid",
    "noise",
    "plan_steps",
    "sample",
    "shares_kept",
    "spread_kept",
    "step_coefficients",
    "to_x0",
]
