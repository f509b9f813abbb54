"""Image terms that judge an image up to gain and offset."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from wavegen.core.registry import build


def term(name: str, fit: str = "affine") -> Any:
    return build("loss", {"name": name, "fit": fit})


@pytest.mark.parametrize("name", ["l1", "l2", "ssim"])
def test_gain_and_offset_of_each_channel_cost_nothing(name: str) -> None:
    truth = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    gain = torch.tensor([0.5, 2.0, -1.0]).view(1, 3, 1, 1)
    image = gain * truth + 0.3
    assert float(term(name)(image, truth)) == pytest.approx(0, abs=1e-5)
    assert float(term(name, "none")(image, truth)) > 0.1
    assert float(term(name)(torch.full_like(truth, 3.0), truth)) > 0.05  # a constant explains nothing


def test_detached_or_not_the_gradient_of_the_squared_error_is_the_same() -> None:
    generator = torch.Generator().manual_seed(0)
    truth, start = (torch.rand(1, 1, 8, 8, generator=generator, dtype=torch.float64) for _ in range(2))
    image = start.clone().requires_grad_()
    term("l2")(image, truth).backward()
    free = start.clone().requires_grad_()
    x, t = free - free.mean(), truth - truth.mean()
    gain = (x * t).mean() / x.square().mean()
    (gain * x - t).square().mean().backward()
    torch.testing.assert_close(image.grad, free.grad)
