"""The one fit loop and what watches it."""

from wavegen.training.callbacks import JsonLog, Preview, TensorBoard
from wavegen.training.config import Training
from wavegen.training.fit import Callback, fit
from wavegen.training.pace import Forecast, Pace
from wavegen.training.progress import ProgressBar, ProgressLines
from wavegen.training.validation import Validation
from wavegen.training.watch import Watch, band_figures, figures, null_test

__all__ = [
    "Callback",
    "Forecast",
    "JsonLog",
    "Pace",
    "Preview",
    "ProgressBar",
    "ProgressLines",
    "TensorBoard",
    "Training",
    "Validation",
    "Watch",
    "band_figures",
    "figures",
    "fit",
    "null_test",
]
