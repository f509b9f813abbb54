"""The loss terms of a stage."""

from __future__ import annotations

import pytest
import torch
from systems import PIPELINES, SEVERAL, tiny
from torch import Tensor

from wavegen.objective import build_critics


@pytest.mark.parametrize("name", PIPELINES)
def test_losses_depend_on_their_generator_only(name: str) -> None:
    pipeline = tiny(name)
    critics = build_critics(pipeline.config, max(pipeline.transform.levels, 1)).eval()
    x, y = torch.rand(2, 4, 1, 32, 32)
    for index in range(len(pipeline.config.stages)):
        runs = [pipeline.losses(x, y, index, torch.Generator().manual_seed(seed), critics).losses for seed in (3, 3, 4)]
        for key, value in runs[0].items():
            assert value.ndim == 0
            torch.testing.assert_close(value, runs[1][key], rtol=0, atol=0)
        if name in SEVERAL:
            assert any((runs[0][key] - runs[2][key]).norm() > 0 for key in runs[0])


def test_a_perfect_network_has_no_loss() -> None:
    """With y = x and a network that returns its condition, every distance is zero."""
    pipeline = tiny("unet", stages=[{"name": "fit", "weights": {"coarse": 1, "l1": 1, "l2": 1, "ssim": 1}}])
    x = torch.rand(2, 1, 16, 16)

    def perfect(x_t: Tensor, t: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        return condition, condition

    pipeline.predict = perfect  # type: ignore[method-assign]
    losses = pipeline.losses(x, x).losses
    assert set(losses) == {"coarse", "l1", "l2", "ssim"}
    for value in losses.values():
        torch.testing.assert_close(value, torch.tensor(0.0), rtol=0, atol=1e-6)
