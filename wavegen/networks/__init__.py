"""Backbones; they know nothing of diffusion or wavelets."""

from wavegen.networks.blocks import ChannelNorm, ResidualBlock, TimeEmbedding
from wavegen.networks.unet import UNet

__all__ = ["ChannelNorm", "ResidualBlock", "TimeEmbedding", "UNet"]
