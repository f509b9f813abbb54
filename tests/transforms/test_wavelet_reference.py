"""Coefficients against PyWavelets, reconstruction and Parseval for every discrete wavelet."""

from __future__ import annotations

import math

import numpy as np
import pytest
import pywt
import torch
from torch import Tensor

from benchmarks.transform_accuracy import accuracy
from wavegen.core.errors import InputError
from wavegen.core.registry import build, describe
from wavegen.core.types import Subbands
from wavegen.transforms import discrete_wavelets, filter_pairs, is_orthonormal, max_levels

WAVELETS = discrete_wavelets()
MODES = ["periodization", "symmetric", "reflect", "zero"]
SMALL = [(1, 3), (6, 2), (31, 33)]
FEW = ["haar", "db1", "db4", "bior3.1", "rbio2.8", "sym20"]

# Relative reconstruction error in float64 where the taps as published are less exact than 1e-12.
FLOAT64 = {"sym": 1e-10, "bior4.4": 1e-11, "bior5.5": 1e-11, "rbio4.4": 1e-11, "rbio5.5": 1e-11, "dmey": 2e-2}
# The same in float32 where it is not 1e-6.
FLOAT32 = {"dmey": 2e-2}


def tolerance(table: dict[str, float], name: str, default: float) -> float:
    return table.get(name, table.get(name.rstrip("0123456789."), default))


def image(*shape: int, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(*shape, dtype=dtype, generator=torch.Generator().manual_seed(0))


def all_bands(bands: Subbands) -> list[Tensor]:
    return [bands.ll, *(band for details in bands.details for band in details)]


@pytest.mark.parametrize("mode", MODES)
def test_every_wavelet_and_mode_equals_pywavelets(mode: str) -> None:
    """The details of a deep decomposition are those of all shallower ones, so that two depths suffice."""
    for row in accuracy(modes=[mode], levels=(2, 4), sizes=SMALL, dtypes=[torch.float64]):
        assert row.error <= 1e-10, row
        assert row.reconstruction <= tolerance(FLOAT64, row.family, 1e-11), row


@pytest.mark.parametrize("mode", MODES)
def test_every_size_equals_pywavelets(mode: str) -> None:
    for row in accuracy([*FEW, "dmey"], modes=[mode]):
        assert row.error <= (1e-10 if row.dtype == "float64" else 1e-5), row


def test_a_single_sample_is_reflected_into_itself() -> None:
    x = image(1, 1, 1, 6)
    bands = build("transform", {"name": "db3", "levels": 1, "mode": "reflect"}).forward(x)
    twice = build("transform", {"name": "db3", "levels": 1, "mode": "symmetric"}).forward(x)
    torch.testing.assert_close(bands.ll.sum(-2)[..., 2], twice.ll.sum(-2)[..., 2])


@pytest.mark.parametrize("name", WAVELETS)
def test_reconstruction(name: str) -> None:
    for size in ((1, 1), (2, 3), (31, 33), (100, 57)):
        transform = build("transform", {"name": name, "levels": min(2, max_levels(size))})
        x = image(2, 3, *size)
        assert transform.reconstruction_error(x) <= tolerance(FLOAT64, name, 1e-12)
        assert transform.reconstruction_error(x.float()) <= tolerance(FLOAT32, name, 1e-6)
        assert transform.inverse(transform.forward(x)).shape == x.shape


@pytest.mark.parametrize("name", FEW)
def test_reconstruction_equals_pywavelets_on_arbitrary_bands(name: str) -> None:
    # Bands that are no image's: reconstruction of an image alone cannot see swapped filters.
    ll, h, v, d = image(4, 1, 1, 7, 4).unbind(0)
    got = build("transform", {"name": name, "levels": 1}).synthesise(ll, h, v, d)
    want = pywt.idwt2((ll.numpy(), (h.numpy(), v.numpy(), d.numpy())), name, mode="periodization")
    np.testing.assert_allclose(got.numpy(), want, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", WAVELETS)
def test_parseval_holds_exactly_for_those_called_orthonormal(name: str) -> None:
    transform = build("transform", {"name": name, "levels": 3})
    x = image(1, 1, 48, 40)
    energy = sum(float(band.square().sum()) for band in all_bands(transform.forward(x)))
    preserved = math.isclose(energy, float(x.square().sum()), rel_tol=1e-6)
    assert preserved == transform.orthonormal
    assert ("orthonormal" in describe("transform", name)["capabilities"]) == transform.orthonormal


def test_which_wavelets_are_orthonormal() -> None:
    others = {name for name in WAVELETS if not is_orthonormal(filter_pairs(name)[0])}
    spline = {name for name in WAVELETS if name.startswith(("bior", "rbio"))}
    assert others == (spline - {"bior1.1", "rbio1.1"}) | {"dmey"}


def test_haar_equals_db1() -> None:
    x = image(2, 2, 13, 10)
    haar = build("transform", {"name": "haar", "levels": 3}).forward(x)
    db1 = build("transform", {"name": "db1", "levels": 3}).forward(x)
    for got, want in zip(all_bands(haar), all_bands(db1), strict=True):
        torch.testing.assert_close(got, want)


def test_haar_closed_form() -> None:
    x = torch.tensor([[1.0, 2.0], [3.0, 5.0]])[None, None]
    bands = build("transform", {"name": "haar", "levels": 1}).forward(x)
    values = torch.cat([band.flatten() for band in all_bands(bands)])
    torch.testing.assert_close(values, torch.tensor([5.5, -2.5, -1.5, 0.5]))


def test_unknown_wavelet_is_answered_with_near_matches() -> None:
    with pytest.raises(InputError, match="did you mean"):
        filter_pairs("db44")
