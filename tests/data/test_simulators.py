"""Simulated specimens: deterministic items, the stated photon budget, noise, widths and shapes."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

import wavegen.data as data
from wavegen.core.errors import InputError
from wavegen.core.registry import _entries, build, describe, names
from wavegen.data.simulators.hela import deposit, smooth_field
from wavegen.degradations import sigma_pixels

SIMULATED = [n for n in names("dataset") if "simulated" in _entries["dataset", n].capabilities]


def make(name: str, **options: Any) -> data.Simulator:
    result: data.Simulator = build("dataset", {"name": name, "size": 64, **options})
    return result


def test_the_simulators_are_registered() -> None:
    assert {"nanobeads", "hela"} <= set(SIMULATED)


@pytest.mark.parametrize("name", SIMULATED)
def test_item_has_the_promised_form(name: str) -> None:
    dataset = make(name, length=3)
    assert len(dataset) == 3
    assert len(list(dataset)) == 3
    for image in dataset[0]:
        assert image.shape == (1, 64, 64)
        assert image.dtype == torch.float32
        assert torch.isfinite(image).all()
    assert dataset[0].x.min() >= 0
    for index in (3, -1):
        with pytest.raises(IndexError):
            dataset[index]


@pytest.mark.parametrize("name", SIMULATED)
def test_item_is_a_function_of_seed_split_and_index(name: str) -> None:
    first = make(name, seed=5, length=4)[2]
    again = make(name, seed=5, length=9)
    list(again)
    for a, b in zip(first, pickle.loads(pickle.dumps(again))[2], strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=0)
    others = [make(name, seed=6)[2], make(name, seed=5, split="test")[2], make(name, seed=5)[1]]
    for other in others:
        assert (first.x - other.x).abs().max() > 0.1
        assert (first.y - other.y).abs().max() > 0.1


@pytest.mark.parametrize("name", SIMULATED)
def test_scale_and_photon_budget(name: str) -> None:
    # Without noise sources but Poisson, at a large budget: y is nearly noise-free.
    dataset = make(name, size=128, length=16, photons=(1e5, 1e5), background=0, read_noise=0)
    ratios, peaks = [], []
    for x, y in dataset:
        ratios.append(float(np.percentile(x, 99.9) / np.percentile(y, 99.9)))
        peaks.append(float(y.max()))
    assert 0.7 < np.median(ratios) < 2.5
    assert 0.9e5 < np.median(peaks) < 1.25e5
    assert max(peaks) < 1.25e5


@pytest.mark.parametrize("name", SIMULATED)
def test_input_is_blurred_and_noisy_target_is_not(name: str) -> None:
    y = make(name, size=128, photons=(80, 80))[0].y

    def fine(image: torch.Tensor) -> float:
        power = torch.fft.rfft2(image[0]).abs() ** 2
        return float(power[8:24, 8:24].sum() / power[:4, :4].sum())

    clean = make(name, size=128, photons=(1e5, 1e5), background=0, read_noise=0)[0]
    assert fine(clean.y) < 0.2 * fine(clean.x)
    # White noise lifts the highest frequencies of y by about the mean count.
    tail = (torch.fft.rfft2(y[0]).abs() ** 2)[56:72, 56:].mean() / y.numel()
    np.testing.assert_allclose(float(tail), float(y.mean()) + 1, rtol=0.3)  # Poisson + read variance


@pytest.mark.parametrize("name", SIMULATED)
def test_options_are_documented_and_checked(name: str) -> None:
    assert {"size", "length", "split", "seed", "photons"} <= set(describe("dataset", name)["options"])
    for wrong in ({"size": 3}, {"split": "tset"}, {"photons": (9, 3)}, {"sted_fwhm_nm": 300}, {"sise": 64}):
        with pytest.raises(InputError):
            make(name, **wrong)


@pytest.mark.parametrize("name", SIMULATED)
def test_collates_into_batches(name: str) -> None:
    batch = next(iter(DataLoader(make(name, size=32), batch_size=3)))
    assert batch.x.shape == batch.y.shape == (3, 1, 32, 32)


def test_one_bead_has_the_promised_peak_and_width() -> None:
    beads = data.Nanobeads(size=65)
    spot = beads._spots(np.array([[32.0, 32.0]]), np.array([1.0]), np.array([2.0]), 250.0)
    np.testing.assert_allclose(spot[32, 32], 2.0, rtol=1e-3)
    sigma = sigma_pixels(250, 20)
    np.testing.assert_allclose(spot[32, 40], 2 * np.exp(-32 / sigma**2), rtol=1e-2)
    moved = beads._spots(np.array([[32.0, 32.5]]), np.array([1.0]), np.array([2.0]), 60.0)
    np.testing.assert_allclose(moved[:, 32], moved[:, 33], rtol=1e-5)


def test_a_line_has_peak_one_in_both_views() -> None:
    hela = data.Hela(size=32)
    emitters = np.zeros((hela.side, hela.side), dtype=np.float32)
    emitters[hela.side // 2] = 1
    for fwhm in (hela.sted_fwhm_nm, hela.confocal_fwhm_nm):
        np.testing.assert_allclose(hela._image(emitters, fwhm).max(), 1, rtol=5e-3)


def test_chains_lose_direction_at_the_persistence_length() -> None:
    hela = data.Hela(size=16, persistence_um=2.0)
    n, steps = 4000, 200
    theta = hela._chain(np.random.default_rng(0), np.zeros(n), steps, stiffness=1.0)
    length_um = steps * 0.5 * 0.020
    np.testing.assert_allclose(np.cos(theta[:, -1]).mean(), np.exp(-length_um / 4.0), atol=0.02)


def test_deposit_keeps_weight_and_centre() -> None:
    points = np.array([[3.25, 5.5], [0.0, 0.0]])
    image = deposit(points, np.array([2.0, 1.0]), 8)
    np.testing.assert_allclose(image.sum(), 3.0, rtol=1e-6)
    np.testing.assert_allclose(image[0, 0], 1.0)
    rows, columns = np.indices(image.shape)
    image[0, 0] = 0
    np.testing.assert_allclose([(image * rows).sum() / 2, (image * columns).sum() / 2], [3.25, 5.5], rtol=1e-5)


def test_smooth_field_is_smooth_and_bounded() -> None:
    field = smooth_field(np.random.default_rng(0), 100, 40)
    assert field.min() >= 0
    assert field.max() <= 1
    assert np.abs(np.diff(field, axis=0)).max() < 0.05
