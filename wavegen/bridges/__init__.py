"""From the degraded to the clean coarsest band: processes, targets, grids, solvers, and the one sampler."""

from wavegen.bridges.base import Bridge, Coefficients, Native, Step
from wavegen.bridges.grids import GRIDS, check_grid, make_grid, native_grid
from wavegen.bridges.guidance import Guidance, guided
from wavegen.bridges.noise import noise
from wavegen.bridges.planning.gaussian import shares_kept, spread_kept
from wavegen.bridges.planning.planner import Plan, judge, plan_steps
from wavegen.bridges.processes.brownian import BBDP, DDBMVE, DDBMVP, I2SB, BrownianBridge, Interpolant
from wavegen.bridges.processes.diffusion import DDIM, DDPM, SR3, Flow
from wavegen.bridges.processes.reverting import GOUB, IRSDE, Refusion
from wavegen.bridges.processes.shifting import InDI, Regression, ResShift
from wavegen.bridges.sampler import Sampled, sample
from wavegen.bridges.solvers import SOLVERS, Solver, check_solver, grid_steps, step_coefficients
from wavegen.bridges.targets import from_x0, to_x0
from wavegen.bridges.times import stratified

__all__ = [
    "BBDP",
    "DDBMVE",
    "DDBMVP",
    "DDIM",
    "DDPM",
    "GOUB",
    "GRIDS",
    "I2SB",
    "IRSDE",
    "SOLVERS",
    "SR3",
    "Bridge",
    "BrownianBridge",
    "Coefficients",
    "Flow",
    "Guidance",
    "InDI",
    "Interpolant",
    "Native",
    "Plan",
    "Refusion",
    "Regression",
    "ResShift",
    "Sampled",
    "Solver",
    "Step",
    "check_grid",
    "check_solver",
    "from_x0",
    "grid_steps",
    "guided",
    "judge",
    "make_grid",
    "native_grid",
    "noise",
    "plan_steps",
    "sample",
    "shares_kept",
    "spread_kept",
    "step_coefficients",
    "stratified",
    "to_x0",
]
