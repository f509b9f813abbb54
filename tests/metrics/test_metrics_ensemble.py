from __future__ import annotations

import math

import pytest
import torch
from torch.testing import assert_close

from wavegen.core.errors import InputError
from wavegen.metrics import crps, manifold_scores, spread_skill


def test_crps_equals_torchmetrics_and_the_double_sum():
    from torchmetrics.functional.regression import continuous_ranked_probability_score as reference

    samples, target = torch.randn(5, 3, 1, 6, 7).double(), torch.randn(3, 1, 6, 7).double()
    for i in range(3):
        flat = samples[:, i].flatten(1).T
        expected = reference(flat, target[i].flatten())
        assert_close(crps(samples, target, fair=False)[i], expected.to(torch.float64))
    pairs = (samples[:, None] - samples[None]).abs().sum(dim=(0, 1))
    fair = ((samples - target).abs().mean(dim=0) - pairs / (2 * 5 * 4)).mean(dim=(1, 2, 3))
    assert_close(crps(samples, target), fair)
    assert_close(crps(samples + 1e4, target + 1e4), fair)


def test_crps_of_a_gaussian_does_not_depend_on_the_ensemble():
    """Truth and samples from N(0, s²): E CRPS = s / sqrt(pi)."""
    truth = 2 * torch.randn(1, 1, 300, 300)
    for count in (2, 8):
        samples = 2 * torch.randn(count, 1, 1, 300, 300)
        assert float(crps(samples, truth)) == pytest.approx(2 / math.sqrt(math.pi), rel=0.02)


def test_spread_skill_is_one_for_an_honest_ensemble():
    truth = torch.randn(1, 1, 300, 300)
    for count in (2, 8):
        samples = torch.randn(count, 1, 1, 300, 300)
        assert float(spread_skill(samples, truth)) == pytest.approx(1, rel=0.02)
    assert float(spread_skill(0.5 * samples, truth)) < 0.7
    zero = torch.zeros(1, 1, 4, 4)
    assert math.isinf(float(spread_skill(torch.stack([zero - 1, zero + 1]), zero)))


def test_wrong_ensembles():
    samples, target = torch.rand(3, 2, 1, 4, 4), torch.rand(2, 1, 4, 4)
    for score in (crps, spread_skill):
        with pytest.raises(InputError, match="at least 2 samples"):
            score(samples[:1], target)
        with pytest.raises(InputError, match="S, B, C, H, W"):
            score(samples[0], target)
        with pytest.raises(InputError, match="not finite"):
            score(samples * torch.nan, target)


def test_manifold_scores_by_their_definitions():
    fake, real = torch.randn(30, 4).double(), 0.3 + torch.randn(25, 4).double()
    k = 3

    def radius(points, i):
        return sorted(float((points[i] - p).norm()) for j, p in enumerate(points) if j != i)[k - 1]

    real_radius, fake_radius = [radius(real, i) for i in range(25)], [radius(fake, i) for i in range(30)]
    inside = [[float((f - r).norm()) <= real_radius[j] for j, r in enumerate(real)] for f in fake]
    other = [[float((f - r).norm()) <= fake_radius[i] for i, f in enumerate(fake)] for r in real]
    found = manifold_scores(fake, real, k)
    assert found.precision == pytest.approx(sum(any(row) for row in inside) / 30)
    assert found.recall == pytest.approx(sum(any(row) for row in other) / 25)
    assert found.density == pytest.approx(sum(map(sum, inside)) / (k * 30))
    assert found.coverage == pytest.approx(sum(any(row[j] for row in inside) for j in range(25)) / 25)


def test_manifold_scores_of_alike_collapsed_and_far_sets():
    a, b = torch.randn(2, 400, 3).double()
    same = manifold_scores(a, b, 5)
    assert same.coverage == pytest.approx(1 - 2**-5, abs=0.04)
    assert same.density == pytest.approx(1, abs=0.1)
    collapsed = manifold_scores(0.05 * a, b, 5)
    assert collapsed.precision > 0.95
    assert collapsed.recall < 0.1
    assert manifold_scores(a + 100, b, 5) == (0, 0, 0, 0)
    with pytest.raises(InputError, match="below the size of both sets"):
        manifold_scores(a[:5], b, 5)
    with pytest.raises(InputError, match="not finite"):
        manifold_scores(a * torch.nan, b)
