"""What ``intensity.target`` does with the pairs of a training, and what auto chooses."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import torch

from wavegen import InputError, Pair, Pipeline
from wavegen.data import Hela, InMemory
from wavegen.data.matched import Matched
from wavegen.training import Training, fit
from wavegen.training.scales import FILE, scaled

STEPS = Training(steps=4, batch=2, crop=32, warmup=0, checkpoint_every=2)


class Pairs:
    """Noisy images against clean ones on scales of their own; no declaration of one scale."""

    def __init__(self, gains: tuple[float, ...], offset: float = 0.0, noise: float = 0.05, size: int = 64) -> None:
        self.clean = [pair.x / pair.x.max() for pair in InMemory(Hela(length=len(gains), size=size))]
        self.gains, self.offset, self.noise = gains, offset, noise

    def __len__(self) -> int:
        return len(self.gains)

    def __getitem__(self, index: int) -> Pair:
        if index >= len(self):
            raise IndexError(index)
        clean = self.clean[index]
        noise = self.noise * torch.randn(clean.shape, generator=torch.Generator().manual_seed(index))
        return Pair(self.gains[index] * clean + self.offset, clean + noise)


def pipe(target: str = "auto", **intensity: Any) -> Pipeline:
    torch.manual_seed(0)
    small = {"network": {"width": 8}, "head": {"network": {"width": 8}}}
    return Pipeline.from_config({"name": "mscgm-fidelity", **small, "intensity": {"target": target, **intensity}})


def test_auto_matches_unrelated_scales() -> None:
    model = pipe()
    data, remark = scaled(model, Pairs((0.5, 1.0, 3.0), offset=0.2))
    assert isinstance(data, Matched)
    assert model.config.intensity.target == "matched"
    assert re.match(r"3 pairs: target = (1\.0|0\.9)\d* x input \+ 0\.2\d* \(gain 0\.\d* to [23]", remark)
    assert "unrelated scales, so that targets are matched to their inputs" in remark
    again = scaled(model, data)
    assert (again.data, again.remark) == (data, "")


def test_auto_leaves_one_scale_alone() -> None:
    model, source = pipe(), Pairs((1.0, 1.0))
    data, remark = scaled(model, source)
    assert data is source
    assert model.config.intensity.target == "input"
    assert "one scale, so that targets stay as they are" in remark


@pytest.mark.parametrize("target", ["input", "own", "fixed"])
def test_what_is_given_is_kept(target: str) -> None:
    model, source = pipe(target), Pairs((0.5, -3.0))
    assert scaled(model, source) == (source, "")
    assert model.config.intensity.target == target


def test_a_declared_scale_is_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Matched, "__init__", None)
    for model, source in ((pipe(), InMemory(Hela(length=1, size=32))), (pipe(mode="fixed"), Pairs((0.5, 3.0)))):
        assert scaled(model, source) == (source, "")
        assert model.config.intensity.target == "input"


@pytest.mark.parametrize(
    ("gains", "noise", "said"),
    [
        ((1.0, -1.0), 0.05, r"1 of 2 pairs have a vanishing or negative correlation .*: item 1 \(-0\.\d\d\); leave"),
        ((1.0, 2.0), 100.0, "2 of 2 pairs have a vanishing or negative correlation"),
        ((2.0, 3.0), 0.0, "the targets equal their inputs"),
        ((3.0, 0.0), 0.05, r"1 of 2 pairs are constant, so that nothing matches them: item 1"),
    ],
)
def test_pairs_that_nothing_can_be_learned_from(gains: tuple[float, ...], noise: float, said: str) -> None:
    with pytest.raises(InputError, match=said):
        scaled(pipe(), Pairs(gains, noise=noise))


def test_a_training_sees_matched_targets_and_keeps_what_it_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also after an interruption: the weights are those of a run without one."""
    source = Pairs((0.5, 4.0), offset=0.3)
    whole = fit(pipe(), source, STEPS, tmp_path / "whole")
    assert "wavegen: 2 pairs: target = " in capsys.readouterr().err
    assert Pipeline.from_pretrained(tmp_path / "whole" / "model").config.intensity.target == "matched"
    held = json.loads((tmp_path / "whole" / FILE).read_text())
    assert [pair["channels"][0]["gain"] for pair in held["pairs"]] == [
        pytest.approx(0.5, rel=0.05),
        pytest.approx(4, rel=0.05),
    ]
    assert [pair["name"] for pair in held["pairs"]] == ["item 0", "item 1"]

    def stop(record: dict[str, Any], pipeline: Pipeline) -> None:
        if record["step"] == 3:
            raise KeyboardInterrupt

    often = STEPS.model_copy(update={"log_every": 1})
    with pytest.raises(KeyboardInterrupt):
        fit(pipe(), source, often, tmp_path / "cut", callbacks=[stop])
    resumed = fit(pipe(), source, often, tmp_path / "cut", resume=True)
    for one, other in zip(whole.parameters(), resumed.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)


def test_normalise_lays_raw_pairs_on_their_input() -> None:
    model, source = pipe("matched"), Pairs((4.0,), offset=0.3)
    raw, matched = model.normalise(source[0]), model.normalise(Matched(source)[0], matched=True)
    torch.testing.assert_close(raw.x, matched.x)
    plain = pipe("input").normalise(Pair(source.clean[0], source[0].y))
    torch.testing.assert_close(raw.x, plain.x, rtol=0, atol=0.05)
