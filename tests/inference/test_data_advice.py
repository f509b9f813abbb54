"""What ``wavegen data check`` says of the scales, shifts and noise of pairs, and what it advises."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from wavegen import Pair
from wavegen.data import Hela, InMemory
from wavegen.data.gaussian import best_gaussian
from wavegen.inference.advice import advice, scales
from wavegen.inference.check import check_pairs

Image = NDArray[np.float64]
CLEAN = [pair.x[0].numpy().astype(np.float64) for pair in InMemory(Hela(length=3, size=96))]
CLEAN = [image / image.max() for image in CLEAN]


def noisy(image: Image, deviation: float = 0.05, seed: int = 0) -> Image:
    return image + deviation * np.random.default_rng(seed).normal(size=image.shape)


def records(target: Callable[[Image, int], Image], source: Callable[[Image, int], Image], count: int = 3) -> Any:
    images = [(target(clean, i), noisy(source(clean, i), seed=i)) for i, clean in enumerate(CLEAN[:count])]
    pairs = [Pair(*(torch.from_numpy(image)[None].float() for image in pair)) for pair in images]
    return list(check_pairs(pairs, count))


def same(image: Image, index: int) -> Image:
    return image


def test_nothing_is_said_of_good_pairs() -> None:
    found = records(same, same)
    assert advice(found) == []
    assert not scales(found)["unrelated_scales"]


def test_unrelated_scales_are_reported() -> None:
    found = records(lambda image, i: (i + 1) * image + 5, same)
    assert [record["intensity"][0]["gain"] for record in found] == [pytest.approx(i + 1, rel=0.05) for i in range(3)]
    assert any("unrelated scales: train with intensity.target=matched" in line for line in advice(found))
    told = scales(found)
    assert told["unrelated_scales"]
    assert told["gain"] == pytest.approx(2, rel=0.05)
    assert told["largest_gain"] == pytest.approx(3, rel=0.05)


@pytest.mark.parametrize(
    ("target", "source", "said"),
    [
        (
            same,
            lambda image, i: np.roll(image, 2, axis=0),
            "3 of 3 pairs are shifted by 2.0 to 2.0 px: the option max_shift=3",
        ),
        (lambda image, i: -image, same, "vanishing or negative correlation: item 0, item 1, item 2; leave them out"),
        (lambda image, i: noisy(image, 0.3, i + 9), same, "in 3 of 3 pairs a Gaussian filter of the input (sigma"),
    ],
    ids=["shifted", "negative", "noisy targets"],
)
def test_what_is_wrong_is_said(target: Any, source: Any, said: str) -> None:
    assert any(said in line for line in advice(records(target, source)))


def test_one_pair_and_equal_pairs() -> None:
    assert any("one pair only" in line for line in advice(records(same, same, 1)))
    x = torch.from_numpy(CLEAN[0])[None].float()
    told = advice(list(check_pairs([Pair(x, 2 * x + 1)] * 2, 2)))
    assert any("targets that equal their inputs, but for gain and offset: item 0, item 1" in line for line in told)


def test_a_declared_scale_needs_no_matching() -> None:
    assert not any("unrelated" in line for line in advice(list(check_pairs(Hela(length=2, size=96), 2))))


def test_the_best_gaussian_is_found() -> None:
    rng = np.random.default_rng(0)
    white = rng.normal(size=(128, 128))
    found = best_gaussian(7 * gaussian_filter(white, 2.0)[None] - 3, white[None])
    assert found.sigma == 2.0
    assert found.left < 1e-6
    found = best_gaussian(CLEAN[0][None] + 0.2 * rng.normal(size=(1, 96, 96)), CLEAN[0][None])
    assert found.sigma == 0.0
    assert found.left == pytest.approx(found.noise, rel=0.1)
    assert found.enough
