from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.testing import assert_close

from wavegen.core.errors import InputError
from wavegen.metrics import psnr, spread, ssim


@pytest.mark.parametrize("channels", [1, 3])
def test_psnr_and_ssim_equal_skimage(noisy_pair, channels):
    from skimage.metrics import peak_signal_noise_ratio, structural_similarity

    restored, target = noisy_pair(3, channels, 33)
    expected_psnr = [
        peak_signal_noise_ratio(t.numpy(), r.numpy(), data_range=2.0) for r, t in zip(restored, target, strict=True)
    ]
    expected_ssim = [
        structural_similarity(
            t.numpy(),
            r.numpy(),
            data_range=2.0,
            channel_axis=0,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
        )
        for r, t in zip(restored, target, strict=True)
    ]
    np.testing.assert_allclose(psnr(restored, target, 2.0), expected_psnr, rtol=1e-10)
    np.testing.assert_allclose(ssim(restored, target, 2.0), expected_ssim, rtol=1e-10)
    np.testing.assert_allclose(psnr(restored.float(), target.float(), 2.0), expected_psnr, rtol=1e-5)
    np.testing.assert_allclose(ssim(restored.float(), target.float(), 2.0), expected_ssim, atol=1e-5)


@settings(deadline=None, max_examples=15)
@given(offset=st.floats(0.01, 5.0), data_range=st.floats(0.1, 1e5))
def test_psnr_of_a_constant_offset(offset, data_range):
    x = torch.zeros(2, 1, 5, 7, dtype=torch.float64)
    expected = torch.full((2,), 20 * math.log10(data_range / offset), dtype=torch.float64)
    assert_close(psnr(x + offset, x, data_range), expected)


def test_psnr_of_equal_images_is_infinite():
    x = torch.rand(2, 1, 4, 4)
    assert torch.isposinf(psnr(x, x, 1.0)).all()


@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 1000))
def test_ssim_is_symmetric_and_at_most_one(seed):
    generator = torch.Generator().manual_seed(seed)
    x, y = torch.rand(2, 2, 1, 16, 13, generator=generator, dtype=torch.float64)
    assert_close(ssim(x, y, 1.0), ssim(y, x, 1.0))
    assert bool((ssim(x, y, 1.0) <= 1).all())
    assert_close(ssim(x, x, 1.0), torch.ones(2, dtype=torch.float64))


def test_ssim_keeps_float32_accuracy_on_a_large_offset(noisy_pair):
    restored, target = (60000 + 200 * image for image in noisy_pair())
    restored, target = restored.float(), target.float()
    exact = ssim(restored.double(), target.double(), 200.0)
    assert_close(ssim(restored, target, 200.0).double(), exact, atol=1e-5, rtol=0)


def test_ssim_gradient(noisy_pair):
    restored, target = noisy_pair(1, 1, 12)
    restored.requires_grad_(True)
    assert torch.autograd.gradcheck(lambda x: ssim(x, target, 1.0), (restored,))


def test_ssim_ignores_autocast(noisy_pair):
    restored, target = (image.float() for image in noisy_pair())
    with torch.autocast("cpu", torch.bfloat16):
        inside = ssim(restored, target, 1.0)
    assert_close(inside, ssim(restored, target, 1.0))
    assert ssim(restored.bfloat16(), target.bfloat16(), 1.0).dtype == torch.float32


@pytest.mark.parametrize("metric", [psnr, ssim])
def test_a_range_for_each_image(noisy_pair, metric):
    restored, target = noisy_pair(2)
    together = metric(restored, target, torch.tensor([1.0, 3.0]))
    alone = torch.cat([metric(restored[:1], target[:1], 1.0), metric(restored[1:], target[1:], 3.0)])
    assert_close(together, alone)


@pytest.mark.parametrize("data_range", [0.0, -1.0, math.nan, math.inf, torch.ones(3), torch.ones(2, 1)])
def test_wrong_ranges(noisy_pair, data_range):
    with pytest.raises(InputError, match="data_range must be"):
        psnr(*noisy_pair(2), data_range)


def test_wrong_images():
    x = torch.rand(2, 1, 10, 30)
    with pytest.raises(InputError, match="at least 11 x 11 pixels"):
        ssim(x, x, 1.0)
    with pytest.raises(InputError, match="one shape"):
        psnr(x, x[:1], 1.0)
    with pytest.raises(InputError, match=r"\(B, C, H, W\)"):
        psnr(x[0], x[0], 1.0)
    with pytest.raises(InputError, match="floating-point"):
        psnr(x.long(), x.long(), 1.0)


def test_spread_is_the_noise_level():
    generator = torch.Generator().manual_seed(0)
    level = torch.tensor([0.5, 2.0]).view(1, 2, 1, 1, 1)
    samples = 7 + level * torch.randn(5, 2, 1, 64, 64, generator=generator)
    # 64² independent variances with 4 degrees of freedom: relative error sqrt(1 / (2 * 4 * 4096)) = 0.006.
    assert_close(spread(samples), torch.tensor([0.5, 2.0]), rtol=0.03, atol=0)
    expected = np.sqrt(samples.numpy().var(axis=0, ddof=1).mean(axis=(1, 2, 3)))
    np.testing.assert_allclose(spread(samples), expected, rtol=1e-5)


def test_spread_of_one_sample_is_zero():
    assert_close(spread(torch.rand(1, 3, 1, 4, 4)), torch.zeros(3))
    with pytest.raises(InputError, match="S, B, C, H, W"):
        spread(torch.rand(3, 1, 4, 4))
