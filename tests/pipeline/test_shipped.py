"""Guards the shipped models, in both packages: small, offline, better than the input, and unharmed by bf16."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from wavegen import Pipeline, build
from wavegen.core.types import Restoration
from wavegen.experiments import Row, read_recipe, spread_of_bands
from wavegen.inference.evaluate import evaluate
from wavegen.pipeline.precision import resolve
from wavegen.pipeline.storage import shipped, shipped_folder

RECIPES = Path(__file__).resolve().parents[2] / "recipes"


def test_all_are_shipped() -> None:
    hela = ["deblur-hela", "denoise-hela", "fidelity-hela", "mscgm-hela"]
    assert shipped() == [*hela, "mscgm-nanobeads", "realism-hela"]


def held_out(name: str) -> dict[str, Any]:
    """A few small images of the task that a checkpoint was made for."""
    task, specimen = name.split("-")
    few = {"split": "test", "size": 128, "length": 6}
    if task in ("mscgm", "fidelity", "realism"):
        return {"name": specimen, **few}
    spec = read_recipe(RECIPES / f"{task}.yaml").comparison("cpu", specimen).test
    assert spec is not None
    return {**spec, "source": {**spec["source"], **few}}


@pytest.mark.parametrize("name", shipped())
def test_small_and_described(name: str) -> None:
    assert sum(p.stat().st_size for p in shipped_folder(name).iterdir()) < 8e6
    card = (shipped_folder(name) / "README.md").read_text()
    for part in ("System", "Budget", "Figures", "Limits"):
        assert part in card


@pytest.mark.parametrize("name", shipped())
def test_better_than_the_input_in_either_precision(name: str) -> None:
    pipe = Pipeline.from_pretrained(name)
    data = build("dataset", held_out(name))

    def unchanged(y: torch.Tensor, first: int) -> Restoration:
        return Restoration(y, torch.zeros_like(y), y[None], 0, 0.0)

    def psnr(precision: str) -> float:
        pipe.precision = precision  # type: ignore[assignment]
        return float(evaluate(lambda y, first: pipe.restore(y, steps=1), data, perceptual=False)["psnr"] or 0)

    full = psnr("float32")
    assert full > float(evaluate(unchanged, data, perceptual=False)["psnr"] or 0) + 5
    if resolve("auto", torch.device("cpu")) == "bf16":
        torch.testing.assert_close(psnr("bf16"), full, atol=0.05, rtol=0)


def test_samples_of_the_calibrated_model_spread_as_far_as_they_are_off() -> None:
    """On images that neither trained nor calibrated it; without its temperature they spread a quarter less."""
    pipe = Pipeline.from_pretrained("realism-hela")
    data = build("dataset", {"name": "hela", "split": "test", "size": 128, "length": 12})
    row = Row(system="realism-hela", steps=pipe.config.sampler.steps, eta=pipe.config.sampler.eta)
    calibrated = torch.tensor(list(spread_of_bands(pipe, row, data).values()))
    plain = torch.tensor(list(spread_of_bands(pipe, row.model_copy(update={"temperature": 1.0}), data).values()))
    assert calibrated.min() > 0.7
    assert calibrated.max() < 1.3
    assert (plain / calibrated).mean() < 0.9
