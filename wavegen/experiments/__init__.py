"""Comparisons of systems: train alike, judge alike, one table."""

from wavegen.experiments.claims import claims
from wavegen.experiments.command import run_command
from wavegen.experiments.compare import compare, images_of, judge, time_rows
from wavegen.experiments.plan import Comparison, Row
from wavegen.experiments.report import aggregate, figure, markdown
from wavegen.experiments.ship import ship
from wavegen.experiments.subband_figures import subband_figures
from wavegen.experiments.subband_picture import subband_picture
from wavegen.experiments.train_systems import run_folder, train_systems

__all__ = [
    "Comparison",
    "Row",
    "aggregate",
    "claims",
    "compare",
    "figure",
    "images_of",
    "judge",
    "markdown",
    "run_command",
    "run_folder",
    "ship",
    "subband_figures",
    "subband_picture",
    "time_rows",
    "train_systems",
]
