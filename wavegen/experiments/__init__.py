"""Comparisons of systems: train alike, judge alike, one table."""

from wavegen.experiments.ablate import ablate
from wavegen.experiments.ablation import Ablation, Expectation
from wavegen.experiments.ask import run_ablation
from wavegen.experiments.band_spread import calibrated_temperature, spread_of_bands
from wavegen.experiments.benchmark import DATA as BENCHMARK_DATA
from wavegen.experiments.benchmark import benchmark
from wavegen.experiments.benchmark import chosen as chosen_systems
from wavegen.experiments.bridges import degraded, native_row, variances
from wavegen.experiments.claims import claims
from wavegen.experiments.command import above_zero, one_or_more, run_command
from wavegen.experiments.compare import images_of, time_rows
from wavegen.experiments.contest import Contest, run_contest
from wavegen.experiments.grid import read_grid
from wavegen.experiments.heads import head_figures, heads_table, low_band_gap
from wavegen.experiments.peers import PEERS, run_peers
from wavegen.experiments.pictures import figure
from wavegen.experiments.plan import Comparison, Row
from wavegen.experiments.recipe import Data, run_task
from wavegen.experiments.runs import Outcome, as_csv, compare, complete, prepare
from wavegen.experiments.ship import Shipment, ship
from wavegen.experiments.small import small
from wavegen.experiments.spread import SpreadStudy, spread_study
from wavegen.experiments.subband_figures import subband_figures
from wavegen.experiments.subband_picture import subband_picture
from wavegen.experiments.train_systems import run_folder

__all__ = [
    "BENCHMARK_DATA",
    "PEERS",
    "Ablation",
    "Comparison",
    "Contest",
    "Data",
    "Expectation",
    "Outcome",
    "Row",
    "Shipment",
    "SpreadStudy",
    "ablate",
    "above_zero",
    "as_csv",
    "benchmark",
    "calibrated_temperature",
    "chosen_systems",
    "claims",
    "compare",
    "complete",
    "degraded",
    "figure",
    "head_figures",
    "heads_table",
    "images_of",
    "low_band_gap",
    "native_row",
    "one_or_more",
    "prepare",
    "read_grid",
    "run_ablation",
    "run_command",
    "run_contest",
    "run_folder",
    "run_peers",
    "run_task",
    "ship",
    "small",
    "spread_of_bands",
    "spread_study",
    "subband_figures",
    "subband_picture",
    "time_rows",
    "variances",
]
