"""Guards that losses and critics from outside are trained and resumed like the library's own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import pytest
import torch
import torch.nn.functional as F
from pydantic import Field
from runs import Blobs, Interrupting, assert_same, system, training, weights
from torch import Tensor, nn

from wavegen.core import registry
from wavegen.core.errors import InputError
from wavegen.core.registry import names, register
from wavegen.core.types import Details
from wavegen.losses import BandLoss, CoarseCall, CoarseLoss, ImageLoss
from wavegen.training import fit

Power = Annotated[float, Field(gt=0)]


class Powers(ImageLoss):
    def __init__(self, power: Power = 1.0) -> None:
        self.power = power

    def __call__(self, image: Tensor, truth: Tensor) -> Tensor:
        return ((image - truth).abs() + 1e-3).pow(self.power).mean()


class BandPowers(BandLoss):
    def __init__(self, power: Power = 1.0) -> None:
        self.power = power

    def __call__(self, drawn: Details, truth: Details, second: Details) -> Tensor:
        return ((torch.cat(drawn) - torch.cat(truth)).abs() + 1e-3).pow(self.power).mean()


class Estimates(CoarseLoss):
    def __init__(self, factor: float = 1.0) -> None:
        self.factor = factor

    def __call__(self, call: CoarseCall) -> Tensor:
        return self.factor * call.distance(call.estimate.x0, call.x0)


class PixelCritic(nn.Module):
    least = 1

    def __init__(self, in_channels: int, width: int = 8) -> None:
        super().__init__()
        self.first, self.last = nn.Conv2d(in_channels, width, 1), nn.Conv2d(width, 1, 1)

    def forward(self, candidate: Tensor, condition: Tensor) -> Tensor:
        logits: Tensor = self.last(F.leaky_relu(self.first(torch.cat([candidate, condition], dim=1)), 0.2))
        return logits.float()


@pytest.fixture(autouse=True)
def outside(monkeypatch: pytest.MonkeyPatch) -> None:
    names("loss")
    monkeypatch.setattr(registry, "_entries", dict(registry._entries))
    register("loss", "powers", "a term of the image")(Powers)
    register("loss", "band-powers", "a term of bands", capabilities=("needs:heads",))(BandPowers)
    register("loss", "estimates", "a term of the coarse call", capabilities=("trains:coarse",))(Estimates)
    register("critic", "pixel", "judges pixels", supplied=("in_channels",))(PixelCritic)


TERMS = {
    "estimates": {"weight": 1.0, "factor": 2.0},
    "powers": {"weight": 0.5, "power": 1.5},
    "band-powers": {"weight": 0.5, "power": 1.5},
    "adversarial": 0.1,
}


def trained(out: Path, terms: dict[str, Any], *, resume: bool = False, stop: int = 0) -> dict[str, Tensor]:
    critic = {"network": {"name": "pixel", "width": 4}}
    pipeline = system("mscgm-joint", critic=critic, stages=[{"name": "one", "weights": terms}])
    callbacks = [Interrupting(stop)] if stop else []
    return weights(fit(pipeline, Blobs(), training(steps=5), out, resume=resume, callbacks=callbacks))


def test_a_resumed_training_is_the_same(tmp_path: Path) -> None:
    whole = trained(tmp_path / "whole", TERMS)
    with pytest.raises(KeyboardInterrupt):
        trained(tmp_path / "halves", TERMS, stop=2)
    assert_same(trained(tmp_path / "halves", TERMS, resume=True), whole)


def test_options_reach_the_loss_and_belong_to_the_run(tmp_path: Path) -> None:
    other = {**TERMS, "powers": {"weight": 0.5, "power": 0.5}}
    first, second = trained(tmp_path / "first", TERMS), trained(tmp_path / "second", other)
    assert sum(float((first[key] - second[key]).norm()) for key in first) > 0
    with pytest.raises(InputError, match="belongs to a run with another pipeline"):
        trained(tmp_path / "first", other, resume=True)


def test_a_wrong_option_names_stage_and_term(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"stage 'one': weights.powers: .*power = -1"):
        trained(tmp_path, {"powers": {"weight": 1.0, "power": -1}})
