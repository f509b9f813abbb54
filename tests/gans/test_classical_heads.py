"""Copied and shrunk bands against closed forms; the bridge head against the one sampler."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import pywt
import torch
from bands import given, head
from hypothesis import given as over
from hypothesis import settings
from hypothesis import strategies as st
from torch import Tensor

from wavegen.bridges import BBDP, sample
from wavegen.core.types import Details
from wavegen.gans import bayes_shrink, noise_deviation


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_copy_is_what_y_has() -> None:
    known = given()
    for got, want in zip(head("copy")(known, torch.zeros(3, 0, 6, 5)), known.y_details, strict=True):
        torch.testing.assert_close(got, want, rtol=0, atol=0)


@pytest.mark.parametrize("sigma", [0.1, 3.0])
def test_deviation_of_white_noise(sigma: float) -> None:
    found = noise_deviation(sigma * normal(2, 3, 200, 200))
    torch.testing.assert_close(found, torch.full((2, 3, 1, 1), sigma), rtol=0.02, atol=0)
    # A tenth of the coefficients being edges moves it little; the standard deviation it would ruin.
    band = sigma * normal(1, 1, 200, 200)
    band[..., ::10] += 100 * sigma
    torch.testing.assert_close(noise_deviation(band), torch.full((1, 1, 1, 1), sigma), rtol=0.2, atol=0)


def reference(band: np.ndarray[Any, Any], sigma: float) -> np.ndarray[Any, Any]:
    """The formula, one band at a time, with PyWavelets' soft threshold."""
    signal = math.sqrt(max(float((band**2).mean()) - sigma**2, 0))
    if signal == 0:
        return np.zeros_like(band)
    shrunk: np.ndarray[Any, Any] = pywt.threshold(band, sigma**2 / signal, "soft")
    return shrunk


@settings(deadline=None, max_examples=40, derandomize=True)
@over(st.floats(0, 3), st.floats(0, 3), st.integers(0, 50))
def test_bayes_shrink_is_its_formula(size: float, sigma: float, seed: int) -> None:
    bands = size * normal(2, 2, 9, 7, seed=seed).double()
    got = bayes_shrink(bands, torch.full((2, 2, 1, 1), sigma, dtype=torch.float64))
    for b in range(2):
        for c in range(2):
            want = reference(bands[b, c].numpy(), sigma)
            np.testing.assert_allclose(got[b, c].numpy(), want, rtol=1e-6, atol=1e-9)


def test_shrinking_denoises() -> None:
    """A sparse band under noise comes out nearer to itself; pure noise and constant bands come out empty."""
    clean = torch.where(normal(1, 1, 64, 64, seed=1) > 2.3, 4.0, 0.0)
    noisy = clean + 0.5 * normal(1, 1, 64, 64)
    sigma = torch.full((1, 1, 1, 1), 0.5)
    assert (bayes_shrink(noisy, sigma) - clean).norm() < 0.7 * (noisy - clean).norm()
    # Energy a little above the noise's may remain by chance, under a threshold that cuts nearly all of it.
    noise = 0.5 * normal(1, 1, 64, 64, seed=2)
    assert bayes_shrink(noise, sigma).norm() < 0.1 * noise.norm()
    empty = torch.zeros(1, 1, 8, 8)
    torch.testing.assert_close(bayes_shrink(empty, noise_deviation(empty)), empty, rtol=0, atol=0)


def test_each_band_is_shrunk_by_its_own_noise() -> None:
    known = given()
    assert known.sigma is not None
    out = head("shrink")(known, torch.zeros(3, 0, 6, 5))
    for got, band, sigma in zip(out, known.y_details, known.sigma, strict=True):
        torch.testing.assert_close(got, bayes_shrink(band, sigma), rtol=0, atol=0)


def test_a_bridge_that_knows_the_truth_draws_it() -> None:
    """With a perfect estimate of x0 every draw ends at x0, whatever the noise."""
    made, known = head("bridge", steps=3), given()
    truth = Details(*(normal(3, 2, 6, 5, seed=s) for s in (7, 8, 9)))
    made._predict = lambda state, t, g: torch.cat(truth, dim=1)
    for got, want in zip(made(known, normal(3, made.noise_channels, 6, 5)), truth, strict=True):
        torch.testing.assert_close(got, want)


def test_the_bridge_walks_as_the_sampler_does() -> None:
    """The head's noise channels are the sampler's draws, in order, for a process pinned at y."""
    made, known = head("bridge", steps=3, bridge={"name": "bbdp", "s": 0.5}), given()
    z = normal(3, made.noise_channels, 6, 5)
    y = torch.cat(known.y_details, dim=1)

    def predict(x_t: Tensor, t: Tensor, _: Tensor) -> Tensor:
        return made._predict(x_t, t, known)  # type: ignore[no-any-return]

    streams = {1: z[:, :6], 2: z[:, 6:]}
    want = sample(BBDP(0.5), predict, y, grid=[1, 2 / 3, 1 / 3, 0], draw=streams.__getitem__).x
    torch.testing.assert_close(torch.cat(made(known, z), dim=1), want)


def test_the_bridge_is_trained_on_its_own_states() -> None:
    """States of estimate have the process's moments about the line from truth to y."""
    made, known, seen = head("bridge", start_fraction=0.0, bridge={"name": "bbdp", "s": 2.0}), given((40, 40)), []
    truth = Details(*(normal(3, 2, 40, 40, seed=s) for s in (7, 8, 9)))
    made._predict = lambda state, t, g: seen.append((state, t)) or torch.cat(truth, dim=1)
    made.estimate(known, truth, torch.zeros(3, 6, 40, 40), torch.Generator().manual_seed(0))
    ((state, t),) = seen
    assert ((t > 0) & (t <= 1)).all()
    x0, y = torch.cat(truth, dim=1), torch.cat(known.y_details, dim=1)
    for item, time in enumerate(t.tolist()):
        rest = state[item] - (1 - time) * x0[item] - time * y[item]
        deviation = math.sqrt(4 * time * (1 - time))
        torch.testing.assert_close(float(rest.std()), deviation, rtol=0.05, atol=1e-3)
