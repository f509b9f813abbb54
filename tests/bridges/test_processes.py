"""Coefficients and reverse steps of every registered process, and the identities between processes."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from torch import Tensor

from wavegen.bridges import BBDP, DDPM, IRSDE, Bridge, make_grid, sample, step_coefficients
from wavegen.core.errors import InputError
from wavegen.core.registry import build, describe, names

BRIDGES = names("bridge")
EXACT = {"rtol": 0.0, "atol": 1e-10}


def at(bridge: Bridge, *times: float) -> list[Tensor]:
    """a, b, c at the times, in float64."""
    return list(bridge.coefficients(torch.tensor(times, dtype=torch.float64)))


@pytest.mark.parametrize("name", BRIDGES)
def test_clean_at_0_and_ever_less_clean(name: str) -> None:
    a, b, c = at(build("bridge", name), *make_grid("uniform", 1000)[::-1])
    torch.testing.assert_close(torch.stack([a[0], b[0], c[0]]), torch.tensor([1.0, 0, 0], dtype=torch.float64))
    assert bool((a.diff() < 0).all())
    ratio = (c / a)[:-1]  # the last a is 0 for a process that is pinned at y
    assert bool((ratio.diff() >= 0).all())
    assert bool(torch.stack([a, b, c]).isfinite().all())


@pytest.mark.parametrize("name", BRIDGES)
def test_start_is_the_process_at_1(name: str) -> None:
    """b(1) y + c(1) eps, up to what is left of x0 there."""
    bridge = build("bridge", name)
    a, b, c = (float(k) for k in at(bridge, 1.0))
    y, eps = torch.randn(2, 1000, dtype=torch.float64)
    torch.testing.assert_close(bridge.prior(y, eps), b * y + c * eps, rtol=0, atol=5 * a)
    assert a < 0.01
    assert bridge.pinned == (c == 0)


@pytest.mark.parametrize("name", BRIDGES)
def test_native_settings_can_be_used(name: str) -> None:
    bridge = build("bridge", name)
    native = bridge.native
    assert native.target in bridge.targets
    y = torch.zeros(1, 1, 2, 2)
    out = sample(bridge, lambda x, t, y: y, y, grid=make_grid(native.grid, native.steps), eta=native.eta)
    assert out.nfe == native.steps


@pytest.mark.parametrize("name", BRIDGES)
@settings(deadline=None, max_examples=60)
@given(
    t=st.floats(0.01, 1 - 1e-6) | st.just(1.0),  # nearer to 1 the factors cancel: rounding of the order c_s/c_t
    fraction=st.floats(0, 0.999),
    eta=st.sampled_from([0.0, 0.5, 1.0]),
)
def test_step_keeps_the_marginals(name: str, t: float, fraction: float, eta: float) -> None:
    """With the true x0, a state with (eq. 1) at t has (eq. 1) at s: for any skip and any eta (eq. 3)."""
    bridge = build("bridge", name)
    s = t * fraction
    (a_t, a_s), (b_t, b_s), (c_t, c_s) = (k.tolist() for k in at(bridge, t, s))
    step = step_coefficients(bridge, t, s, eta)
    np.testing.assert_allclose(step.state * a_t + step.x0, a_s, **EXACT)
    np.testing.assert_allclose(step.state * b_t + step.y, b_s, **EXACT)
    np.testing.assert_allclose((step.state * c_t) ** 2 + step.z**2, c_s**2, **EXACT)


@pytest.mark.parametrize("name", BRIDGES)
def test_eta_scales_the_fresh_noise(name: str) -> None:
    bridge = build("bridge", name)
    full, half, none = (step_coefficients(bridge, 0.7, 0.4, eta) for eta in (1.0, 0.5, 0.0))
    np.testing.assert_allclose([half.z, none.z], [full.z / 2, 0], **EXACT)


@pytest.mark.parametrize("name", BRIDGES)
@pytest.mark.parametrize("t", [1.0, 0.7])
def test_the_eta_of_bbdm_leaves_the_mean(name: str, t: float) -> None:
    bridge = build("bridge", name)
    whole, scaled = step_coefficients(bridge, t, 0.4), step_coefficients(bridge, t, 0.4, 0.3, "bbdm")
    np.testing.assert_allclose(scaled[:3], whole[:3], **EXACT)
    np.testing.assert_allclose(scaled.z, 0.3 * whole.z, **EXACT)


@pytest.mark.parametrize("name", BRIDGES)
@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
def test_monte_carlo_of_the_chain(name: str, eta: float) -> None:
    """From the start along a grid with the true x0: mean a x0 + b y and variance c² (eq. 1)."""
    bridge = build("bridge", name)
    truth, given, n, end = 0.8, -0.4, 400 * 500, 0.4
    grid = [1.0, end] if bridge.max_steps == 1 else [1.0, 0.83, 0.55, end]
    y = torch.full((1, 1, 400, 500), given)
    x = sample(bridge, lambda x, t, y: torch.full_like(y, truth), y, grid=grid, eta=eta, seeds=3).x
    a, b, c = (float(k) for k in at(bridge, end))
    # Five standard errors, and the trace of x0 that the start lacks (a(1) is not 0 for all).
    missing = float(at(bridge, 1.0)[0]) * (abs(truth) + abs(given))
    mean_error = 5 * c / math.sqrt(n) + missing + 1e-6
    np.testing.assert_allclose(x.double().mean(), a * truth + b * given, rtol=0, atol=mean_error)
    np.testing.assert_allclose(x.double().var(), c**2, rtol=5 * math.sqrt(2 / n) + 1e-4, atol=1e-9)


def test_bbdp_has_the_published_posterior() -> None:
    """c_xt = 1, c_yt = 0, c_et = 1 − m_s/m_t (on grad = x_t − x0), variance 2 s (m_t − m_s) m_s/m_t."""
    s = 0.7
    for t, u in ((0.9, 0.2), (0.5, 0.499), (0.999, 0.001)):
        step = step_coefficients(BBDP(s=s), t, u)
        # x_s = c_xt x_t + c_yt y − c_et (x_t − x0), so that c_et is the factor of x0.
        np.testing.assert_allclose([step.state + step.x0, step.y, step.x0], [1, 0, 1 - u / t], **EXACT)
        np.testing.assert_allclose(step.z**2, 2 * s * (t - u) * u / t, **EXACT)


@pytest.mark.parametrize("s", [0.1, 1.0, 4.0])
def test_bbdp_variance_is_largest_half_way(s: float) -> None:
    bridge = BBDP(s=s)
    np.testing.assert_allclose(float(at(bridge, 0.5)[2]) ** 2, s / 2, **EXACT)
    np.testing.assert_allclose(bridge.total_variance, 2 * s, **EXACT)  # S of S m (1 − m)


def test_ddpm_step_is_the_published_posterior() -> None:
    """Between neighbours of the 1000 steps: β̃ = (1 − ᾱ_s)/(1 − ᾱ_t) β and the two posterior mean weights."""
    beta = np.linspace(1e-4, 2e-2, 1000)
    abar = np.concatenate([[1.0], np.cumprod(1 - beta)])
    for k in (2, 500, 1000):
        step = step_coefficients(DDPM(), k / 1000, (k - 1) / 1000)
        b = beta[k - 1]
        expected = [
            math.sqrt(1 - b) * (1 - abar[k - 1]) / (1 - abar[k]),
            math.sqrt(abar[k - 1]) * b / (1 - abar[k]),
            0,
            math.sqrt((1 - abar[k - 1]) / (1 - abar[k]) * b),
        ]
        np.testing.assert_allclose([step.state, step.x0, step.y, step.z], expected, rtol=0, atol=1e-9)


def test_ddpm_cosine_follows_the_squared_cosine() -> None:
    def f(u: float) -> float:
        return math.cos((u + 0.008) / 1.008 * math.pi / 2) ** 2

    times = (0.1, 0.25, 0.5, 0.9)
    a, _, _ = at(DDPM(schedule="cosine"), *times)
    np.testing.assert_allclose(a.numpy() ** 2, [f(u) / f(0) for u in times], rtol=1e-9)


def test_irsde_integrates_the_cosine_rate() -> None:
    """Θ against numerical quadrature, and near the source's sum over T = 100 steps."""

    def theta(u: float) -> float:
        return 1 - (math.cos((u + 0.008) / 1.008 * math.pi / 2) / math.cos(0.008 / 1.008 * math.pi / 2)) ** 2

    whole = quad(theta, 0, 1)[0]
    times = (0.02, 0.3, 0.5, 0.77, 1.0)
    expected = [0.005 ** (quad(theta, 0, t)[0] / whole) for t in times]
    a, b, _ = at(IRSDE(), *times)
    np.testing.assert_allclose(a, expected, rtol=1e-6)
    np.testing.assert_allclose(b, 1 - a, **EXACT)
    rates = np.array([theta(k / 102) for k in range(2, 102)])
    discrete = 0.005 ** (np.cumsum(rates) / rates.sum())
    every = at(IRSDE(), *(k / 100 for k in range(1, 101)))[0]
    np.testing.assert_allclose(every, discrete, rtol=0, atol=0.02)


