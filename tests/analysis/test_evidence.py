"""Evidence from fields with known statistics, its verdicts, and the crops that it is measured on."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from wavegen.analysis import Rings, condition_number
from wavegen.analysis.controls import CONTROLS, Control
from wavegen.analysis.demand import grouped
from wavegen.analysis.evidence import Evidence, band_evidence
from wavegen.analysis.evidence_table import high_table, low_table
from wavegen.analysis.sources import UnpairedImages, crops
from wavegen.analysis.verdict import sentences, tendency
from wavegen.core.errors import InputError
from wavegen.core.registry import build
from wavegen.core.types import Pair


@pytest.fixture(autouse=True)
def _fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """No planner, and fewer Gaussian sets for the limit than in use."""
    monkeypatch.setattr("wavegen.analysis.uncertainty.DRAWS", (20, 40))
    monkeypatch.setattr("wavegen.analysis.evidence.calls_without_y", lambda *_: 4)
    monkeypatch.setattr("wavegen.analysis.evidence.calls_given_y", lambda *_: 3)


@cache
def of(name: str, count: int = 8, transform: str = "haar", levels: int = 2) -> Evidence:
    control = Control(name, size=64, length=count)
    x = torch.stack([control[i].x for i in range(count)])
    return band_evidence(x, build("transform", {"name": transform, "levels": levels}), transform)


def test_white_noise_is_gaussian_at_every_scale_and_nothing_is_sparse() -> None:
    found = of("white-noise", 16)
    assert [band.name for band in found.low] == ["image", "LL1", "LL2"]
    assert [band.name for band in found.high] == ["H2", "V2", "D2", "H1", "V1", "D1"]
    assert tendency(found) == "gaussian"
    for band in (*found.low, *found.high):
        np.testing.assert_allclose(band.kurtosis, 3, atol=0.3)
        np.testing.assert_allclose(band.gini, math.sqrt(2) - 1, atol=0.02)
        np.testing.assert_allclose(band.correlation / 2**band.level, 0.63, atol=0.05)
        assert band.kappa is not None
        assert band.kappa < 3  # of 16 images
    assert "0 of 6 high bands are sparser than a Gaussian" in " ".join(sentences(found))


def test_independent_pixels_tend_to_a_gaussian() -> None:
    """Sums of 4^J independent values have the excess kurtosis 3 / 4^J of the single one's."""
    found = of("laplace-noise", 16)
    assert tendency(found) == "more"
    for band in found.low:
        np.testing.assert_allclose(band.kurtosis - 3, 3 / 4**band.level, rtol=0.25, atol=0.12)
    assert found.change_interval is not None
    assert found.change_interval[0] <= found.change <= found.change_interval[1] < 0


def test_an_edge_as_long_as_the_image_does_not() -> None:
    found = of("edges", 16)
    assert tendency(found) == "little"
    assert found.low[-1].ks > 0.2
    assert "is not Gaussian" in " ".join(sentences(found))


def test_a_basis_that_is_not_orthogonal_makes_white_noise_ill_conditioned() -> None:
    worst = {name: max(band.kappa or 0 for band in of("white-noise", 16, name).low) for name in ("haar", "bior3.1")}
    assert worst["haar"] < 3
    assert worst["bior3.1"] > 10


