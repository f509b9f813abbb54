"""A network in one file: a few convolutions, conditioned on time through a bias for each channel."""

from torch import Tensor, nn

from wavegen import register
from wavegen.networks import Network, TimeEmbedding


@register("network", "plain", "three convolutions in a row", supplied=("in_channels", "out_channels", "time"))
class Plain(Network):
    """Three 3 x 3 convolutions.

    Args:
        in_channels: channels of the input; filled in by the pipeline.
        out_channels: channels of the output; filled in by the pipeline.
        time: whether it is conditioned on t; filled in by the pipeline.
        width: channels inside.
    """

    radius = 3  # one pixel for each 3 x 3 convolution

    def __init__(self, in_channels: int, out_channels: int, time: bool, width: int = 16) -> None:
        super().__init__()
        self.feature_channels = width
        self.enter = nn.Conv2d(in_channels, width, 3, padding=1)
        self.inner = nn.Conv2d(width, width, 3, padding=1)
        self.leave = nn.Conv2d(width, out_channels, 3, padding=1)
        self.embedding = TimeEmbedding(width) if time else None

    def forward(self, x: Tensor, t: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The output and the last feature maps, both of x's size."""
        h = self.enter(x)
        if self.embedding is not None and t is not None:
            h = h + self.embedding(t)[:, :, None, None]
        h = self.inner(h.relu()).relu()
        return self.leave(h), h
