from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from wavegen.metrics import weights

USES = {"lpips": "lpips_alex", "kid_vgg16": "lpips_vgg16", "kid_effnet_lite0": "effnet_lite0", "fid": "inception_fid"}
USES |= {
    f"{kind}_{net}": weights
    for kind in ("precision", "recall", "density", "coverage")
    for net, weights in (("vgg16", "lpips_vgg16"), ("effnet_lite0", "effnet_lite0"))
}


@pytest.fixture
def need_weights() -> Callable[[str], None]:
    """Skip, with the reason, unless the weights of a metric (or of a name in the list) are there."""

    def need(name: str) -> None:
        name = USES.get(name, name)
        if name in weights.FILES and weights.locate(name) is None:
            pytest.skip(f"weights {name!r} not found: {weights.how_to_get(weights.FILES[name])}")

    return need


@pytest.fixture
def noisy_pair() -> Callable[..., tuple[Tensor, Tensor]]:
    """A smooth target in [0, 1] and a noisy version of it, from a seed."""

    def make(batch: int = 2, channels: int = 1, size: int = 40, seed: int = 0) -> tuple[Tensor, Tensor]:
        generator = torch.Generator().manual_seed(seed)
        line = torch.linspace(0, 6.0, size, dtype=torch.float64)
        phase = torch.rand(batch, channels, 1, 1, generator=generator, dtype=torch.float64)
        target = 0.5 + 0.3 * torch.sin(line[:, None] + 6 * phase) * torch.cos(1.7 * line[None, :])
        noise = torch.randn(target.shape, generator=generator, dtype=torch.float64)
        return (target + 0.05 * noise).clamp(0, 1), target

    return make
