"""Data sets: simulated specimens, pairs of files, crops, and a cache."""

from wavegen.data.cache import InMemory
from wavegen.data.crops import Crops
from wavegen.data.hela import Hela
from wavegen.data.low_band import LowBand
from wavegen.data.nanobeads import Nanobeads
from wavegen.data.pairs import Pairs
from wavegen.data.samples import microscope_sample
from wavegen.data.simulators import Simulator

__all__ = ["Crops", "Hela", "InMemory", "LowBand", "Nanobeads", "Pairs", "Simulator", "microscope_sample"]
