"""The controls for ablations against their definitions and PyWavelets."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import pywt
import torch
from torch import Tensor

from wavegen.core.errors import InputError
from wavegen.core.registry import build
from wavegen.core.types import Subbands


def image(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def test_pool_closed_form() -> None:
    x = torch.tensor([[1.0, 2.0], [5.0, 12.0]])[None, None]
    bands = build("transform", {"name": "pool", "levels": 1}).forward(x)
    assert [float(b) for b in (bands.ll, *bands.details[0])] == [10.0, -3.0, 0.0, 7.0]


def test_pool_has_the_low_band_of_haar() -> None:
    x = image(2, 1, 13, 22)
    pool, haar = (build("transform", {"name": name, "levels": 3}).forward(x) for name in ("pool", "haar"))
    torch.testing.assert_close(pool.ll, haar.ll)


@pytest.mark.parametrize("levels", [1, 2, 3])
def test_undecimated_is_pywavelets(levels: int) -> None:
    x = image(2, 1, 24, 16)
    bands = build("transform", {"name": "undecimated", "levels": levels}).forward(x)
    for i in range(2):
        low, *high = pywt.swt2(x[i, 0].numpy(), "haar", levels, norm=True, trim_approx=True)
        np.testing.assert_allclose(bands.ll[i, 0].numpy(), low, atol=1e-13)
        for got, want in zip(bands.details, high, strict=True):
            for a, b in zip(got, want, strict=True):
                np.testing.assert_allclose(a[i, 0].numpy(), b, atol=1e-13)


def test_undecimated_keeps_the_sum_of_squares_and_follows_shifts() -> None:
    transform, x = build("transform", {"name": "undecimated", "levels": 3}), image(1, 1, 11, 14)
    bands = transform.forward(x)
    every = [bands.ll, *(band for details in bands.details for band in details)]
    torch.testing.assert_close(sum(band.square().sum() for band in every), x.square().sum())
    shifted = transform.forward(x.roll((3, 5), (2, 3)))
    torch.testing.assert_close(shifted.details[1].h, bands.details[1].h.roll((3, 5), (2, 3)))


def test_undecimated_inverse_averages_the_shifted_haar_inverses() -> None:
    """Cycle spinning: thresholded details come back as the mean over all shifts of Haar's result."""
    x = image(1, 1, 8, 8)
    spun = build("transform", {"name": "undecimated", "levels": 1})
    bands = spun.forward(x)
    kept = bands.details[0]._make(b.where(b.abs() > 0.3, torch.zeros_like(b)) for b in bands.details[0])
    got = spun.inverse(Subbands(bands.ll, (kept,), bands.size))
    haar, total = build("transform", {"name": "haar", "levels": 1}), torch.zeros_like(x)
    for shift in itertools.product((0, 1), repeat=2):
        ll, (d,), size = haar.forward(x.roll(shift, (2, 3)))
        d = d._make(b.where(b.abs() > 0.6, torch.zeros_like(b)) for b in d)  # Haar's are twice as large
        total += haar.inverse(Subbands(ll, (d,), size)).roll((-shift[0], -shift[1]), (2, 3))
    torch.testing.assert_close(got, total / 4)


def test_undecimated_needs_the_level() -> None:
    transform = build("transform", {"name": "undecimated", "levels": 2})
    bands = transform.forward(image(1, 1, 6, 5))
    for level in (None, 0, 3):
        with pytest.raises(InputError, match="give 1 to 2"):
            transform.inverse_level(bands.ll, bands.details[0], (6, 5), level)
    with pytest.raises(InputError, match=r"needs \(7, 5\)"):
        transform.inverse_level(bands.ll, bands.details[0], (7, 5), 1)
    one = build("transform", {"name": "undecimated", "levels": 1})
    ll, (details,), size = one.forward(image(1, 1, 6, 5))
    torch.testing.assert_close(one.inverse_level(ll, details, size), image(1, 1, 6, 5))


@pytest.mark.parametrize("wavelet", ["haar", "db3", "bior2.2"])
@pytest.mark.parametrize("size", [(16, 24), (13, 10), (1, 7)])
@pytest.mark.parametrize("levels", [1, 2, 3])
def test_packets_are_pywavelets(wavelet: str, size: tuple[int, int], levels: int) -> None:
    x = image(1, 2, *size)
    ll = build("transform", {"name": "packets", "wavelet": wavelet, "levels": levels}).forward(x).ll
    assert ll.shape[1] == 2 * 4**levels
    paths = ["".join(p) for p in itertools.product("ahvd", repeat=levels)]
    for channel in range(2):
        tree = pywt.WaveletPacket2D(x[0, channel].numpy(), wavelet, "periodization", maxlevel=levels)
        for i, path in enumerate(paths):
            np.testing.assert_allclose(ll[0, channel * len(paths) + i].numpy(), tree[path].data, atol=1e-12)


def test_packets_of_learned_wavelets_and_of_no_wavelets() -> None:
    x = image(1, 1, 12, 16)
    assert build("transform", {"name": "packets", "wavelet": "lattice"}).reconstruction_error(x) < 1e-12
    for name in ("undecimated", "packets"):
        with pytest.raises(InputError, match="halves the size"):
            build("transform", {"name": "packets", "wavelet": name})
    with pytest.raises(InputError, match="identity"):
        build("transform", {"name": "packets", "wavelet": "identity"})
    with pytest.raises(InputError, match="haar"):
        build("transform", {"name": "packets", "wavelet": "harr"})
    with pytest.raises(InputError, match="multiple of 16"):
        build("transform", "packets").inverse(Subbands(image(1, 8, 2, 2), (), (8, 8)))
