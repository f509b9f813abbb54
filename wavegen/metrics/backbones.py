"""Networks that turn images into feature vectors, for distances between sets of images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from wavegen.core.errors import InputError
from wavegen.core.optional import need
from wavegen.metrics._inputs import DataRange, to_unit_rgb
from wavegen.metrics.loading import read_lpips, read_torch

_BATCH = 16


@dataclass(frozen=True)
class Backbone:
    """A feature extractor: ``network`` maps (B, 3, H, W) in [0, 1] to (B, ``dimension``).

    ``smallest`` is the least number of pixels a side.
    """

    name: str
    dimension: int
    smallest: int
    network: nn.Module

    @torch.inference_mode()
    def features(self, images: Tensor, data_range: DataRange) -> Tensor:
        """One feature vector per image.

        Args:
            images: (N, C, H, W), intensities in [0, data_range]; C = 3 (RGB), or 1 (grey, repeated).
            data_range: a number, or an (N,) tensor.

        Returns:
            (N, dimension) float32 on the CPU, so that batches can be collected with ``torch.cat``.

        Raises:
            InputError: wrong shape, type or range; or images too small for the network.
        """
        images = to_unit_rgb(images, data_range)
        if min(images.shape[2:]) < self.smallest:
            height, width = images.shape[2:]
            raise InputError(f"{self.name} needs at least {self.smallest} pixels a side, got {height} x {width}")
        network = self.network.to(images.device)
        with torch.autocast(images.device.type, enabled=False):
            return torch.cat([network(part).cpu() for part in torch.split(images, _BATCH)])


class Normalise(nn.Module):
    """(x - mean) / std, channel by channel."""

    mean: Tensor
    std: Tensor

    def __init__(self, mean: tuple[float, float, float], std: tuple[float, float, float]) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise (B, 3, H, W)."""
        return (x - self.mean) / self.std


class Resize(nn.Module):
    """Bilinear resizing to a fixed square, without smoothing (as pytorch-fid does it)."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    def forward(self, x: Tensor) -> Tensor:
        """Resize (B, C, H, W) to (B, C, size, size)."""
        return F.interpolate(x, size=(self.size, self.size), mode="bilinear", align_corners=False)


def _frozen(*layers: nn.Module) -> nn.Module:
    return nn.Sequential(*layers).eval().requires_grad_(False)


def vgg16(weights: str | Path | None = None) -> Backbone:
    """VGG16 (arXiv 1409.1556) up to relu5_3, spatial mean: 512 features, at the images' own size."""
    trunk, _ = read_lpips("lpips_vgg16", weights)
    layers: list[nn.Module] = [Normalise((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))]
    for i, (weight, bias) in enumerate(trunk):
        if i in (2, 4, 7, 10):
            layers.append(nn.MaxPool2d(2))
        convolution = nn.Conv2d(weight.shape[1], weight.shape[0], 3, padding=1, device="meta")
        convolution.load_state_dict({"weight": weight, "bias": bias}, strict=True, assign=True)
        layers += [convolution, nn.ReLU()]
    network = _frozen(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return Backbone("vgg16 relu5_3", 512, 16, network)


def effnet_lite0(weights: str | Path | None = None) -> Backbone:
    """EfficientNet-Lite0 before its classifier: 1280 features, at the images' own size."""
    timm = need("timm", "eval", "EfficientNet-Lite0")
    state = read_torch("effnet_lite0", weights)
    with torch.device("meta"):
        model: Any = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    # The file names its tensors otherwise, in the same order.
    model.load_state_dict(dict(zip(model.state_dict(), state.values(), strict=True)), strict=True, assign=True)
    model.reset_classifier(0)
    mean, std = 127 / 255, 128 / 255
    return Backbone("efficientnet-lite0", 1280, 32, _frozen(Normalise((mean, mean, mean), (std, std, std)), model))


class Pyramid(nn.Module):
    """EfficientNet-Lite0's maps at strides 4, 8 and 16 of images (B, 3, H, W) in [0, 1]; the gradient goes through."""

    CHANNELS = (24, 40, 112)
    ENDS = (1, 2, 4)  # the blocks after which a map is taken

    def __init__(self, model: Any, normalise: nn.Module) -> None:
        super().__init__()
        self.normalise = normalise
        self.stem = nn.Sequential(model.conv_stem, model.bn1)
        self.blocks = model.blocks[: self.ENDS[-1] + 1]

    def forward(self, x: Tensor) -> list[Tensor]:
        """The maps, finest first; evaluated as trained, whatever mode the caller is in."""
        h = self.stem(self.normalise(x))
        found = []
        for index, block in enumerate(self.blocks):
            h = block(h)
            if index in self.ENDS:
                found.append(h)
        return found


def feature_pyramid(weights: str | Path | None = None) -> tuple[Pyramid, tuple[int, ...]]:
    """The frozen :class:`Pyramid`, and the channels of its maps.

    Raises:
        InputError: the weight file of EfficientNet-Lite0 is not found.
    """
    network: Any = effnet_lite0(weights).network
    pyramid = Pyramid(network[1], network[0])
    pyramid.eval().requires_grad_(False)
    return pyramid, Pyramid.CHANNELS


def inception(weights: str | Path | None = None) -> Backbone:
    """The Inception-v3 of the published FID (arXiv 1706.08500), as pytorch-fid builds it: 2048 features.

    Images are resized to 299 x 299.
    """
    model = inception_network()
    model.load_state_dict(read_torch("inception_fid", weights), strict=True, assign=True)
    model.fc = nn.Identity()
    network = _frozen(Resize(299), Normalise((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)), model)
    return Backbone("inception-v3 (FID)", 2048, 1, network)


def inception_network() -> Any:
    """The network alone, without weights (meta device).

    pytorch-fid's own constructor would download its weights; this one puts its blocks in place.
    """
    fid = need("pytorch_fid.inception", "eval", "FID")
    models = need("torchvision.models", "eval", "FID")
    with torch.device("meta"):
        model = models.inception_v3(weights=None, init_weights=False, num_classes=1008, aux_logits=False)
        for name, channels, pooled in (("Mixed_5b", 192, 32), ("Mixed_5c", 256, 64), ("Mixed_5d", 288, 64)):
            setattr(model, name, fid.FIDInceptionA(channels, pool_features=pooled))
        for letter, inner in zip("bcde", (128, 160, 160, 192), strict=True):
            setattr(model, f"Mixed_6{letter}", fid.FIDInceptionC(768, channels_7x7=inner))
        model.Mixed_7b = fid.FIDInceptionE_1(1280)
        model.Mixed_7c = fid.FIDInceptionE_2(2048)
    return model


BACKBONES: dict[str, Callable[[str | Path | None], Backbone]] = {
    "vgg16": vgg16,
    "effnet_lite0": effnet_lite0,
}
