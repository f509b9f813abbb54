"""Guidance: the residual of the measurement falls, by the operator's adjoint, and nothing else changes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from systems import picture, tiny
from torch import Tensor

from wavegen.bridges import BBDP, Guidance, guided, make_grid, sample
from wavegen.bridges.guidance import correction
from wavegen.core.errors import InputError


class Blur:
    """A Gaussian-like blur with zeros outside, and means over cells of ``bin`` pixels."""

    def __init__(self, channels: int = 1, cell: int = 1) -> None:
        taps = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0]) / 16
        self.kernel = torch.outer(taps, taps).expand(channels, 1, 5, 5).contiguous()
        self.channels, self.cell, self.calls = channels, cell, 0

    def apply(self, x: Tensor) -> Tensor:
        blurred = F.conv2d(x, self.kernel.to(x), padding=2, groups=self.channels)
        return F.avg_pool2d(blurred, self.cell)

    def adjoint(self, y: Tensor) -> Tensor:
        self.calls += 1
        spread = y.repeat_interleave(self.cell, -1).repeat_interleave(self.cell, -2) / self.cell**2
        return F.conv2d(spread, self.kernel.to(y), padding=2, groups=self.channels)


def residual(guidance: Guidance, image: Tensor, measured: Tensor, at: Tensor) -> Tensor:
    """The weighted squares with the weights of the estimate ``at``."""
    mean = guidance.operator.apply(image) + guidance.background
    variance = guidance.gain * (guidance.operator.apply(at).clamp_min(0) + guidance.background) + guidance.read_noise**2
    return ((measured - mean).square() / variance).sum(dim=(1, 2, 3))


@settings(deadline=None, max_examples=20, derandomize=True)
@given(
    strength=st.floats(0.05, 1.0),
    iterations=st.integers(1, 6),
    cell=st.sampled_from([1, 2, 4]),
    gain=st.floats(0, 3),
    seed=st.integers(0, 99),
)
def test_the_residual_falls(strength: float, iterations: int, cell: int, gain: float, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    x0, truth = 20 * torch.rand(2, 3, 1, 16, 16, generator=generator, dtype=torch.float64)
    guidance = Guidance(Blur(cell=cell), None, gain, 0.5, 2.0, strength, iterations)
    measured = guidance.operator.apply(truth) + 2.0

    def to_image(band: Tensor) -> Tensor:
        return 3 * band + 1

    before = residual(guidance, to_image(x0), measured, to_image(x0))
    moved = x0 + strength * correction(x0, guidance, measured, to_image)
    after = residual(guidance, to_image(moved), measured, to_image(x0))
    assert (after < before).all()


def test_conjugate_gradients_reach_the_least_squares() -> None:
    """Many iterations solve the normal equations; one is steepest descent with the exact length."""
    generator = torch.Generator().manual_seed(0)
    x0, truth = torch.rand(2, 1, 1, 6, 6, generator=generator, dtype=torch.float64)
    operator = Blur()
    matrix = torch.stack([operator.apply(e.view(1, 1, 6, 6)).flatten() for e in torch.eye(36).double()], dim=1)
    measured = operator.apply(truth)
    weight = (1 / (operator.apply(x0) + 0.25)).flatten()
    left = (measured - operator.apply(x0)).flatten()
    normal, right = matrix.T @ (weight[:, None] * matrix), matrix.T @ (weight * left)
    one = correction(x0, Guidance(operator, None, 1.0, 0.5), measured, lambda band: band).flatten()
    torch.testing.assert_close(one, right * (right @ right) / (right @ normal @ right), rtol=1e-9, atol=1e-12)
    many = correction(x0, Guidance(operator, None, 1.0, 0.5, iterations=300), measured, lambda band: band).flatten()
    torch.testing.assert_close(normal @ many, right, rtol=1e-6, atol=1e-9)


def test_sharper_than_the_unguided() -> None:
    """A network that only smooths, a known blur: guidance brings back what the light allows."""
    generator = torch.Generator().manual_seed(0)
    x = F.interpolate(100 * torch.rand(2, 1, 16, 16, generator=generator), scale_factor=2.0, mode="nearest")
    operator = Blur()
    y = torch.poisson(operator.apply(x), generator=generator) + torch.randn(x.shape, generator=generator)

    def predict_x0(x_t: Tensor, t: Tensor, y: Tensor) -> Tensor:
        return operator.apply(y)

    errors, calls = [], operator.calls
    for strength in (0.0, 0.5, 1.0):
        guidance = Guidance(operator, strength=strength, iterations=3)
        model = guided(predict_x0, guidance, y, lambda band: band)
        restored = sample(BBDP(0.1), model, y, grid=make_grid("uniform", 4), eta=0.0).x
        errors.append(float((restored - x).norm()))
        assert (operator.calls > calls) == (strength > 0)
    assert errors[2] < errors[1] < 0.9 * errors[0]


# -- in a pipeline ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["bbdm", "mscgm", "mscgm-joint", "unet"])
def test_strength_zero_is_no_guidance(name: str) -> None:
    steps = 1 if name == "unet" else 2
    pipeline, y = tiny(name, sampler={"steps": steps}), picture(19, 22)
    plain = pipeline.restore(y, samples=2)
    none = pipeline.restore(y, samples=2, guidance=Guidance(Blur(), strength=0.0))
    np.testing.assert_array_equal(plain.samples, none.samples)
    assert np.linalg.norm(plain.samples - pipeline.restore(y, samples=2, guidance=Guidance(Blur())).samples) > 1


# The untrained heads of mscgm add what guidance of the coarsest band cannot take away.
@pytest.mark.parametrize(("name", "share"), [("bbdm", 0.9), ("unet", 0.9), ("mscgm", 0.98)])
def test_restorations_agree_better_with_the_measurement(name: str, share: float) -> None:
    """In the input's units, also where a band is guided through the transform and heads add details."""
    pipeline = tiny(name)
    y = 200 + picture(2, 1, 24, 24)
    steps = 1 if name == "unet" else 3
    plain, ours = (
        pipeline.restore(y, steps=steps, guidance=g).image
        for g in (None, Guidance(Blur(), read_noise=3.0, iterations=5))
    )
    left = [np.linalg.norm(Blur().apply(torch.from_numpy(image)).numpy() - y) for image in (plain, ours)]
    assert left[1] < share * left[0]


def test_a_measurement_of_another_shape() -> None:
    """A binned detector: y is shown to the network at full size, the measurement has its own."""
    pipeline, y = tiny("bbdm", sampler={"steps": 2}), picture(1, 1, 16, 16)
    measured = Blur(cell=2).apply(torch.from_numpy(y)).float()
    guidance = Guidance(Blur(cell=2), measured=measured, iterations=4)
    plain, ours = (torch.from_numpy(pipeline.restore(y, guidance=g).image) for g in (None, guidance))
    left = [(Blur(cell=2).apply(image) - measured).norm() for image in (plain, ours)]
    assert left[1] < left[0]
    with pytest.raises(InputError, match=r"operator gives \(1, 1, 8, 8\), the measurement is \(1, 1, 16, 16\)"):
        pipeline.restore(y, guidance=Guidance(Blur(cell=2)))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"strength": -0.1}, "strength = -0.1; give a number from 0 to 1"),
        ({"strength": float("nan")}, "strength = nan"),
        ({"gain": -1.0}, "gain = -1"),
        ({"read_noise": 0.0}, "read_noise = 0.0"),
        ({"iterations": 0}, "iterations = 0"),
    ],
    ids=str,
)
def test_wrong_options_are_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        Guidance(Blur(), **options)
