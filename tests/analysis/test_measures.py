"""Measures of Gaussianity, sparsity and correlation against closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats
import torch
from torch import Tensor

from wavegen.analysis.measures import (
    ENTROPY,
    correlation_length,
    gini,
    hoyer,
    ks_distance,
    negentropy,
)
from wavegen.analysis.uncertainty import gaussian_ks, interval, resampled_ks, resampling
from wavegen.transforms import Moments

COUNT = 200_000


def draw(name: str, seed: int = 0) -> Tensor:
    return torch.from_numpy(getattr(scipy.stats, name).rvs(size=COUNT, random_state=seed))


@pytest.mark.parametrize(
    ("name", "kurtosis", "entropy"),
    [
        ("norm", 3.0, ENTROPY),
        ("laplace", 6.0, 1 + math.log(math.sqrt(2))),
        ("uniform", 1.8, math.log(math.sqrt(12))),
    ],
)
def test_distributions_of_known_figures(name: str, kurtosis: float, entropy: float) -> None:
    values = 7 + 3 * draw(name)
    fitted = getattr(scipy.stats, name)
    z = np.linspace(-6, 6, 100_001)
    distance = np.abs(fitted.cdf(fitted.mean() + z * fitted.std()) - scipy.stats.norm.cdf(z)).max()
    np.testing.assert_allclose(float(Moments.of(values[None, None, None]).kurtosis), kurtosis, rtol=0.03)
    np.testing.assert_allclose(ks_distance(values), distance, atol=0.004)
    inside = 0.03 if name == "uniform" else 0.004  # its ends fall inside a bin
    np.testing.assert_allclose(negentropy(values), ENTROPY - entropy, atol=inside)


def test_ks_is_scipys() -> None:
    values = torch.from_numpy(np.random.default_rng(0).exponential(size=57))
    z = ((values - values.mean()) / values.std(correction=0)).numpy()
    np.testing.assert_allclose(ks_distance(values), scipy.stats.kstest(z, "norm").statistic, rtol=1e-9)


def test_sparsity_of_known_vectors() -> None:
    one_hot = torch.zeros(1000)
    one_hot[17] = -5.0
    np.testing.assert_allclose(gini(one_hot), 1 - 1 / 1000, rtol=1e-9)
    np.testing.assert_allclose(hoyer(one_hot), 1.0, rtol=1e-9)
    alike = torch.tensor([2.0, -2.0] * 50)
    np.testing.assert_allclose([gini(alike), hoyer(alike)], 0.0, atol=1e-12)
    np.testing.assert_allclose(gini(draw("norm")), math.sqrt(2) - 1, atol=0.003)
    np.testing.assert_allclose(gini(draw("laplace")), 0.5, atol=0.003)
    np.testing.assert_allclose(hoyer(draw("norm")), 1 - math.sqrt(2 / math.pi), atol=0.004)
    np.testing.assert_allclose(hoyer(draw("laplace")), 1 - math.sqrt(0.5), atol=0.004)


def autoregressive(rho: float, side: int, count: int) -> Tensor:
    """Separable first-order fields: correlation rho^(|dy| + |dx|)."""
    white = np.random.default_rng(0).normal(size=(count, 1, side, side))
    lag = np.abs(np.subtract.outer(np.arange(side), np.arange(side)))
    root = np.linalg.cholesky(rho**lag)
    return torch.from_numpy(root @ white @ root.T)


@pytest.mark.parametrize("rho", [0.5, 0.8])
def test_correlation_length_of_an_autoregressive_field(rho: float) -> None:
    found = correlation_length(autoregressive(rho, 128, 24))
    np.testing.assert_allclose(found, -1 / math.log(rho), rtol=0.08)


def test_correlation_length_of_white_noise_stripes_and_a_constant() -> None:
    white = torch.randn(16, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    np.testing.assert_allclose(correlation_length(white), 1 - 1 / math.e, atol=0.02)
    assert math.isinf(correlation_length(white[:, :, :1].expand(-1, -1, 64, -1)))  # stripes
    assert math.isnan(correlation_length(torch.full((1, 1, 8, 8), 3.0)))


def test_figures_of_a_constant_are_not_numbers() -> None:
    constant = torch.full((50,), 3.0)
    assert math.isnan(ks_distance(constant))
    assert math.isnan(negentropy(constant))
    assert math.isnan(gini(torch.zeros(9)))
    assert math.isnan(hoyer(torch.zeros(9)))
    assert math.isnan(hoyer(torch.ones(1)))


def test_an_empty_background_counts_as_one_bin() -> None:
    values = torch.zeros(100_000)
    values[0] = 1.0
    assert 3.6 < negentropy(values) < ENTROPY - math.log(0.1)


def test_resampling_weighs_images() -> None:
    weights = resampling(5)
    torch.testing.assert_close(weights.sum(1), torch.ones(400, dtype=torch.float64))
    values = torch.randn(5, 300, generator=torch.Generator().manual_seed(0)).exp()
    found = resampled_ks(values, torch.eye(5, dtype=torch.float64))
    np.testing.assert_allclose(found, [ks_distance(v) for v in values], atol=0.01)
    low, high = interval(torch.linspace(10, 11, 1001, dtype=torch.float64), 0.0)
    np.testing.assert_allclose([low, high], [-0.475, 0.475])


def test_limit_of_a_gaussian_is_that_of_independent_values() -> None:
    """0.886 / sqrt(n) where mean and variance are fitted (Lilliefors, J. Am. Stat. Assoc. 62 (1967) 399-402)."""
    white = torch.randn(16, 1, 16, 16, generator=torch.Generator().manual_seed(2))
    np.testing.assert_allclose(gaussian_ks(white), 0.886 / math.sqrt(white.numel()), rtol=0.12)


def test_limit_of_a_gaussian_grows_with_its_correlation() -> None:
    generator = torch.Generator().manual_seed(1)
    white = torch.randn(8, 1, 32, 32, generator=generator)
    offset = white + 3 * torch.randn(8, 1, 1, 1, generator=generator)
    assert ks_distance(white) < gaussian_ks(white) < 0.02
    assert gaussian_ks(offset) > 0.05
    laplace = draw("laplace")[: 8 * 1024].view(8, 1, 32, 32)
    assert ks_distance(laplace) > 1.5 * gaussian_ks(laplace)
