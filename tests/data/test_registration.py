"""Registration finds shifts to a twentieth of a pixel, whatever the blur, and moves targets without ringing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.ndimage import fourier_shift, gaussian_filter

from wavegen import Pair
from wavegen.core.registry import build
from wavegen.data import Hela, InMemory
from wavegen.data.registration import Shift, find_shift, registered, report
from wavegen.io import write_image

Image = NDArray[np.float64]


@pytest.fixture(scope="module")
def specimens() -> list[Image]:
    images = [pair.x[0].numpy().astype(np.float64) for pair in InMemory(Hela(length=2, size=128))]
    return [image / np.percentile(image, 99.9) for image in images]


def shifted(clean: Image, by: tuple[float, float]) -> Image:
    moved: Image = np.fft.ifft2(fourier_shift(np.fft.fft2(clean), by)).real
    return moved


def degraded(clean: Image, by: tuple[float, float], blur: float, photons: float, seed: int) -> Image:
    expected = gaussian_filter(shifted(clean, by), blur).clip(0)
    rng = np.random.default_rng(seed)
    return rng.poisson(photons * expected) + rng.normal(size=clean.shape)


@pytest.mark.parametrize(("blur", "photons", "bound"), [(0, 50, 0.05), (3, 500, 0.05)])
def test_shifts_are_found(blur: float, photons: float, bound: float, specimens: list[Image]) -> None:
    errors = []
    for seed, clean in enumerate(specimens):
        for by in ((0.3, -1.7), (-2.5, 1.1)):
            found = find_shift(clean[None], degraded(clean, by, blur, photons, seed)[None], 4.0)
            assert not found.refused
            errors.append((found.y - by[0], found.x - by[1]))
    assert np.sqrt(np.mean(np.square(errors))) < bound


def test_moved_targets_lie_on_their_inputs(specimens: list[Image]) -> None:
    clean, by = gaussian_filter(specimens[0], 1.0), (1.4, -0.6)
    x, y = (torch.from_numpy(k)[None].float() for k in (clean, shifted(clean, by)))
    pair = registered(Pair(x, y), find_shift(x.numpy(), y.numpy(), 3.0))
    inner = (slice(None), slice(4, -4), slice(4, -4))
    before, after = (float((k[inner] - y[inner]).square().mean().sqrt()) for k in (x, pair.x))
    assert after < 0.1 * before
    assert x.min() <= pair.x.min()
    assert pair.x.max() <= x.max()
    assert (pair.x.shape, pair.x.dtype) == (x.shape, torch.float32)


def test_what_is_not_moved(specimens: list[Image]) -> None:
    clean = specimens[0]
    far = find_shift(clean[None], shifted(clean, (6.0, 0.0))[None], 3.0)
    assert far.refused == "6.0 px"
    strange = find_shift(clean[None], np.random.default_rng(0).normal(size=clean.shape)[None], 64.0)
    assert strange.refused
    assert find_shift(np.ones((1, 32, 32)), clean[None, :32, :32], 3.0).refused == "too small or constant"
    pair = Pair(torch.zeros(1, 4, 4), torch.ones(1, 4, 4))
    assert registered(pair, far) is registered(pair, Shift(0.01, 0.0)) is pair
    said = report(["a", "b", "c"], [Shift(0.3, 0.4), Shift(0.0, 0.01), far], 3.0)
    assert said.startswith("registered up to 3 px: 1 of 3 targets moved, median 0.50 px, at most 0.50 px; ")
    assert said.endswith("refused and not moved: c (6.0 px)")


def test_pairs_are_registered(specimens: list[Image], tmp_path: Path) -> None:
    for name, by in (("a", (0.0, 0.0)), ("b", (1.5, 0.5))):
        for part, image in (("x", specimens[0]), ("y", shifted(specimens[0], by))):
            (tmp_path / part).mkdir(exist_ok=True)
            write_image(tmp_path / part / f"{name}.tif", image[None].astype(np.float32), {})
    spec = {"name": "pairs", "x": str(tmp_path / "x"), "y": str(tmp_path / "y")}
    plain, moved = build("dataset", spec), build("dataset", {**spec, "max_shift": 3.0})
    assert any("1 of 2 targets moved, median 1.58 px" in remark for remark in moved.remarks)
    assert not any("registered" in remark for remark in plain.remarks)
    torch.testing.assert_close(moved[0].x, plain[0].x)
    assert float((moved[1].x - moved[1].y).abs().mean()) < 0.5 * float((plain[1].x - plain[1].y).abs().mean())
