"""Network architectures. They know nothing of diffusion or wavelets."""

from wavegen.networks.base import Network
from wavegen.networks.blocks import ResidualBlock
from wavegen.networks.norms import ChannelNorm
from wavegen.networks.times import TimeEmbedding
from wavegen.networks.unet import UNet

__all__ = ["ChannelNorm", "Network", "ResidualBlock", "TimeEmbedding", "UNet"]
