"""From the degraded to the clean coarsest band: processes, targets, grids, solvers, and the one sampler."""

from wavegen.bridges.base import Bridge, Coefficients, Native, Step
from wavegen.bridges.check import check_bridge
from wavegen.bridges.grids import check_grid, grid_of, make_grid, native_grid, own_steps
from wavegen.bridges.guidance import Guidance, guided
from wavegen.bridges.noise import noise
from wavegen.bridges.planning.gaussian import shares_kept, spread_kept
from wavegen.bridges.planning.planner import Plan, judge, plan_steps
from wavegen.bridges.processes.brownian import BBDP, DDBMVE, DDBMVP, I2SB, BrownianBridge, Interpolant
from wavegen.bridges.processes.diffusion import DDIM, DDPM, SR3, Flow
from wavegen.bridges.processes.reverting import GOUB, IRSDE, Refusion
from wavegen.bridges.processes.shifting import InDI, Regression, ResShift
from wavegen.bridges.sampler import Sampled, sample
from wavegen.bridges.solvers import (
    Coordinates,
    Eta,
    Solver,
    chosen_solver,
    first_order,
    grid_steps,
    lay_sampler,
    make_solver,
    read_sampler,
    solver_spec,
    step_coefficients,
    without_eta,
)
from wavegen.bridges.targets import from_x0, to_x0
from wavegen.bridges.times import stratified

__all__ = [
    "BBDP",
    "DDBMVE",
    "DDBMVP",
    "DDIM",
    "DDPM",
    "GOUB",
    "I2SB",
    "IRSDE",
    "SR3",
    "Bridge",
    "BrownianBridge",
    "Coefficients",
    "Coordinates",
    "Eta",
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
    "check_bridge",
    "check_grid",
    "chosen_solver",
    "first_order",
    "from_x0",
    "grid_of",
    "grid_steps",
    "guided",
    "judge",
    "lay_sampler",
    "make_grid",
    "make_solver",
    "native_grid",
    "noise",
    "own_steps",
    "plan_steps",
    "read_sampler",
    "sample",
    "shares_kept",
    "solver_spec",
    "spread_kept",
    "step_coefficients",
    "stratified",
    "to_x0",
    "without_eta",
]
