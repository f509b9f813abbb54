"""Solvers: how the numbers of one reverse step follow from the coefficients at its two times."""

from wavegen.bridges.solvers.base import Coordinates, Eta, Solver, first_order, ratio
from wavegen.bridges.solvers.second_order import START, Heun, Multistep, MultistepStart
from wavegen.bridges.solvers.settings import GENERIC, chosen_solver, lay_sampler, read_sampler, solver_spec, without_eta
from wavegen.bridges.solvers.single_step import BBDM, EulerODE, EulerSDE, Generic
from wavegen.bridges.solvers.walk import Given, grid_steps, make_solver, step_coefficients

__all__ = [
    "BBDM",
    "GENERIC",
    "START",
    "Coordinates",
    "Eta",
    "EulerODE",
    "EulerSDE",
    "Generic",
    "Given",
    "Heun",
    "Multistep",
    "MultistepStart",
    "Solver",
    "chosen_solver",
    "first_order",
    "grid_steps",
    "lay_sampler",
    "make_solver",
    "ratio",
    "read_sampler",
    "solver_spec",
    "step_coefficients",
    "without_eta",
]
