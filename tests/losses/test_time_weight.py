"""Guards the weights of the bridge's regression over time: their formula, and that they do not couple items."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from wavegen import Pipeline
from wavegen.bridges import BBDP, Bridge
from wavegen.core.errors import InputError
from wavegen.core.registry import build
from wavegen.losses import CoarseCall, Objective
from wavegen.pipeline.denoiser import Estimate


def value(term: Any, t: Tensor, off: float, distance: Any, bridge: Bridge | None = None) -> Tensor:
    """The loss of an estimate of x0 that is ``off`` everywhere; the output is wrong in another way."""
    x0, y, eps = torch.randn(3, len(t), 1, 4, 4, generator=torch.Generator().manual_seed(0)).unbind()
    bridge = bridge or BBDP(s=0.5)
    x_t = bridge.state(x0, y, t, eps)
    estimate = Estimate(x0 + off, torch.full_like(x0, 9.0), x0)
    result: Tensor = term(CoarseCall(bridge, "x0", x0, y, x_t, t, eps, x0, estimate, distance))
    return result


@pytest.mark.parametrize(("distance", "power"), [(F.mse_loss, 2), (F.l1_loss, 1)])
def test_snr_weights_are_the_capped_precision(distance: Any, power: int) -> None:
    t = torch.tensor([0.01, 0.4, 0.7, 0.95, 1.0], dtype=torch.float64)
    term = build("loss", {"name": "coarse", "time_weight": "snr", "cap": 4.0})
    # BBDP: a = 1 - t, c² = 2 s t (1 - t), so that SNR = (1 - t) / (2 s t), and s = 0.5.
    wanted = (1 + (1 - t) / t).clamp_max(4.0) / 4.0
    found = torch.stack([value(term, t[i : i + 1], 0.3, distance) for i in range(5)])
    torch.testing.assert_close(found, wanted.float() * 0.3**power)
    torch.testing.assert_close(value(term, t, 0.3, distance), found.mean())
    assert wanted[0] == 1
    assert wanted[-1] == 0.25


def test_uniform_judges_the_output() -> None:
    t = torch.tensor([0.5, 1.0], dtype=torch.float64)
    term = build("loss", "coarse")
    assert float(value(term, t, 0.0, F.l1_loss)) > 5


@pytest.mark.parametrize("bridge", [{"name": "ddpm"}, {"name": "regression"}, {"name": "bbdp"}])
def test_every_process_has_finite_weights(bridge: dict[str, Any]) -> None:
    term = build("loss", {"name": "coarse", "time_weight": "snr"})
    made = build("bridge", bridge)
    t = torch.ones(1, dtype=torch.float64) if made.one_step else torch.tensor([0.0, 0.5, 1.0], dtype=torch.float64)
    found = value(term, t, 1.0, F.l1_loss, made)
    assert 1 / 5 <= float(found) <= 1


def test_a_stage_gives_the_option() -> None:
    weights = {"coarse": {"weight": 1.0, "time_weight": "snr"}, "l1": 2.0}
    spec = {"name": "bbdm-patch", "network": {"width": 8}, "stages": [{"name": "fit", "weights": weights}]}
    pipeline = Pipeline.from_config(spec)
    x, y = torch.rand(2, 2, 1, 16, 16, generator=torch.Generator().manual_seed(0)).unbind()
    plain = Pipeline.from_config({**spec, "stages": [{"name": "fit", "weights": {"coarse": 1.0, "l1": 2.0}}]})
    plain.load_state_dict(pipeline.state_dict())
    ours, theirs = Objective(pipeline)(x, y).losses, Objective(plain)(x, y).losses
    assert 0 < ours["coarse"] < theirs["coarse"]
    torch.testing.assert_close(ours["l1"], theirs["l1"], rtol=0, atol=0)
    weights["coarse"] = {"weight": 1.0, "time_weight": "sigma"}
    with pytest.raises(InputError, match="time_weight"):
        Pipeline.from_config(spec)
