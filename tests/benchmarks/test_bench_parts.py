"""What the benchmarks of a step, of networks and of matching compare, in small."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from benchmarks import matching, steps
from wavegen.optimizers.muon import orthogonalised


def test_the_published_form_of_newton_schulz_is_what_muon_computes() -> None:
    for shape in ((12, 40), (40, 40)):
        matrix = torch.randn(shape)
        published = steps._newton_schulz(matrix, torch.float32)
        torch.testing.assert_close(published.view_as(matrix), orthogonalised(matrix), rtol=1e-3, atol=1e-3)


def test_calls_take_turns() -> None:
    called: list[str] = []
    found = steps.in_turn({"a": lambda: called.append("a"), "b": lambda: called.append("b")}, 3)
    assert called == ["a", "b"] * 4
    assert found.keys() == {"a", "b"}


def test_networks_are_compared_with_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "BATCH", 1)
    monkeypatch.setattr(steps, "CROP", 32)
    small = {"name": "mscgm-fidelity", "network": {"width": 8}, "head": {"network": {"width": 8}}}
    costs = steps.bench_networks({"small": small, "wide": {**small, "network": {"width": 16}}}, 1)
    assert [cost.name for cost in costs] == ["small", "wide"]
    assert costs[0].parameters < costs[1].parameters
    assert costs[0].radius == costs[1].radius
    np.testing.assert_array_less(0, [cost.training for cost in costs] + [cost.use for cost in costs])


def test_gains_and_shifts_beside_the_truth(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matching, "CAMERAS", ((0, 20, 1, 0.0),))
    (gains,) = matching.bench_gains("hela", 2, 0)
    assert abs(gains.worst) < 4
    assert gains.least_squares < -10
    monkeypatch.setattr(matching, "SHIFTS", ((0.3, -1.7),))
    sharp = matching.bench_shifts("hela", 2, 0)[0]
    assert sharp.rms <= sharp.worst < 0.1
