"""Camera, background, shadow and low light against their formulas: means, variances, limits."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from wavegen.core.errors import InputError
from wavegen.core.registry import build
from wavegen.degradations import Background, Camera, GaussianNoise, LowLight, Shadow

LEVELS = (5.0, 20.0, 80.0, 320.0, 1280.0)


def mean_variance(camera: Camera, side: int = 400) -> tuple[np.ndarray, np.ndarray]:
    x = torch.tensor(LEVELS).view(-1, 1, 1, 1).expand(-1, 1, side, side)
    counts = camera(x, 0).double()
    return counts.mean(dim=(1, 2, 3)).numpy(), counts.var(dim=(1, 2, 3)).numpy()


@pytest.mark.parametrize("gain", [0.5, 2.0])
def test_noise_lies_on_the_photon_transfer_line(gain):
    """Variance = (mean - offset) / gain + (read / gain)² + 1/12 for the rounding: slope within 2 %."""
    mean, variance = mean_variance(Camera(qe=0.8, read_noise=3.0, gain=gain, offset=100.0, background=2.0))
    np.testing.assert_allclose(mean, 100 + 0.8 * (np.array(LEVELS) + 2.0) / gain, rtol=2e-3)
    expected = (mean - 100) / gain + (3.0 / gain) ** 2 + 1 / 12
    np.testing.assert_allclose(variance, expected, rtol=0.02)
    slope, _ = np.polyfit(mean, variance, 1)
    assert slope == pytest.approx(1 / gain, rel=0.02)


def test_saturation_and_quantisation():
    counts = Camera(bits=8, offset=10)(torch.full((1, 1, 16, 16), 1000.0), 0)
    assert_close(counts, torch.full_like(counts, 255))
    well = Camera(full_well=500.0, offset=0.0, bits=None)(torch.full((1, 1, 16, 16), 1000.0), 0)
    assert_close(well, torch.full_like(well, 500))
    dark = Camera(offset=0.0, read_noise=5.0)(torch.zeros(1, 1, 64, 64), 0)
    assert float(dark.min()) == 0
    assert_close(dark, dark.round())
    free = Camera(offset=0.0, read_noise=5.0, bits=None)(torch.zeros(1, 1, 64, 64), 0)
    assert float(free.min()) < 0


def test_output_on_the_scale_of_the_input():
    x = torch.full((1, 1, 200, 200), 0.5)
    y = Camera(photons=400, qe=0.5, gain=2, output="input")(x, 0)
    assert float(y.mean()) == pytest.approx(0.5, rel=0.01)


def test_an_offset_that_the_converter_cannot_hold():
    with pytest.raises(InputError, match=r"offset = 4095 .* 12 bits, 4095"):
        build("degradation", {"name": "camera", "bits": 12, "offset": 4095})
    with pytest.raises(InputError, match="read_noise = -1"):
        build("degradation", {"name": "camera", "read_noise": -1})
    with pytest.raises(InputError, match="gain = 0"):
        build("degradation", {"name": "camera", "gain": 0})


def test_gaussian_noise_and_background():
    x = torch.full((2, 1, 200, 200), 3.0)
    assert float((GaussianNoise(0.5)(x, 0) - x).std()) == pytest.approx(0.5, rel=0.01)
    haze = Background(10.0, 0.5)(x, 0) - x
    assert float(haze.min()) >= 5.0 - 1e-4
    assert float(haze.max()) <= 15.0 + 1e-4
    assert float(haze[0].std()) > 0.5
    assert float((haze[0] - haze[1]).abs().max()) > 0.5
    assert float(haze.diff(dim=-1).abs().max()) < 0.5  # smooth
    assert_close(Background(10.0, 0.0)(x, 0), x + 10)


def test_shadow_is_darker_by_its_strength_over_its_area():
    y = Shadow(strength=0.7, area=0.3, softness=0.0, tint=0.0)(torch.ones(1, 3, 100, 100), 1)
    assert_close(y.unique(), torch.tensor([0.3, 1.0]))
    assert float((y < 0.5).float().mean()) == pytest.approx(0.3, abs=0.01)
    soft = Shadow(strength=0.7, area=0.3, softness=5.0, tint=0.2)(torch.ones(1, 3, 100, 100), 1)
    assert len({round(float(c.min()), 4) for c in soft[0]}) == 3
    assert float(soft.diff(dim=-1).abs().max()) < 0.15


def test_low_light():
    x = torch.full((1, 3, 100, 100), 0.8)
    y = LowLight(exposure=0.1, photons=5000, read_noise=1.0, gamma=2.0)(x, 0)
    linear = y.double().square()
    expected = 0.1 * 0.8**2
    assert float(linear.mean()) == pytest.approx(expected, rel=0.01)
    assert float(linear.var()) == pytest.approx((5000 * expected + 1) / 5000**2, rel=0.05)
    with pytest.raises(InputError, match=r"\[0, 1\]"):
        LowLight()(255 * x, 0)


def test_a_shadow_falls_on_images_of_any_size():
    x = torch.ones(1, 1, 4100, 4100)  # more than 2^24 pixels
    shadow = build("degradation", {"name": "shadow", "softness": 0})
    with torch.no_grad():
        shaded = (shadow(x, torch.Generator().manual_seed(0)) < 1).float().mean()
    assert float(shaded) == pytest.approx(0.4, abs=0.01)
