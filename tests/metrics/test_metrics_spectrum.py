from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.testing import assert_close

from wavegen.core.errors import InputError
from wavegen.metrics import radial_spectrum, spectrum_error


@pytest.mark.parametrize("shape", [(12, 12), (13, 13), (12, 17), (9, 4)])
def test_equal_to_a_loop_over_frequencies(shape):
    x = torch.rand(2, 3, *shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    height, width = shape
    size = min(shape)
    power = (np.abs(np.fft.fft2(x.numpy())) ** 2 / (height * width)).mean(axis=1)
    rings: list[list[np.ndarray]] = [[] for _ in range(size // 2 + 1)]
    for i, fy in enumerate(np.fft.fftfreq(height)):
        for j, fx in enumerate(np.fft.fftfreq(width)):
            k = round(math.hypot(fy, fx) * size)
            if k <= size // 2:
                rings[k].append(power[:, i, j])
    expected = np.stack([10 * np.log10(np.mean(ring, axis=0)) for ring in rings], axis=1)
    np.testing.assert_allclose(radial_spectrum(x), expected, rtol=1e-9)


def test_a_wave_is_in_its_ring():
    x = torch.cos(2 * math.pi * 5 * torch.arange(32) / 32).expand(1, 1, 32, 32)
    assert int(radial_spectrum(x)[0].argmax()) == 5


def test_white_noise_is_flat_at_its_variance():
    x = 0.1 * torch.randn(64, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    mean_power = (10 ** (radial_spectrum(x) / 10)).mean(dim=0)
    # Ring 0 has one real frequency: relative error sqrt(2 / 64) = 0.18; the others have 4 and more.
    assert_close(mean_power[1:], torch.full((16,), 0.01), rtol=0.35, atol=0)


@settings(deadline=None, max_examples=10)
@given(scale=st.floats(0.01, 100.0))
def test_a_gain_shifts_every_ring(scale):
    x = torch.rand(2, 1, 16, 16, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    shift = 20 * math.log10(scale)
    assert_close(radial_spectrum(scale * x), radial_spectrum(x) + shift)
    expected = torch.full((2,), abs(shift), dtype=torch.float64)
    assert_close(spectrum_error(scale * x, x), expected)


def test_blurring_raises_the_error(noisy_pair):
    restored, target = noisy_pair()
    blurred = torch.nn.functional.avg_pool2d(restored, 3, stride=1, padding=1)
    assert bool((spectrum_error(blurred, restored) > 1).all())
    assert_close(spectrum_error(target, target), torch.zeros(2, dtype=torch.float64))


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_constant_images_give_finite_figures(value):
    flat = torch.full((1, 1, 8, 8), value)
    assert bool(torch.isfinite(spectrum_error(flat, torch.rand(1, 1, 8, 8))).all())


def test_wrong_images():
    with pytest.raises(InputError, match=r"\(B, C, H, W\)"):
        radial_spectrum(torch.rand(8, 8))
