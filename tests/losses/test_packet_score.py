"""Two draws are scored frequency by frequency."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from wavegen.losses.scores import packet_score


def field(count: int, smooth: bool, seed: int, side: int = 64) -> Tensor:
    """Normal fields of variance 1, white or correlated over 4 pixels (by the Fourier transform)."""
    white = torch.randn(count, 1, side, side, generator=torch.Generator().manual_seed(seed))
    if not smooth:
        return white
    k = torch.fft.fftfreq(side)
    gain = torch.exp(-((k[:, None] ** 2 + k[None] ** 2) / (2 * 0.06**2)))
    made = torch.fft.ifft2(torch.fft.fft2(white) * gain).real
    return made / made.std()


@pytest.mark.parametrize("levels", [0, 2, 3])
def test_least_for_draws_like_the_truth(levels: int) -> None:
    truth, a, b = (field(16, True, seed) for seed in range(3))
    scores = {s: float(packet_score(s * a, s * b, truth, levels)) for s in (0.0, 0.5, 1.0, 2.0)}
    assert min(scores, key=scores.__getitem__) == 1.0


def test_sees_the_spectrum_of_noise_that_is_right_pixel_by_pixel() -> None:
    """White noise of the truth's variance: pixels cannot tell it from draws of the truth, packets can."""
    truth, a, b = (field(16, True, seed) for seed in range(3))
    white = [field(16, False, seed) for seed in (3, 4)]
    torch.testing.assert_close(packet_score(*white, truth, 0), packet_score(a, b, truth, 0), rtol=0.05, atol=0)
    assert float(packet_score(*white, truth, 3)) > 2 * float(packet_score(a, b, truth, 3))


def test_closed_form_without_levels() -> None:
    truth = torch.tensor([1.0, -1.0]).view(1, 1, 1, 2)  # deviation sqrt(2), mean 0
    zero = torch.zeros_like(truth)
    torch.testing.assert_close(packet_score(zero, zero, truth), torch.tensor(2**-0.5))


def test_small_and_constant_images() -> None:
    for side in (1, 3, 9):
        x = torch.zeros(2, 1, side, side)
        score = packet_score(x, x, x) if side > 1 else packet_score(x, x, x.clone())
        assert torch.isfinite(score)
