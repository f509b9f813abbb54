"""The scale of a score: each against its definition, written out."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from wavegen.core.errors import InputError
from wavegen.metrics.scales import affine_fit, scaled


def batch(channels: int = 1, count: int = 3, side: int = 24, seed: int = 0) -> torch.Tensor:
    return 255 * torch.rand(count, channels, side, side, generator=torch.Generator().manual_seed(seed))


def test_target_scale_fits_nothing() -> None:
    x = batch()
    a, b = scaled("target", 2 * x + 5, x)
    for i in range(len(x)):
        low, high = np.percentile(x[i].numpy(), [0.1, 99.9])
        assert_close(b[i], (x[i].double() - low) / (high - low), rtol=1e-4, atol=1e-4)
        assert_close(a[i], (2 * x[i].double() + 5 - low) / (high - low), rtol=1e-4, atol=1e-4)


def test_affine_scale_forgives_gain_and_offset_of_each_image() -> None:
    x = batch()
    gains = torch.tensor([0.5, 2.0, 7.0]).view(3, 1, 1, 1)
    a, b = scaled("affine", gains * x + 11, x)
    assert_close(a, b, rtol=1e-4, atol=1e-4)


def test_affine_fit_is_least_squares() -> None:
    image, target = batch(seed=1), batch(seed=2)
    made = affine_fit(image, target)
    for i in range(len(image)):
        design = np.stack([image[i].numpy().ravel(), np.ones(image[i].numel())], axis=1)
        solution = np.linalg.lstsq(design, target[i].numpy().ravel(), rcond=None)[0]
        assert_close(made[i].flatten(), torch.from_numpy(design @ solution).float(), rtol=1e-3, atol=1e-2)


def test_a_constant_image_is_fitted_by_the_mean() -> None:
    target = batch()
    made = affine_fit(torch.full_like(target, 3.0), target)
    assert_close(made, target.mean((1, 2, 3), keepdim=True).expand_as(target))


def test_fixed_scale_is_that_of_8_bit_images() -> None:
    x = batch(3)
    a, b = scaled("fixed", x + 51, x)
    assert_close(a - b, torch.full_like(x, 0.2))


def test_luma_is_that_of_video() -> None:
    """White is 235, black 16; a border of 4 pixels is left out."""
    white, black = torch.full((1, 3, 16, 20), 255.0), torch.zeros(1, 3, 16, 20)
    a, b = scaled("luma", white, black)
    assert a.shape == (1, 1, 8, 12)
    assert_close(a, torch.full_like(a, 235 / 255))
    assert_close(b, torch.full_like(b, 16 / 255))
    with pytest.raises(InputError, match="leaves out 4 pixels"):
        scaled("luma", white[..., :8], black[..., :8])
