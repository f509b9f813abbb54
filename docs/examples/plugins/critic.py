"""A critic in one file: logits of a candidate image beside the degraded one."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from wavegen import register


@register("critic", "shallow", "two convolutions: judges texture of a few pixels only", supplied=("in_channels",))
class Shallow(nn.Module):
    """(candidate, condition), each (B, c, H, W), to logits (B, 1, H, W).

    Args:
        in_channels: channels of both together; filled in by the pipeline.
        width: channels inside.
    """

    least = 1  # smallest image side that it can judge

    def __init__(self, in_channels: int, width: int = 16) -> None:
        super().__init__()
        self.enter = nn.Conv2d(in_channels, width, 5, padding=2)
        self.leave = nn.Conv2d(width, 1, 1)

    def forward(self, candidate: Tensor, condition: Tensor) -> Tensor:
        """Return the logits."""
        logits: Tensor = self.leave(F.leaky_relu(self.enter(torch.cat([candidate, condition], dim=1)), 0.2))
        return logits.float()
