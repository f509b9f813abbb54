"""Spectra and residuals of data with known spectra; condition numbers; the residual of a network with known error."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from systems import tiny
from torch import Tensor

from wavegen.analysis import (
    BandSpectrum,
    Rings,
    condition_number,
    model_spectrum,
    residual_spectra,
    step_bound,
    wiener_residual,
)
from wavegen.core.errors import InputError
from wavegen.core.registry import build
from wavegen.core.types import Pair

SIDE = 32


def coloured(count: int, power: Tensor, seed: int) -> Tensor:
    """Stationary Gaussian images (count, 1, SIDE, SIDE) of a power spectrum (SIDE, SIDE)."""
    white = torch.randn(count, 1, SIDE, SIDE, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return torch.fft.ifft2(torch.fft.fft2(white) * power.sqrt()).real


def spectrum() -> Tensor:
    f = torch.fft.fftfreq(SIDE, dtype=torch.float64)
    return 1 / (1 + (torch.hypot(f[:, None], f[None]) / 0.15) ** 4)


def test_wiener_residual_of_a_known_spectrum() -> None:
    """y = x + white noise n: v = S n / (S + n)."""
    power, noise = spectrum(), 0.05
    x = coloured(400, power, 0)
    y = x + noise**0.5 * torch.randn(x.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    rings, found, residual, kurtosis = wiener_residual(x, y)
    wanted = rings.mean(power * noise / (power + noise))
    np.testing.assert_allclose(found[2:], rings.mean(power)[2:], rtol=0.1)
    np.testing.assert_allclose(residual[2:], wanted[2:], rtol=0.1)
    np.testing.assert_allclose(kurtosis, 3, rtol=0.05)


def test_energy_of_a_sparse_residual_is_found() -> None:
    """A twentieth of the places has 16 times the average variance: kurtosis / 3 is E[V²] / E[V]²."""
    x = coloured(300, spectrum(), 0)
    generator = torch.Generator().manual_seed(1)
    variance = torch.where(torch.rand(x.shape, generator=generator) < 0.05, 16.0, 0.2 / 0.95)
    y = x + 0.1 * variance.sqrt() * torch.randn(x.shape, generator=generator, dtype=torch.float64)
    *_, kurtosis = wiener_residual(y - x, x)
    energy = 0.05 * 16.0**2 + 0.95 * (0.2 / 0.95) ** 2
    np.testing.assert_allclose(kurtosis / 3, energy, rtol=0.1)
    band = BandSpectrum("LL", (0.1, 0.4), (8.0, 24.0), (1.0, 0.5), (0.2, 0.1), kurtosis)
    np.testing.assert_allclose(band.variances, [0.2 * kurtosis / 3, 0.1 * kurtosis / 3])
    flat = BandSpectrum("LL", (0.1, 0.4), (8.0, 24.0), (1.0, 0.5), (0.2, 0.1), 2.0)
    assert flat.variances == flat.residual  # no mixture has less than 3


def test_residual_of_what_y_does_not_tell_is_the_band_itself() -> None:
    """Fitted and judged on the same images it would be smaller."""
    x, y = coloured(16, spectrum(), 0), coloured(16, spectrum(), 9)
    _, power, residual, _ = wiener_residual(x, y)
    assert 0.99 < float((residual / power).mean()) < 1.2


def test_rings_keep_power_and_count_every_mode() -> None:
    rings = Rings(12, 20)
    assert float(rings.modes.sum()) == 240
    white = torch.randn(400, 12, 20, generator=torch.Generator().manual_seed(0))
    np.testing.assert_allclose(rings.mean(rings.transform(white).abs().square().mean(0))[1:], 1, atol=0.1)


class Noisy:
    """x is coloured, y is x and noise; 16 images."""

    def __init__(self, count: int = 16) -> None:
        self.x = 50 + coloured(16, spectrum(), 3).float()[:count]

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, index: int) -> Pair:
        noise = torch.randn(1, SIDE, SIDE, generator=torch.Generator().manual_seed(index))
        return Pair(self.x[index], self.x[index] + 0.1 * noise)


def test_every_subband_has_its_spectrum() -> None:
    bands = residual_spectra(Noisy(), build("transform", {"name": "haar", "levels": 2}))
    assert [band.name for band in bands] == ["LL2", "H2", "V2", "D2", "H1", "V1", "D1"]
    for band in bands:
        assert 0 < band.unexplained <= 1.3
        np.testing.assert_allclose(sum(band.weights), 1)
        assert min(band.residual) > 0
    assert bands[0].unexplained < 0.1


def test_model_spectrum_is_that_of_the_networks_error(monkeypatch: pytest.MonkeyPatch) -> None:
    pipe, data = tiny("bbdm"), Noisy()
    monkeypatch.setattr("wavegen.pipeline.denoiser.Denoiser.__call__", lambda self, x_t, t, y: y)  # y as the estimate
    band = model_spectrum(pipe, data)
    pairs = [pipe.normalise(data[i]) for i in range(16)]
    error = torch.stack([p.x - p.y for p in pairs]) / pipe.norm.low_scale[0]
    rings = Rings(SIDE, SIDE)
    np.testing.assert_allclose(band.residual, rings.mean(rings.transform(error).abs().square().mean((0, 1))), rtol=1e-4)
    np.testing.assert_allclose(band.kurtosis, error.pow(4).mean() / error.square().mean() ** 2, rtol=1e-4)


def test_condition_number_is_robust() -> None:
    modes = [1.0, 100.0, 100.0, 1.0]
    np.testing.assert_allclose(condition_number([1e6, 8.0, 2.0, 1e-6], modes), 4.0)
    np.testing.assert_allclose(step_bound(4.0, 0.1), 6400)


def test_bad_input_is_refused() -> None:
    with pytest.raises(InputError, match="8 images or more"):
        wiener_residual(torch.zeros(4, 1, 16, 16), torch.zeros(4, 1, 16, 16))
    with pytest.raises(InputError, match="8 or more"):
        residual_spectra(Noisy(4), build("transform", "identity"))
    with pytest.raises(InputError, match="at least 8x8"):
        residual_spectra(Noisy(), build("transform", {"name": "haar", "levels": 3}))
    with pytest.raises(InputError, match="powers above 0"):
        condition_number([1.0, 0.0], [1.0, 1.0])
    with pytest.raises(InputError, match="epsilon"):
        step_bound(2.0, 0.0)
