"""Data sets: simulated specimens, image pairs from files, published layouts, degraded clean images, crops, a cache."""

from wavegen.data.augment import Augment
from wavegen.data.base import PairDataset
from wavegen.data.cache import InMemory
from wavegen.data.check import Alignment, ImageFacts, align, image_facts
from wavegen.data.crops import Crops
from wavegen.data.degraded import Degraded
from wavegen.data.files import FilePairs
from wavegen.data.holdout import Split, Subset, hold_out
from wavegen.data.layouts import Div2k, Istd, Lol
from wavegen.data.low_band import LowBand
from wavegen.data.matched import Matched
from wavegen.data.matching import Match, match
from wavegen.data.microscopes import BioSr, W2s
from wavegen.data.pairs import Pairs
from wavegen.data.samples import microscope_sample
from wavegen.data.simulated import Simulated
from wavegen.data.simulators.base import Simulator, is_simulator
from wavegen.data.simulators.hela import Hela
from wavegen.data.simulators.nanobeads import Nanobeads

__all__ = [
    "Alignment",
    "Augment",
    "BioSr",
    "Crops",
    "Degraded",
    "Div2k",
    "FilePairs",
    "Hela",
    "ImageFacts",
    "InMemory",
    "Istd",
    "Lol",
    "LowBand",
    "Match",
    "Matched",
    "Nanobeads",
    "PairDataset",
    "Pairs",
    "Simulated",
    "Simulator",
    "Split",
    "Subset",
    "W2s",
    "align",
    "hold_out",
    "image_facts",
    "is_simulator",
    "match",
    "microscope_sample",
]
