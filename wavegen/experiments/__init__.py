"""Comparisons of systems: train alike, judge alike, one table."""

from wavegen.experiments.claims import claims
from wavegen.experiments.command import run_command
from wavegen.experiments.compare import compare, images_of, judge, time_rows
from wavegen.experiments.heads import head_figures, heads_table, low_band_gap
from wavegen.experiments.plan import Comparison, Row
from wavegen.experiments.recipe import Data, run_task
from wavegen.experiments.report import aggregate, figure, markdown
from wavegen.experiments.ship import Shipment, ship
from wavegen.experiments.train_systems import run_folder, train_systems

__all__ = [
    "Comparison",
    "Data",
    "Row",
    "Shipment",
    "aggregate",
    "claims",
    "compare",
    "figure",
    "head_figures",
    "heads_table",
    "images_of",
    "judge",
    "low_band_gap",
    "markdown",
    "run_command",
    "run_folder",
    "run_task",
    "ship",
    "time_rows",
    "train_systems",
]
