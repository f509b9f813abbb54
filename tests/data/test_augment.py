"""Guards what is done to crops at random: nothing by default, else what its formula says."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from wavegen import InputError, Pair
from wavegen.core.config import check
from wavegen.data import Augment, Crops
from wavegen.data.augment import places_by_content


class Corner:
    """Noise in the corner of 64 x 64 pixels where rows and columns are below 16, nothing elsewhere."""

    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: int) -> Pair:
        x = torch.zeros(1, 64, 64)
        x[..., :16, :16] = torch.rand(1, 16, 16, generator=torch.Generator().manual_seed(index)) + 5
        return Pair(x, x + 1)


def crops(count: int = 200, **options: float) -> list[Pair]:
    data = Crops(Corner(), 16, seed=0, length=count, augment=Augment(**options))
    return [data[i] for i in range(count)]


def test_nothing_is_changed_by_default() -> None:
    plain = Crops(Corner(), 16, seed=0, length=20)
    for a, b in zip(crops(20), (plain[i] for i in range(20)), strict=True):
        assert_close(a.x, b.x, rtol=0, atol=0)
        assert_close(a.y, b.y, rtol=0, atol=0)


def test_a_gain_is_that_of_both_images() -> None:
    factors = []
    for changed, plain in zip(crops(gain=0.3), crops(), strict=True):
        factor = float(changed.y.mean() / plain.y.mean())
        assert_close(changed.x, factor * plain.x)
        assert_close(changed.y, factor * plain.y)
        factors.append(np.log(factor))
    assert max(np.abs(factors)) < 0.3
    np.testing.assert_allclose(np.std(factors), 0.3 / np.sqrt(3), rtol=0.1)
    np.testing.assert_allclose(np.mean(factors), 0, atol=0.04)


def test_noise_is_that_of_the_input_alone() -> None:
    deviations = []
    for changed, plain in zip(crops(noise=0.2), crops(), strict=True):
        assert_close(changed.x, plain.x, rtol=0, atol=0)
        deviations.append(float((changed.y - plain.y).std()))
    assert max(deviations) < 0.23
    np.testing.assert_allclose(np.mean(deviations), 0.1, rtol=0.1)


@pytest.mark.parametrize("share", [0.5, 1.0])
def test_crops_by_content_show_what_there_is(share: float) -> None:
    hits = np.mean([float(pair.x.max()) > 0 for pair in crops(400, content=share)])
    uniform = np.mean([float(pair.x.max()) > 0 for pair in crops(400)])
    assert uniform < 0.25
    np.testing.assert_allclose(hits, share + (1 - share) * uniform, atol=0.08)


def test_places_are_as_probable_as_the_variance_in_them() -> None:
    x = torch.randn(2, 30, 41, generator=torch.Generator().manual_seed(0)) * torch.linspace(0, 1, 41) + 100
    places = places_by_content(x, 8)
    found = np.diff(places.cumulated, prepend=0).reshape(places.shape)
    wanted = x.double().unfold(1, 8, 1).unfold(2, 8, 1).var(dim=(-1, -2), correction=0).mean(dim=0)
    assert found.shape == wanted.shape == (23, 34)
    np.testing.assert_allclose(found, (wanted / wanted.sum()).numpy(), rtol=1e-8)


def test_every_pixel_can_begin_a_crop() -> None:
    places = places_by_content(torch.zeros(1, 70, 67), 32)
    rng = np.random.default_rng(0)
    corners = np.array([places.draw(rng) for _ in range(6000)])
    assert {*corners[:, 0]} == {*range(39)}
    assert {*corners[:, 1]} == {*range(36)}


def test_a_crop_does_not_depend_on_those_before_it() -> None:
    changes = Augment(gain=0.2, noise=0.1, content=0.7)
    one, other = (Crops(Corner(), 16, seed=3, length=9, augment=changes) for _ in range(2))
    forward, backward = [one[i] for i in range(9)], [other[i] for i in reversed(range(9))]
    for a, b in zip(forward, reversed(backward), strict=True):
        assert_close(a.y, b.y, rtol=0, atol=0)


@pytest.mark.parametrize("wrong", [{"gain": -0.1}, {"noise": 2}, {"content": 1.5}, {"gian": 0.1}])
def test_wrong_options_are_named(wrong: dict[str, float]) -> None:
    with pytest.raises(InputError, match=next(iter(wrong))):
        check(Augment, wrong, "augment")
