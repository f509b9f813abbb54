"""What the published processes have in common, and their sources' own formulas, to 1e-10 in float64."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp
from torch import Tensor

from wavegen.bridges import (
    BBDP,
    DDBMVE,
    DDBMVP,
    GOUB,
    I2SB,
    BrownianBridge,
    Flow,
    InDI,
    Interpolant,
    ResShift,
    make_grid,
    sample,
    step_coefficients,
)
from wavegen.core.registry import build, names

EXACT = {"rtol": 0.0, "atol": 1e-10}
TIMES = torch.linspace(0, 1, 401, dtype=torch.float64)


def network(x: Tensor, t: Tensor, y: Tensor) -> Tensor:
    """It does not see the time, which is another in each process."""
    return torch.tanh(x) + 0.3 * y


@pytest.mark.parametrize(
    "other",
    [Interpolant(S=1.4), DDBMVE(sigma_max=3.0), I2SB(beta_max=0.3), BBDP(s=0.7, schedule="sin")],
    ids=lambda bridge: type(bridge).__name__,
)
@pytest.mark.parametrize(("solver", "eta"), [("generic", 1.0), ("generic", 0.5), ("multistep", 0.0), ("heun", 0.0)])
def test_brownian_bridges_are_one_process(other: BrownianBridge, solver: str, eta: float) -> None:
    """Of the same total variance S, at the times of the same progress m, from the same seed."""
    bbdp = BBDP(s=other.total_variance / 2)
    for k, same in zip(other.coefficients(TIMES), bbdp.coefficients(other.progress(TIMES)), strict=True):
        torch.testing.assert_close(k, same, **EXACT)
    y = torch.randn(2, 1, 6, 6, dtype=torch.float64)
    for end in (0.0, 0.25):
        grid = [1.0, 0.8, 0.5, 0.4, end]
        own = sample(other, network, y, grid=grid, solver=solver, eta=eta, seeds=[5, 9]).x
        progress = other.progress(torch.tensor(grid, dtype=torch.float64)).tolist()
        torch.testing.assert_close(sample(bbdp, network, y, grid=progress, solver=solver, eta=eta, seeds=[5, 9]).x, own)


def test_total_variances() -> None:
    np.testing.assert_allclose(DDBMVE(sigma_max=3.0).total_variance, 9, **EXACT)
    rising = np.linspace(1e-2, 0.3e-3**0.5, 1000)[:500] ** 2
    np.testing.assert_allclose(I2SB(beta_max=0.3).total_variance, 2 * rising.sum(), **EXACT)


def test_i2sb_has_the_published_sums() -> None:
    """After k of 1000 steps: mean weights sb² / (sf² + sb²), sf² / (sf² + sb²), variance sf² sb² / (sf² + sb²)."""
    rising = np.linspace(1e-4**0.5, 0.3e-3**0.5, 1000)[:500] ** 2
    beta = np.concatenate([rising, rising[::-1]])
    forward = np.concatenate([[0], np.cumsum(beta)])
    backward = np.concatenate([np.cumsum(beta[::-1])[::-1], [0]])
    a, b, c = I2SB().coefficients(torch.arange(1001, dtype=torch.float64) / 1000)
    whole = forward + backward
    np.testing.assert_allclose(a, backward / whole, **EXACT)
    np.testing.assert_allclose(b, forward / whole, **EXACT)
    np.testing.assert_allclose(c**2, forward * backward / whole, **EXACT)


def test_bbdp_sin_schedule() -> None:
    m = BBDP(schedule="sin").coefficients(TIMES).b
    np.testing.assert_allclose(m, 0.5 * np.sin(np.pi * (TIMES.numpy() - 0.5)) + 0.5, **EXACT)


def test_ddbm_vp_is_the_conditioned_diffusion() -> None:
    """Bayes' rule: x_t = alpha x0 + sigma eps and y = (alpha_1/alpha) x_t + noise, with y at the end given."""
    alpha = np.exp(-0.5 * 0.1 * TIMES.numpy() - 0.25 * 2 * TIMES.numpy() ** 2)[1:-1]
    last = math.exp(-0.5 * 0.1 - 0.25 * 2)
    variance = 1 - alpha**2
    slope = last / alpha
    rest = (1 - last**2) - slope**2 * variance
    gain = variance * slope / (slope**2 * variance + rest)
    a, b, c = (k[1:-1] for k in DDBMVP().coefficients(TIMES))
    np.testing.assert_allclose(a, alpha - gain * slope * alpha, **EXACT)
    np.testing.assert_allclose(b, gain, **EXACT)
    np.testing.assert_allclose(c**2, variance * rest / (slope**2 * variance + rest), **EXACT)


def test_goub_without_reversion_is_the_brownian_bridge() -> None:
    """As Theta(1) tends to 0 with S = 2 lam² Theta(1) held: here Theta(1) = 1e-11."""
    theta, S = 1e-11, 0.5
    bridge = GOUB(lam=math.sqrt(S / (2 * theta)), theta=theta)
    m = bridge.big_theta(TIMES) / theta
    for k, same in zip(bridge.coefficients(TIMES), BBDP(s=S / 2).coefficients(m), strict=True):
        torch.testing.assert_close(k, same, **EXACT)


