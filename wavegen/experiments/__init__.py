"""Comparisons of systems: trained alike, judged alike, one table."""

from wavegen.experiments.engine.grids import ablate
from wavegen.experiments.engine.runs import Outcome, as_csv, compare, prepare, run_missing
from wavegen.experiments.judge.band_spread import calibrated_temperature, spread_of_bands
from wavegen.experiments.judge.pictures import figure
from wavegen.experiments.judge.subband_picture import subband_picture
from wavegen.experiments.judge.timing import time_rows
from wavegen.experiments.spec.ablation import Ablation, ablation
from wavegen.experiments.spec.comparison import Comparison, Row
from wavegen.experiments.spec.folders import run_folder
from wavegen.experiments.spec.grid import read_grid
from wavegen.experiments.spec.images import images_of
from wavegen.experiments.spec.options import above_zero, one_or_more, recipe_options, run_command
from wavegen.experiments.spec.recipe import Recipe
from wavegen.experiments.spec.recipe_file import read_recipe
from wavegen.experiments.spec.recipe_parts import Data, Expectation, Lead, Profile, Shipment
from wavegen.experiments.spec.row_templates import native_row
from wavegen.experiments.spec.tiny import shrunk
from wavegen.experiments.studies.claims import claims
from wavegen.experiments.studies.heads import head_figures, heads_table, low_band_gap
from wavegen.experiments.studies.native import degraded, variances
from wavegen.experiments.studies.rivals import against_rivals
from wavegen.experiments.studies.runner import chosen_systems, run_recipe
from wavegen.experiments.studies.screening import screen
from wavegen.experiments.studies.shipping import ship
from wavegen.experiments.studies.spread import SpreadStudy, spread_study
from wavegen.experiments.studies.subband_figures import subband_figures

__all__ = [
    "Ablation",
    "Comparison",
    "Data",
    "Expectation",
    "Lead",
    "Outcome",
    "Profile",
    "Recipe",
    "Row",
    "Shipment",
    "SpreadStudy",
    "ablate",
    "ablation",
    "above_zero",
    "against_rivals",
    "as_csv",
    "calibrated_temperature",
    "chosen_systems",
    "claims",
    "compare",
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
    "read_recipe",
    "recipe_options",
    "run_command",
    "run_folder",
    "run_missing",
    "run_recipe",
    "screen",
    "ship",
    "shrunk",
    "spread_of_bands",
    "spread_study",
    "subband_figures",
    "subband_picture",
    "time_rows",
    "variances",
]
