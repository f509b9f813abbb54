"""Streaming moments against numpy and scipy on the whole sample."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from wavegen.core.errors import InputError
from wavegen.core.registry import build
from wavegen.transforms import Moments, low_bands, subband_statistics


def skewed(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)).exp()


@settings(deadline=None, max_examples=30)
@given(
    counts=st.lists(st.integers(1, 12), min_size=1, max_size=6),
    offset=st.sampled_from([0.0, -3.0, 1e6]),
    seed=st.integers(0, 99),
)
def test_merged_moments_are_those_of_the_whole(counts: list[int], offset: float, seed: int) -> None:
    parts = [offset + skewed(1, 2, n, 3, seed=seed + i) for i, n in enumerate(counts)]
    total = Moments.of(parts[0])
    for part in parts[1:]:
        total = total + Moments.of(part)
    whole = torch.cat(parts, 2)[0].flatten(1).numpy()
    assert total.count == whole.shape[1]
    np.testing.assert_allclose(total.mean.numpy(), whole.mean(1), rtol=1e-12)
    np.testing.assert_allclose(total.scale.numpy(), whole.std(1), rtol=1e-7)
    np.testing.assert_allclose(total.kurtosis.numpy(), scipy.stats.kurtosis(whole, axis=1, fisher=False), rtol=1e-6)
    third = total.m3 / total.count / total.scale**3
    np.testing.assert_allclose(third.numpy(), scipy.stats.skew(whole, axis=1), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("name", ["db2", "lattice", "undecimated", "packets", "pool"])
def test_one_pass_over_images_of_several_sizes(name: str) -> None:
    transform = build("transform", name)
    images = [100 + 5 * skewed(2, 2, h, w, seed=h) for h, w in ((9, 12), (16, 7), (24, 24))]
    found = subband_statistics(transform, iter(images))
    with torch.no_grad():
        bands = [transform.forward(image) for image in images]
        chains = [low_bands(transform, b) for b in bands]

    def check(moments: Moments, parts: list[Tensor]) -> None:
        whole = torch.cat([p.transpose(0, 1).flatten(1) for p in parts], 1).numpy()
        np.testing.assert_allclose(moments.mean.numpy(), whole.mean(1), rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(moments.scale.numpy(), whole.std(1), rtol=1e-9)
        np.testing.assert_allclose(moments.kurtosis.numpy(), scipy.stats.kurtosis(whole, 1, False), rtol=1e-9)

    for i, moments in enumerate(found.low):
        check(moments, [chain[i] for chain in chains])
    for i, level in enumerate(found.details):
        for j, moments in enumerate(level):
            check(moments, [b.details[i][j] for b in bands])
    rows = found.rows()
    channels = transform.coarse_channels(2)
    assert len(rows) == (4 * 2 * transform.levels or channels)
    assert rows[0].level == transform.levels
    assert rows[0].mean == pytest.approx(float(found.low[0].mean[0]))


def test_kurtosis_of_noise_and_of_sparse_images() -> None:
    haar = build("transform", {"name": "haar", "levels": 1})
    noise = torch.randn(1, 1, 200, 200, generator=torch.Generator().manual_seed(0))
    assert subband_statistics(haar, [noise]).rows()[1].kurtosis == pytest.approx(3, abs=0.15)
    assert subband_statistics(haar, [noise**5]).rows()[1].kurtosis > 6


def test_no_images_and_constant_ones() -> None:
    haar = build("transform", "haar")
    with pytest.raises(InputError, match="no images"):
        subband_statistics(haar, [])
    with pytest.raises(InputError, match="dtype"):
        subband_statistics(haar, [torch.zeros(1, 1, 4, 4, dtype=torch.uint8)])
    row = subband_statistics(haar, [torch.full((1, 1, 8, 8), 7.0)] * 2).rows()[1]
    assert row.scale == 0
    assert np.isnan(row.kurtosis)
