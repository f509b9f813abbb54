"""Intensity matching on simulated pairs: right gains whatever the noise, the blur and a few wrong pixels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from wavegen import InputError, Pair
from wavegen.data import Hela, InMemory, Nanobeads
from wavegen.data.matched import Matched, laid, on_input_scale
from wavegen.data.matching import UNKNOWN, Match, match

Image = NDArray[np.float64]
GAIN, OFFSET = 0.83, 17.0
PEAK = 1000.0  # of the inputs, at the 99.9 percentile of the specimen


@pytest.fixture(scope="module")
def specimens() -> dict[str, list[Image]]:
    """Four clean images of each kind, 1 at their 99.9 percentile."""
    found = {}
    for kind in (Hela, Nanobeads):
        images = [pair.x[0].numpy().astype(np.float64) for pair in InMemory(kind(length=4, size=256))]
        found[kind.__name__] = [image / np.percentile(image, 99.9) for image in images]
    return found


def pair_of(clean: Image, blur: float, photons: float, seed: int, noise_of_x: float = 0.0) -> tuple[Image, Image]:
    """A target GAIN * input + OFFSET, and an input of Poisson noise, a read noise of 1 photon and no background."""
    rng = np.random.default_rng(seed)
    expected = gaussian_filter(clean, blur) if blur else clean
    y = PEAK * (rng.poisson(photons * expected) + rng.normal(size=clean.shape)) / photons
    x = GAIN * PEAK * (clean + noise_of_x * rng.normal(size=clean.shape)) + OFFSET
    return x, y


def only(x: Image, y: Image) -> Match:
    (found,) = match(x[None], y[None])
    return found


@pytest.mark.parametrize(
    ("blur", "photons", "noise_of_x"), [(0, 20, 0.0), (0, 50, 0.05), (4, 50, 0.0), (8, 50, 0.02)], ids=str
)
@pytest.mark.parametrize("kind", ["Hela", "Nanobeads"])
def test_noise_and_blur_do_not_move_the_gain(
    kind: str, blur: float, photons: float, noise_of_x: float, specimens: dict[str, list[Image]]
) -> None:
    """Least squares is off by 5 to 75 % on these pairs."""
    found = [only(*pair_of(clean, blur, photons, i, noise_of_x)) for i, clean in enumerate(specimens[kind])]
    errors = np.array([one.gain / GAIN - 1 for one in found])
    assert abs(errors.mean()) < 0.01
    assert np.abs(errors).max() < 0.03
    np.testing.assert_allclose([one.offset for one in found], OFFSET, atol=0.002 * GAIN * PEAK)
    np.testing.assert_allclose([one.blur for one in found], blur, atol=max(0.1 * blur, 1.0))
    assert all(one.usable for one in found)


def test_the_line_follows_the_units_of_both_images(specimens: dict[str, list[Image]]) -> None:
    x, y = pair_of(specimens["Hela"][0], 2, 50, 0)
    before, after = only(x, y), only(3 * x - 5, 0.5 * y + 7)
    assert after.gain == pytest.approx(6 * before.gain)
    assert after.offset == pytest.approx(3 * before.offset - 5 - after.gain * 7)
    laid_x, _ = laid(Pair(*(torch.from_numpy(k)[None].float() for k in (x, y))), [before])
    again = only(laid_x[0].double().numpy(), y)
    assert again.gain == pytest.approx(1, abs=1e-4)
    assert again.offset == pytest.approx(0, abs=1e-3 * PEAK)
    assert before.gap > 0.1 > 0.001 > again.gap


def hot(y: Image) -> Image:
    places = np.random.default_rng(5).integers(0, y.size, 20)
    return np.where(np.isin(np.arange(y.size), places).reshape(y.shape), 30 * PEAK, y)


def clipped(y: Image) -> Image:
    return y.clip(max=np.quantile(y, 0.998))


def dirty(y: Image) -> Image:
    """A bright fibre on the detector."""
    return np.concatenate([y[:, :100], y[:, 100:104] + PEAK / 2, y[:, 104:]], axis=1)


@pytest.mark.parametrize("wrong", [hot, clipped, dirty])
def test_a_few_wrong_pixels_do_not_move_the_gain(
    wrong: Callable[[Image], Image], specimens: dict[str, list[Image]]
) -> None:
    pairs = [pair_of(clean, 0, 100, i) for i, clean in enumerate(specimens["Hela"])]
    errors = [only(x, wrong(y)).gain / GAIN - 1 for x, y in pairs]
    assert np.abs(errors).max() < 0.05
    assert abs(np.mean(errors)) < 0.03


def test_every_channel_has_its_line(specimens: dict[str, list[Image]]) -> None:
    x, y = (np.stack(k) for k in zip(*(pair_of(clean, 0, 100, 0) for clean in specimens["Hela"][:2]), strict=True))
    x[1] = 2 * x[1] + 3
    first, second = match(x, y)
    assert first.gain == pytest.approx(GAIN, rel=0.02)
    assert second.gain == pytest.approx(2 * GAIN, rel=0.02)
    pair = on_input_scale(Pair(torch.from_numpy(x).float(), torch.from_numpy(y).float()))
    expected = torch.stack([torch.from_numpy(clean).float() * PEAK for clean in specimens["Hela"][:2]])
    assert float((pair.x - expected).abs().mean()) < 0.005 * PEAK
    torch.testing.assert_close(pair.y, torch.from_numpy(y).float())


def test_pairs_without_a_line(specimens: dict[str, list[Image]]) -> None:
    clean, other = specimens["Hela"][:2]
    assert only(clean, np.ones_like(clean)) == only(np.ones_like(clean), clean) == UNKNOWN
    assert not UNKNOWN.usable
    assert only(clean, -clean).correlation == pytest.approx(-1)
    assert not only(clean, -clean).usable
    assert not only(clean, np.random.default_rng(0).normal(size=clean.shape)).usable
    assert only(clean, 2 * clean + 1).equal
    assert not only(clean, 2 * clean + 1e-3 * other).equal
    with pytest.raises(InputError, match="both must have one size"):
        match(clean[None], clean[None, 1:])


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (9, 5), (60, 33)])
def test_small_images(size: tuple[int, int]) -> None:
    y = np.random.default_rng(0).random((1, *size))
    (found,) = match(2 * y - 1, y)
    if size == (1, 1):
        assert found == UNKNOWN
    else:
        assert (found.gain, found.offset) == (pytest.approx(2), pytest.approx(-1))


class Scattered:
    """Pairs of one specimen whose gains differ."""

    channels = 1
    names = ("one", "two")
    other: Any = "not passed on"

    def __init__(self, clean: Image) -> None:
        self.clean = torch.from_numpy(clean)[None].float()

    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: int) -> Pair:
        if index > 1:
            raise IndexError(index)
        return Pair((index + 2) * self.clean - 1, self.clean)


def test_a_matched_data_set(specimens: dict[str, list[Image]]) -> None:
    source = Scattered(specimens["Hela"][0])
    matched = Matched(source)
    assert (len(matched), matched.channels, matched.names) == (2, 1, ["one", "two"])
    assert [pair[0].gain for pair in matched.matches] == [pytest.approx(2), pytest.approx(3)]
    for pair in (matched[0], matched[1]):
        torch.testing.assert_close(pair.x, source.clean, rtol=1e-4, atol=1e-5)
        assert pair.x.dtype == torch.float32
        assert pair.y is source.clean
    with pytest.raises(IndexError):
        matched[2]
