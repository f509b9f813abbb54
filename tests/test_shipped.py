"""The checkpoints inside the package: small, offline, better than the input, and unharmed by bf16."""

from __future__ import annotations

import pytest
import torch

from wavegen import Pipeline, build
from wavegen.inference.evaluate import evaluate
from wavegen.precision import resolve
from wavegen.pretrained import SHIPPED, shipped
from wavegen.types import Restoration


def test_both_are_shipped() -> None:
    assert shipped() == ["mscgm-hela", "mscgm-nanobeads"]


@pytest.mark.parametrize("name", shipped())
def test_small_and_described(name: str) -> None:
    assert sum(p.stat().st_size for p in (SHIPPED / name).iterdir()) < 8e6
    card = (SHIPPED / name / "README.md").read_text()
    for part in ("Data", "Budget", "Figures", "Limits"):
        assert part in card


@pytest.mark.parametrize("name", shipped())
def test_better_than_the_input_in_either_precision(name: str) -> None:
    pipe = Pipeline.from_pretrained(name)
    data = build("dataset", {"name": name.removeprefix("mscgm-"), "split": "test", "size": 128, "length": 6})

    def unchanged(y: torch.Tensor, first: int) -> Restoration:
        return Restoration(y, torch.zeros_like(y), y[None], 0, 0.0)

    def psnr(precision: str) -> float:
        pipe.precision = precision  # type: ignore[assignment]
        return float(evaluate(lambda y, first: pipe.restore(y, steps=1), data, perceptual=False)["psnr"] or 0)

    full = psnr("float32")
    assert full > float(evaluate(unchanged, data, perceptual=False)["psnr"] or 0) + 5
    if resolve("auto", torch.device("cpu")) == "bf16":
        torch.testing.assert_close(psnr("bf16"), full, atol=0.05, rtol=0)
