"""The one fit loop and what watches it."""

from wavegen.config import Training
from wavegen.training.callbacks import JsonLog, Preview, ProgressBar, TensorBoard
from wavegen.training.fit import Callback, fit

__all__ = ["Callback", "JsonLog", "Preview", "ProgressBar", "TensorBoard", "Training", "fit"]