def test_condition_number_of_a_known_covariance() -> None:
    """White noise w through x_t + x_(t-1) / 2 along rows has the power |1 + exp(-i w) / 2|²: 9/4 to 1/4."""
    white = torch.randn(64, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    band = white + 0.5 * white.roll(1, -1)
    found = band_evidence(band, build("transform", "identity"), "identity")
    frequency = torch.fft.fftfreq(64)
    power = (1.25 + torch.cos(2 * torch.pi * frequency)).expand(64, 64)
    rings = Rings(64, 64)
    wanted = rings.mean(power.double())
    assert found.low[0].kappa is not None
    np.testing.assert_allclose(found.low[0].kappa, float(wanted.max() / wanted.min()), rtol=0.15)
    assert condition_number([9.0, 1.0], [1.0, 1e6], (0, 1)) == 9
    assert condition_number([9.0, 1.0], [1.0, 1e6]) == 1


def test_one_image_has_no_interval_and_no_tendency() -> None:
    found = of("laplace-noise", 1)
    assert found.change_interval is None
    assert found.low[0].ks_low is None
    assert tendency(found) == "unknown"
    assert "no interval" in sentences(found)[0]


def test_a_distance_that_scaling_makes_is_not_counted() -> None:
    found = of("white-noise", 4)
    for ks, wanted in ((0.009, "gaussian"), (0.011, "less")):
        last = replace(found.low[-1], ks=ks, ks_gaussian=0.001)
        changed = replace(found, low=(*found.low[:-1], last), change_interval=(0.001, 0.02))
        assert tendency(changed) == wanted


def test_y_is_asked_for_from_eight_pairs_on() -> None:
    x = torch.randn(8, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    haar = build("transform", {"name": "haar", "levels": 1})
    full, few = band_evidence(x, haar, "haar", x + 1), band_evidence(x[:7], haar, "haar", x[:7] + 1)
    assert [band.calls_given_y for band in full.low] == [3, 3]
    assert [band.calls_given_y for band in few.low] == [None, None]
    assert low_table(full).head[-1] == "calls given y"
    assert low_table(few).head[-1] == "calls"


def test_flat_details_are_dashes() -> None:
    x = torch.randn(4, 1, 16, 16).repeat_interleave(2, 2).repeat_interleave(2, 3)
    found = band_evidence(x, build("transform", {"name": "haar", "levels": 1}), "haar")
    assert high_table(found).rows[0][2:] == ("-",) * 7
    assert "high bands are all zero" in sentences(found)


def test_groups_keep_weight_and_range() -> None:
    v, w = grouped([1e-6, 1e-5, 0.1, 1.0, 1.0], [1.0, 1.0, 1.0, 2.0, 3.0], 3)
    np.testing.assert_allclose(sum(w), 8)
    np.testing.assert_allclose(v, [10**-5.5, 10 ** (-1 / 6)], rtol=1e-9)


class Given:
    """Pairs of given images."""

    def __init__(self, *images: Tensor) -> None:
        self.images = images

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> Pair:
        return Pair(self.images[index], self.images[index])


def same(pair: Pair) -> Pair:
    return pair


def test_constant_crops_are_left_out_and_counted() -> None:
    lively = torch.randn(1, 40, 33)
    found = crops(Given(lively, torch.full((1, 40, 40), 5.0)), same, 8, 64, 2)
    assert found.x.shape == (1, 1, 32, 32)
    assert found.constant == 1
    assert found.y is None


@pytest.mark.parametrize(
    ("make", "levels", "message"),
    [
        (lambda: Given(torch.ones(1, 32, 32)), 1, "constant; there is nothing"),
        (lambda: Given(torch.randn(1, 32, 40)), 3, "at most 2 level"),
        (lambda: Given(torch.randn(1, 7, 7)), 1, "larger images"),
        (lambda: Given(), 1, "give 1 or more"),
    ],
)
def test_images_that_do_not_do(make: Callable[[], Given], levels: int, message: str) -> None:
    with pytest.raises(InputError, match=message):
        crops(make(), same, 8, 256, levels)


def test_files_of_differing_channels_are_taken_apart(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((16, 16, 3), np.uint8)).save(tmp_path / "a.png")
    Image.fromarray(np.full((16, 16), 9, np.uint8)).save(tmp_path / "b.png")
    found = UnpairedImages([tmp_path / "a.png", tmp_path / "b.png"])
    assert len(found) == 4
    assert found.split
    assert found[3].x.shape == (1, 16, 16)
    whole = UnpairedImages([tmp_path / "a.png"])
    assert whole[0].x.shape == (3, 16, 16)
    with pytest.raises(InputError, match="no images"):
        UnpairedImages([])


def test_controls_are_reproducible_and_checked() -> None:
    for name in CONTROLS:
        one, two = Control(name, 32, 2), Control(name, 32, 2)
        torch.testing.assert_close(one[1].x, two[1].x)
        assert float((one[0].x - one[1].x).norm()) > 0
        assert float((one[0].x - Control(name, 32, 2, seed=1)[0].x).norm()) > 0
        with pytest.raises(IndexError):
            one[2]
    with pytest.raises(InputError, match="known: white-noise"):
        Control("noise")
    with pytest.raises(InputError, match="from 16 to 4096"):
        Control("edges", size=8)
