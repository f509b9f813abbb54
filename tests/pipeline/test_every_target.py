"""Every process with every target that it allows: what is trained is what sampling inverts."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from systems import answer_with, tiny
from torch import Tensor

from wavegen import Pipeline
from wavegen.bridges import from_x0
from wavegen.core.registry import build, names
from wavegen.losses import Objective

PAIRS = [(name, target) for name in names("bridge") for target in sorted(build("bridge", name).targets)]


def system(bridge: str, target: str) -> Pipeline:
    steps = build("bridge", bridge).max_steps or 3
    differences: dict[str, Any] = {"bridge": {"name": bridge}, "target": target, "sampler": {"steps": steps}}
    return tiny("bbdm", network={"multipliers": [1]}, intensity={"mode": "fixed"}, **differences)


@pytest.mark.parametrize(("bridge", "target"), PAIRS)
def test_the_right_answers_have_no_loss_and_restore_the_truth(bridge: str, target: str) -> None:
    """A network that says what it should: the loss is 0 at any time, and any number of steps ends at x."""
    pipeline = system(bridge, target)
    x, y = torch.rand(2, 3, 1, 12, 12, generator=torch.Generator().manual_seed(0))
    x0 = pipeline.norm.low(x, 0)

    def right(x_t: Tensor, t: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        a, b, c = pipeline.bridge.coefficients(t.double())
        per_item = [k.view(-1, 1, 1, 1) for k in (a, b, c)]
        noise = x_t - per_item[0] * x0 - per_item[1] * condition
        eps = torch.where(per_item[2] > 0, noise / per_item[2].clamp_min(1e-30), 0.0)
        return from_x0(target, x0, x_t, condition, eps, pipeline.bridge.coefficients(t.double())).float(), condition

    answer_with(pipeline, right)
    loss = Objective(pipeline)(x, y, 0, torch.Generator().manual_seed(1)).losses["coarse"]
    # Rounding of the float32 states and of times, over the noise that is left at the smallest time.
    torch.testing.assert_close(loss, torch.zeros(()), rtol=0, atol=1e-3)
    # eps is divided by a(1), which is .005 or less where the start is noise.
    torch.testing.assert_close(pipeline.restore(y).image, x, rtol=0, atol=0.05 if target == "eps" else 1e-4)


@pytest.mark.parametrize(("bridge", "target"), PAIRS)
def test_it_trains(bridge: str, target: str) -> None:
    """A few steps of plain gradient descent lower the loss of one fixed batch."""
    pipeline = system(bridge, target).train()
    x, y = torch.rand(2, 4, 1, 12, 12, generator=torch.Generator().manual_seed(0))
    optimizer = torch.optim.Adam(pipeline.coarse.parameters(), lr=3e-3)
    losses = []
    for _ in range(8):
        loss = Objective(pipeline)(x, y, 0, torch.Generator().manual_seed(1)).losses["coarse"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.9 * losses[0]
    assert torch.isfinite(pipeline.eval().restore(y).image).all()
