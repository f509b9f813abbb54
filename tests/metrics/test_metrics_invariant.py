from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from scipy.optimize import minimize_scalar
from torch.testing import assert_close

from wavegen.core.errors import InputError
from wavegen.metrics import apply_affine, fit_affine, micro_ssim, ms_ssim, psnr, range_invariant_psnr, ssim


def by_scipy(x, y, data_range):
    """Eq. 7 of the paper over SciPy's Gaussian filter."""

    def window(images):
        return gaussian_filter(images, 1.5, truncate=3.5, axes=(2, 3))[..., 5:-5, 5:-5]

    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    x, y, result = x.numpy(), y.numpy(), 1.0
    for level, weight in enumerate((0.0448, 0.2856, 0.3001, 0.2363, 0.1333)):
        mx, my = window(x), window(y)
        part = (2 * (window(x * y) - mx * my) + c2) / (window(x * x) - mx**2 + window(y * y) - my**2 + c2)
        if level == 4:
            part = part * (2 * mx * my + c1) / (mx**2 + my**2 + c1)
        result = result * part.mean(axis=(1, 2, 3)) ** weight
        h, w = (n // 2 * 2 for n in x.shape[2:])
        x, y = (sum(i[..., a:h:2, b:w:2] for a in (0, 1) for b in (0, 1)) / 4 for i in (x, y))
    return torch.from_numpy(result)


@pytest.mark.parametrize(("channels", "size"), [(1, 176), (3, 190)])
def test_ms_ssim_equals_torchmetrics(noisy_pair, channels, size):
    from torchmetrics.functional.image import multiscale_structural_similarity_index_measure as reference

    restored, target = noisy_pair(2, channels, size)
    expected = reference(restored, target, data_range=2.0, reduction="none")
    # Torchmetrics also averages over the padded windows of the coarsest scale.
    assert_close(ms_ssim(restored, target, 2.0), expected, rtol=0, atol=3e-5)
    assert_close(ms_ssim(restored, target, 2.0), by_scipy(restored, target, 2.0), rtol=1e-9, atol=0)
    assert_close(ms_ssim(restored.float(), target.float(), 2.0), expected.float(), rtol=0, atol=4e-5)
    assert_close(ms_ssim(target, target, 1.0), torch.ones(2, dtype=torch.float64))


def test_ms_ssim_of_a_small_or_opposite_image():
    x = torch.rand(1, 1, 175, 200)
    with pytest.raises(InputError, match=r"at least 176 x 176 pixels .* got 175 x 200: use ssim"):
        ms_ssim(x, x, 1.0)
    y = torch.rand(1, 1, 176, 176)
    assert float(ms_ssim(1 - y, y, 1.0)) == 0


def test_fit_is_least_squares(noisy_pair):
    restored, target = noisy_pair(2, 2)
    gain, offset = fit_affine(restored, target)
    for i in range(2):
        matrix = np.stack([restored[i].flatten().numpy(), np.ones(restored[i].numel())], axis=1)
        expected = np.linalg.lstsq(matrix, target[i].flatten().numpy(), rcond=None)[0]
        np.testing.assert_allclose([gain[i], offset[i]], expected, rtol=1e-9)
    assert_close(apply_affine(restored, fit_affine(restored, target)), restored * gain[0] + offset[0], rtol=1, atol=1)


def test_range_invariant_psnr(noisy_pair):
    restored, target = noisy_pair(2)
    score = range_invariant_psnr(restored, target, 1.0)
    assert bool((score >= psnr(restored, target, 1.0)).all())
    assert_close(range_invariant_psnr(300 * restored - 40, target, 1.0), score)
    # The residual of a line through correlated data: var(target) (1 - r²).
    r = [np.corrcoef(a.flatten(), b.flatten())[0, 1] for a, b in zip(restored, target, strict=True)]
    variance = target.flatten(1).var(dim=1, correction=0).numpy() * (1 - np.square(r))
    np.testing.assert_allclose(score, -10 * np.log10(variance), rtol=1e-9)
    flat = range_invariant_psnr(torch.full_like(target, 7.0), target, 1.0)
    assert_close(flat, -10 * target.flatten(1).var(dim=1, correction=0).log10())


def test_micro_ssim_finds_the_best_gain(noisy_pair):
    restored, target = noisy_pair(1)
    restored, target = 60 * restored + 500, 3000 * target + 100
    score = micro_ssim(restored, target, 4000.0)

    def above(image):
        return image - np.sort(image.flatten())[round(0.03 * image.numel()) - 1]

    x, y = above(restored), above(target)
    peak = y.max()
    best = minimize_scalar(
        lambda t: -float(ssim(x / peak * np.exp(t), y / peak, 1.0)[0]), bounds=(0, 8), options={"xatol": 1e-8}
    )
    assert float(score) == pytest.approx(-best.fun, abs=1e-7)
    assert float(score) > float(ssim(restored, target, 4000.0))
    assert_close(micro_ssim(restored * 7 + 3, target * 2 + 9, 4000.0), score)
    assert_close(micro_ssim(target, target, 1.0), torch.ones(1, dtype=torch.float64))


def test_wrong_images(noisy_pair):
    restored, target = noisy_pair()
    with pytest.raises(InputError, match="11 x 11"):
        micro_ssim(restored[..., :8], target[..., :8], 1.0)
    restored[0, 0, 0, 0] = torch.nan
    for metric in (micro_ssim, range_invariant_psnr):
        with pytest.raises(InputError, match="not finite"):
            metric(restored, target, 1.0)
