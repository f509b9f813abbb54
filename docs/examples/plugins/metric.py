"""A metric in one file: what tables need to know of it, and one value for each image."""

from torch import Tensor

from wavegen import register
from wavegen.metrics import PairedMetric


@register("metric", "mean_error", "mean absolute error", capabilities=("paired", "lower_is_better"))
class MeanError(PairedMetric):
    """Mean absolute error as a share of the range of intensities."""

    title = "MAE"
    higher_is_better = False
    best = 0.0
    values = (0.0, float("inf"))

    def __call__(self, restored: Tensor, target: Tensor, data_range: float | Tensor) -> Tensor:
        """(B, C, H, W) twice to (B,)."""
        return (restored - target).abs().mean(dim=(1, 2, 3)) / data_range
