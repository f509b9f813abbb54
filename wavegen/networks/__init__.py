"""Network architectures. They know nothing of diffusion or wavelets."""

from wavegen.networks.base import Network
from wavegen.networks.blocks import ChannelNorm, ResidualBlock, TimeEmbedding
from wavegen.networks.unet import UNet

__all__ = ["ChannelNorm", "Network", "ResidualBlock", "TimeEmbedding", "UNet"]
