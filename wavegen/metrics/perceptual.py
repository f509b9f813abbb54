"""LPIPS: the distance of two images in the features of a classification network."""

from __future__ import annotations

import math
import warnings
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from wavegen.core.errors import InputError
from wavegen.core.optional import need
from wavegen.core.registry import register
from wavegen.metrics._inputs import DataRange, check_pair, to_unit_rgb
from wavegen.metrics.base import PairedMetric
from wavegen.metrics.loading import read_lpips

_FILES = {"alex": "lpips_alex", "vgg": "lpips_vgg16"}
# Below these sizes a pooling layer of the trunk has nothing left to pool.
_SMALLEST = {"alex": 31, "vgg": 16}
_BATCH = 16


@register(
    "metric",
    "lpips",
    "learned perceptual distance (LPIPS v0.1), of each image from its target",
    paper="Zhang et al. 2018, arXiv 1801.03924",
    capabilities=("paired", "lower_is_better", "needs_weights"),
)
class Lpips(PairedMetric):
    """LPIPS, version 0.1 (Zhang et al. 2018, arXiv 1801.03924).

    Args:
        net: the trunk; "alex" is the authors' choice for comparing results.
        weights: path of the weight file; found as :func:`wavegen.metrics.weights.locate` says without it.

    Raises:
        InputError: the weight file is not found, or is not the one that it should be.
    """

    title = "LPIPS"
    higher_is_better, best, values = False, 0.0, (0.0, math.inf)
    unit_range = True
    weight_file, extra = "lpips_alex", "eval"

    def __init__(self, net: Literal["alex", "vgg"] = "alex", weights: str | Path | None = None) -> None:
        if net not in _FILES:
            raise InputError(f"lpips: net must be 'alex' or 'vgg', got {net!r}")
        self.net = net
        self.least_side, self.weight_file = _SMALLEST[net], _FILES[net]
        self._model = _load(net, weights)

    @torch.inference_mode()
    def __call__(self, restored: Tensor, target: Tensor, data_range: DataRange) -> Tensor:
        """:meth:`distance` without gradients."""
        return self.distance(restored, target, data_range)

    def distance(self, restored: Tensor, target: Tensor, data_range: DataRange) -> Tensor:
        """The distance of each image from its target; differentiable.

        Args:
            restored: (B, C, H, W), intensities in [0, data_range]; C = 3 (RGB), or 1 (grey, repeated).
            target: (B, C, H, W).
            data_range: a number, or a (B,) tensor.

        Returns:
            (B,) float32, 0 for equal images; on the device of the images.

        Raises:
            InputError: wrong shapes, types or range; or images too small for the trunk.
        """
        restored, target = check_pair(restored, target)
        smallest = _SMALLEST[self.net]
        if min(restored.shape[2:]) < smallest:
            height, width = restored.shape[2:]
            raise InputError(f"lpips {self.net!r} needs at least {smallest} pixels a side, got {height} x {width}")
        a, b = (2 * to_unit_rgb(images, data_range) - 1 for images in (restored, target))
        model = self._model.to(a.device)
        with torch.autocast(a.device.type, enabled=False):
            parts = [
                model(*pair).flatten() for pair in zip(torch.split(a, _BATCH), torch.split(b, _BATCH), strict=True)
            ]
        return torch.cat(parts)


def _load(net: str, weights: str | Path | None) -> Any:
    """The network with every parameter set from the verified file."""
    lpips = need("lpips", "eval", "LPIPS")
    trunk, heads = read_lpips(_FILES[net], weights)
    # On the meta device nothing is drawn at random: the caller's generator stays where it was, and
    # a parameter that is not loaded cannot pass for a loaded one.
    with torch.device("meta"), warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"The parameter 'pretrained' is deprecated", UserWarning)
        warnings.filterwarnings("ignore", r"Arguments other than a weight enum", UserWarning)
        model = lpips.LPIPS(net=net, pretrained=False, pnet_rand=True, verbose=False)
    names = [name for name in model.state_dict() if name.startswith("net.")]
    state = dict(zip(names, (tensor for pair in trunk for tensor in pair), strict=True))
    for i, head in enumerate(heads):
        # The package holds each head under two names.
        state[f"lin{i}.model.1.weight"] = state[f"lins.{i}.model.1.weight"] = head
    # ImageNet's mean and standard deviation, for images in [-1, 1].
    state["scaling_layer.shift"] = torch.tensor([-0.030, -0.088, -0.188]).view(1, 3, 1, 1)
    state["scaling_layer.scale"] = torch.tensor([0.458, 0.448, 0.450]).view(1, 3, 1, 1)
    model.load_state_dict(state, strict=True, assign=True)
    return model.eval().requires_grad_(False)