class OnResidual(Bridge):
    """Variance-preserving DDPM with ᾱ = exp(−2 Θ) of a given IR-SDE; no y."""

    def __init__(self, other: IRSDE) -> None:
        self.other = other

    def coefficients(self, t: Tensor):  # type: ignore[no-untyped-def]
        k = self.other.coefficients(t)
        return k._replace(b=torch.zeros_like(t), c=k.c / self.other.lam)

    def prior(self, y: Tensor, eps: Tensor) -> Tensor:
        return eps


@pytest.mark.parametrize("eta", [0.0, 0.6, 1.0])
def test_irsde_is_ddpm_on_the_scaled_residual(eta: float) -> None:
    """With r = (x − y)/λ and the same noise, both samplers walk the same path."""
    irsde = IRSDE(lam=0.45)
    ddpm = OnResidual(irsde)
    a, _, c = at(ddpm, *make_grid("uniform", 20))
    torch.testing.assert_close(a**2 + c**2, torch.ones_like(a), **EXACT)
    y = torch.randn(2, 1, 8, 8, dtype=torch.float64)

    def residual(r: Tensor, t: Tensor, y: Tensor) -> Tensor:
        return torch.tanh(r * (1 + t.double().view(-1, 1, 1, 1)))

    def image(x: Tensor, t: Tensor, y: Tensor) -> Tensor:
        return y + irsde.lam * residual((x - y) / irsde.lam, t, y)

    for end in (0.0, 0.3):
        grid = [1.0, 0.8, 0.5, 0.4, end]
        x = sample(irsde, image, y, grid=grid, eta=eta, seeds=[5, 9]).x
        r = sample(ddpm, residual, y, grid=grid, eta=eta, seeds=[5, 9]).x
        torch.testing.assert_close((x - y) / irsde.lam, r, **EXACT)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"name": "bbdp", "s": 0}, "greater than 0"),
        ({"name": "bbdp", "scale": 1}, "unknown option 'scale'"),
        ({"name": "irsde", "lam": -1}, "greater than 0"),
        ({"name": "ddpm", "schedule": "quadratic"}, "'linear' or 'cosine'"),
        ({"name": "bbpd"}, "did you mean 'bbdp'"),
    ],
)
def test_wrong_options_are_named(spec: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        build("bridge", spec)


@pytest.mark.parametrize("name", BRIDGES)
def test_described(name: str) -> None:
    assert describe("bridge", name)["summary"]