def test_goub_is_pinned_and_unidb_nearly() -> None:
    strict, soft = GOUB(), GOUB(gamma=1e7)
    assert strict.pinned
    assert not soft.pinned
    for k, same in zip(soft.coefficients(TIMES), strict.coefficients(TIMES), strict=True):
        torch.testing.assert_close(k, same, rtol=0, atol=1e-3)
    for k, same in zip(GOUB(gamma=1e30).coefficients(TIMES), strict.coefficients(TIMES), strict=True):
        torch.testing.assert_close(k, same, rtol=0, atol=1e-10)


@pytest.mark.parametrize("gamma", [2.0, 100.0, None])
def test_goub_solves_its_controlled_sde(gamma: float | None) -> None:
    """dx = r (y - x) dt + g dw, g² = 2 lam² theta, r = theta + g² e^-2(Theta_1 - Theta) / D: integrated in Theta."""
    bridge = GOUB(lam=0.6, gamma=gamma, theta=2.0)
    price = 0.0 if gamma is None else 1 / gamma

    def moments(theta: float, state: np.ndarray) -> list[float]:
        decay = math.exp(-2 * (2.0 - theta))
        rate = 1 + 2 * 0.36 * decay / (price + 0.36 * (1 - decay))
        return [-rate * state[0], -2 * rate * state[1] + 2 * 0.36]

    t = torch.tensor([0.2, 0.5, 0.8, 0.95], dtype=torch.float64)
    thetas = bridge.big_theta(t).numpy()
    found = solve_ivp(moments, (0, thetas[-1]), [1, 0], t_eval=thetas, rtol=1e-11, atol=1e-13)
    a, b, c = bridge.coefficients(t)
    np.testing.assert_allclose(a, found.y[0], rtol=0, atol=1e-9)
    np.testing.assert_allclose(b, 1 - found.y[0], rtol=0, atol=1e-9)
    np.testing.assert_allclose(c**2, found.y[1], rtol=0, atol=1e-9)


@pytest.mark.parametrize("T", [4, 15])
def test_resshift_has_the_published_chain(T: int) -> None:
    """sqrt(eta_t) = sqrt(eta_1) b0^beta_t with beta_t = ((t-1)/(T-1))^p (T-1), and its posterior step."""
    kappa, p = 2.0, 0.3
    bridge = ResShift(kappa=kappa, p=p, T=T)
    first, last = min((0.04 / kappa) ** 2, 0.001), 0.999
    k = np.arange(1, T + 1)
    b0 = math.exp(math.log(last / first) / (2 * (T - 1)))
    eta = np.sqrt(first) * b0 ** (((k - 1) / (T - 1)) ** p * (T - 1))
    eta = eta**2
    a, b, c = bridge.coefficients(torch.from_numpy(k / T))
    np.testing.assert_allclose(b, eta, **EXACT)
    np.testing.assert_allclose(a, 1 - eta, **EXACT)
    np.testing.assert_allclose(c, kappa * np.sqrt(eta), **EXACT)
    for i in range(1, T):
        step = step_coefficients(bridge, (i + 1) / T, i / T)
        alpha = eta[i] - eta[i - 1]
        expected = [eta[i - 1] / eta[i], alpha / eta[i], 0, kappa * math.sqrt(eta[i - 1] * alpha / eta[i])]
        np.testing.assert_allclose(step[:4], expected, **EXACT)


@pytest.mark.parametrize(
    "bridge", [Flow(), InDI(sigma0=0.3), InDI(sigma0=0.0)], ids=lambda bridge: type(bridge).__name__
)
def test_straight_flows_take_euler_steps(bridge: Flow | InDI) -> None:
    """x_s = x_t + (s - t) (x_t - x0) / t: the velocity of a straight line, noise on y or none."""
    for t, s in ((1.0, 0.5), (0.9, 0.2), (0.3, 0.29)):
        np.testing.assert_allclose(step_coefficients(bridge, t, s, 0.0), [s / t, 1 - s / t, 0, 0, 0], **EXACT)


def test_ddim_is_ddpm_without_fresh_noise() -> None:
    ddim, ddpm = build("bridge", "ddim"), build("bridge", "ddpm")
    assert (ddim.native.eta, ddpm.native.eta) == (0.0, 1.0)
    y = torch.randn(1, 1, 4, 4, dtype=torch.float64)
    runs = [sample(b, network, y, grid=make_grid("uniform", 7), eta=0.0).x for b in (ddim, ddpm)]
    torch.testing.assert_close(*runs, rtol=0, atol=0)


def test_every_published_process_is_there() -> None:
    published = "bbdp i2sb ddbm-ve ddbm-vp resshift irsde refusion goub ddpm ddim sr3 flow indi interpolant regression"
    assert set(published.split()) <= set(names("bridge"))
