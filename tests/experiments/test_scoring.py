"""Guards the scale of a comparison's scores: extra draws are judged on the same scale as the rest of a row."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from wavegen.core.types import Pair, Restoration
from wavegen.experiments.judge import scoring
from wavegen.experiments.spec.comparison import Row
from wavegen.inference.evaluate import Scorer

SPREAD = 25.5  # of two draws that differ by 25.5 sqrt(2): a tenth of the 8-bit range


class Draws:
    """A model of which nothing is asked but its number of parameters."""

    parameters_count = 1
    bridge = type("Bridge", (), {"total_variance": None, "pinned": True})()


def two_draws(pipe: object, row: Row, y: Tensor, seeds: range, samples: int = 1) -> Restoration:
    """The input, or two images a constant below and above it."""
    shifts = torch.linspace(-1, 1, samples) if samples > 1 else torch.zeros(1)
    drawn = y + SPREAD / 2**0.5 * shifts.view(-1, 1, 1, 1, 1)
    return Restoration(drawn.mean(0), torch.zeros_like(y), drawn, 1, 0.1)


@pytest.mark.parametrize("images", [1, 3])
def test_extra_draws_are_scored_on_the_scale_of_the_comparison(
    images: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On the fixed scale of 8-bit images a spread is a share of 255, whatever the range of an image's own values."""
    generator = torch.Generator().manual_seed(0)
    dark = [60 * torch.rand(1, 32, 32, generator=generator) for _ in range(3)]
    monkeypatch.setattr(scoring.Pipeline, "from_pretrained", lambda folder: Draws())
    monkeypatch.setattr(scoring.state, "recorded", lambda file: {"progress": {"core_seconds": 60.0, "step": 5}})
    monkeypatch.setattr(scoring, "restored_by", two_draws)
    row = Row(system="any", samples=2, spread_images=1)
    scorer = Scorer(scale="fixed", perceptual=False)
    scores = scoring.score_row(row, 0, images, tmp_path, [Pair(x, x) for x in dark], scorer)
    torch.testing.assert_close(scores["spread"], 0.1, rtol=1e-4, atol=0)
    assert scores["images"] == images
