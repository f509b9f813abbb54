"""The numbers of every solver's steps: their formulas, their order, and what they are refused for."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from wavegen.bridges import BBDP, GOUB, IRSDE, Bridge, InDI, grid_steps, make_grid, noise, sample
from wavegen.bridges.solvers import Heun
from wavegen.core.errors import InputError
from wavegen.core.registry import build, entry, names

BRIDGES = names("bridge")
WALKING = [name for name in BRIDGES if build("bridge", name).max_steps is None]
EULER = ["irsde", "refusion", "goub"]
KEEPING = ["generic", "multistep", "heun"]
EXACT = {"rtol": 0.0, "atol": 1e-10}
V = 0.3


def at(bridge: Bridge, *times: float) -> list[list[float]]:
    """a, b, c at the times."""
    return [k.tolist() for k in bridge.coefficients(torch.tensor(times, dtype=torch.float64))]


@pytest.mark.parametrize("name", WALKING)
@pytest.mark.parametrize("solver", KEEPING)
@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
def test_true_estimates_keep_the_marginals(name: str, solver: str, eta: float) -> None:
    """With x0 for every estimate, a state with (eq. 1) at t has (eq. 1) at s, whatever the solver and the grid."""
    bridge, grid = build("bridge", name), [1.0, 0.9, 0.5, 0.45, 0.1]
    a, b, c = at(bridge, *grid)
    for i, steps in enumerate(grid_steps(bridge, grid, solver=solver, eta=eta)):
        for step in steps:
            np.testing.assert_allclose(step.state * a[i] + step.x0 + step.previous, a[i + 1], **EXACT)
            np.testing.assert_allclose(step.state * b[i] + step.y, b[i + 1], **EXACT)
            np.testing.assert_allclose((step.state * c[i]) ** 2 + step.z**2, c[i + 1] ** 2, **EXACT)


@pytest.mark.parametrize("name", WALKING)
def test_multistep_is_equation_4(name: str) -> None:
    """With L = ln(a/c): a_s ((1 - e^-h) x0^ + (e^-h + h - 1) (x0^ - x0^_u) / (L_t - L_u)); the first is first order."""
    bridge, grid = build("bridge", name), [1.0, 0.9, 0.6, 0.25, 0.1]
    steps = grid_steps(bridge, grid, solver="multistep", eta=0.0)
    assert steps[0] == grid_steps(bridge, grid, eta=0.0)[0]
    a, b, c = at(bridge, *grid)
    L = [math.log(p / q) if p > 0 and q > 0 else -math.inf for p, q in zip(a, c, strict=True)]
    for i in (1, 2, 3):
        (step,) = steps[i]
        h = L[i + 1] - L[i]
        second = a[i + 1] * (math.exp(-h) + h - 1) / (L[i] - L[i - 1])
        ratio = c[i + 1] / c[i]
        expected = [ratio, a[i + 1] * (1 - math.exp(-h)) + second, b[i + 1] - ratio * b[i], 0, -second]
        np.testing.assert_allclose(step, expected, **EXACT)


def test_multistep_with_fresh_noise() -> None:
    """At eta = 1 the estimate is weighed by e^2L: the exact integral of a line in L."""
    bridge, grid = IRSDE(), [1.0, 0.7, 0.4]
    (step,) = grid_steps(bridge, grid, solver="multistep")[1]
    a, _, c = at(bridge, *grid)
    L = [math.log(p / q) for p, q in zip(a, c, strict=True)]
    h = L[2] - L[1]
    L_grid = np.linspace(0, h, 20001)
    kernel = 2 * np.exp(2 * (L_grid - h))
    slope = a[2] * np.trapezoid(kernel * L_grid, L_grid) / (L[1] - L[0])
    np.testing.assert_allclose(step.previous, -slope, rtol=1e-6)
    np.testing.assert_allclose(step.x0 + step.previous, a[2] * (1 - math.exp(-2 * h)), **EXACT)


def test_heun_is_the_trapezoid_of_its_ode() -> None:
    """du/dk = x0^ with u = (x - b y)/c and k = a/c, by hand."""
    bridge, y, grid = BBDP(s=0.4), torch.randn(1, 1, 3, 3, dtype=torch.float64), [1.0, 0.8, 0.3]
    seen: list[Tensor] = []

    def network(x: Tensor, t: Tensor, y: Tensor) -> Tensor:
        seen.append(x)
        return torch.tanh(x)

    out = sample(bridge, network, y, grid=grid, solver="heun", eta=0.0)
    assert out.nfe == len(seen) == 4
    a, b, c = at(bridge, *grid)
    u, predicted = ((x - b[i] * y) / c[i] for x, i in ((seen[2], 1), (seen[3], 2)))
    width = a[2] / c[2] - a[1] / c[1]
    torch.testing.assert_close(predicted, u + width * torch.tanh(seen[2]), **EXACT)
    by_hand = u + width * (torch.tanh(seen[2]) + torch.tanh(seen[3])) / 2
    torch.testing.assert_close(out.x, b[2] * y + c[2] * by_hand, **EXACT)


def ideal(bridge: Bridge, grid: list[float]) -> Any:
    """The exact network for x0 | y of variance V about 0.4 y, at the grid's times in float64."""
    exact = dict(zip(torch.tensor(grid).tolist(), grid, strict=True))  # by what a network is given

    def predict(x: Tensor, t: Tensor, y: Tensor) -> Tensor:
        (a,), (b,), (c,) = at(bridge, exact[float(t[0])])
        gain = a * V / (a * a * V + c * c) if a > 0 else 0.0
        return 0.4 * y + gain * (x - a * 0.4 * y - b * y)

    return predict


@pytest.mark.parametrize("name", WALKING)
@pytest.mark.parametrize(
    ("solver", "least", "most"), [("generic", 0.9, 1.1), ("multistep", 1.6, 2.2), ("heun", 1.9, 2.1)]
)
def test_order_of_convergence(name: str, solver: str, least: float, most: float) -> None:
    """Slope of the error against N at eta = 0, on the Gaussian toy, whose exact flow is known.

    Down to t = .1, on a grid that is fine at t = 1, where the ratio a/c of a pinned process has a root. There
    the second step has L_u = -inf, is of first order, and the order 2 comes with a logarithm of N.
    """
    bridge, end = build("bridge", name), 0.1
    y = torch.full((1, 1, 1, 4), 0.5, dtype=torch.float64)
    a, b, c = at(bridge, 1.0, end)
    # What the walk starts from: the prior's noise, or that of a pinned process's first step.
    eps = noise(y.shape, seeds=[0], stream=int(bridge.pinned)).double()
    if not bridge.pinned:
        eps = (bridge.prior(y, eps) - (a[0] * 0.4 + b[0]) * y) / math.sqrt(a[0] ** 2 * V + c[0] ** 2)
    exact = (a[1] * 0.4 + b[1]) * y + math.sqrt(a[1] ** 2 * V + c[1] ** 2) * eps
    errors = []
    for n in (128, 256):
        grid = [1 - (1 - end) * (1 - math.cos(math.pi * i / n)) / 2 for i in range(n + 1)]
        out = sample(bridge, ideal(bridge, grid), y, grid=grid, solver=solver, eta=0.0)
        errors.append(float(torch.linalg.norm(out.x - exact)))
    slope = math.log2(errors[0] / errors[1])
    assert least < slope < most, f"slope {slope:.2f}, errors {errors}"


@pytest.mark.parametrize("solver", names("solver"))
@pytest.mark.parametrize("name", WALKING)
def test_counted_calls(name: str, solver: str) -> None:
    """N of the grid's N steps; Heun's two for all but the last. One step returns the regressor."""
    bridge, calls = build("bridge", name), []
    if "needs:published-euler" in entry("solver", solver).capabilities and name not in EULER:
        return
    y = torch.randn(2, 1, 3, 3)
    for n in (1, 2, 3, 4, 8, bridge.native.steps if bridge.native.steps <= 100 else 20):
        calls.clear()

        def network(x: Tensor, t: Tensor, y: Tensor) -> Tensor:
            calls.append((float(t[0]), torch.tanh(x) * (1 + t[0])))
            return calls[-1][1].clone()

        out = sample(bridge, network, y, grid=make_grid("uniform", n), solver=solver, seeds=[1, 2])
        assert out.nfe == len(calls) == (2 * n - 1 if "two-calls" in entry("solver", solver).capabilities else n)
        torch.testing.assert_close(out.x, calls[-1][1], rtol=0, atol=0)
        assert bool(out.x.isfinite().all())
        times = [t for t, _ in calls]
        assert times[0] == 1
        assert times == sorted(times, reverse=True)
        assert len(set(times)) == n


@pytest.mark.parametrize("random", [True, False])
def test_irsde_euler_steps_are_published(random: bool) -> None:
    """x - [theta (y - x) - sigma² score] dt - sigma dw, with theta dt = dTheta and sigma² = 2 lam² theta; ODE: half."""
    bridge, (t, s) = IRSDE(lam=0.4), (0.6, 0.58)
    thetas = bridge.big_theta(torch.tensor([t, s], dtype=torch.float64))
    d = float(thetas[0] - thetas[1])
    (step,) = grid_steps(bridge, [1.0, t, s], solver="euler-sde" if random else "euler-ode")[1]
    (a, _), (b, _), (c, _) = at(bridge, t, s)
    x, y, x0 = 0.7, -0.3, 0.2
    score = -(x - a * x0 - b * y) / c / c
    expected = x - (d * (y - x) - (1 if random else 0.5) * 2 * 0.16 * d * score)
    np.testing.assert_allclose(step.state * x + step.x0 * x0 + step.y * y, expected, **EXACT)
    np.testing.assert_allclose(step.z, math.sqrt(2 * 0.16 * d) if random else 0, **EXACT)


@pytest.mark.parametrize("gamma", [None, 50.0])
def test_goub_euler_steps_are_published(gamma: float | None) -> None:
    """x - [(theta + g² e^-2(Theta_1 - Theta)/D) (y - x) - g² score] dt - g dw; the mean ODE leaves g dw out."""
    bridge, (t, s) = GOUB(lam=0.4, gamma=gamma), (0.6, 0.58)
    thetas = bridge.big_theta(torch.tensor([t, s], dtype=torch.float64))
    d, left = float(thetas[0] - thetas[1]), math.exp(-2 * (bridge.theta - float(thetas[0])))
    D = (0 if gamma is None else 1 / gamma) + 0.16 * (1 - left)
    (a, _), (b, _), (c, _) = at(bridge, t, s)
    x, y, x0 = 0.7, -0.3, 0.2
    score = -(x - a * x0 - b * y) / c / c
    expected = x - ((d + 2 * 0.16 * d * left / D) * (y - x) - 2 * 0.16 * d * score)
    for solver, z in (("euler-sde", math.sqrt(2 * 0.16 * d)), ("euler-ode", 0.0)):
        (step,) = grid_steps(bridge, [1.0, t, s], solver=solver)[1]
        np.testing.assert_allclose(step.state * x + step.x0 * x0 + step.y * y, expected, **EXACT)
        np.testing.assert_allclose(step.z, z, **EXACT)


@pytest.mark.parametrize("name", EULER)
def test_euler_sde_tends_to_the_posterior_step(name: str) -> None:
    """As the step shrinks the mean differs in second order: halving it divides the difference by four."""
    bridge = build("bridge", name)
    differences = []
    for width in (1e-3, 5e-4):
        grid = [1.0, 0.6, 0.6 - width]
        (euler,), (own,) = grid_steps(bridge, grid, solver="euler-sde")[1], grid_steps(bridge, grid)[1]
        differences.append(np.linalg.norm(np.subtract(euler[:3], own[:3])))
    assert 3.5 < differences[0] / differences[1] < 4.5


def test_bbdm_scales_the_noise_alone() -> None:
    grid = make_grid("uniform", 5)
    for whole, scaled in zip(grid_steps(BBDP(), grid), grid_steps(BBDP(), grid, solver="bbdm", eta=0.3), strict=True):
        np.testing.assert_allclose(scaled[0][:3], whole[0][:3], **EXACT)
        np.testing.assert_allclose(scaled[0].z, 0.3 * whole[0].z, **EXACT)
    assert grid_steps(BBDP(), grid, solver="bbdm") == grid_steps(BBDP(), grid)
    own = {"name": "bbdm", "eta": 0.3}
    assert grid_steps(BBDP(), grid, solver=own) == grid_steps(BBDP(), grid, solver="bbdm", eta=0.3)


@pytest.mark.parametrize("solver", KEEPING)
def test_a_process_without_noise_is_the_limit_of_little(solver: str) -> None:
    grid = [1.0, 0.7, 0.3, 0.1]
    none, little = (grid_steps(InDI(sigma0=s), grid, solver=solver, eta=0.0) for s in (0.0, 1e-9))
    y, x0, previous = 0.4, 1.3, 1.1
    for one, other in zip(none, little, strict=True):
        for p, q in zip(one, other, strict=True):
            found, limit = (k.state * y + k.x0 * x0 + k.y * y + k.previous * previous for k in (p, q))
            np.testing.assert_allclose(found, limit, atol=1e-9)


@pytest.mark.parametrize(
    ("bridge", "options", "message"),
    [
        (BBDP(), {"solver": "multi-step"}, "unknown solver 'multi-step'; did you mean 'multistep'"),
        (
            BBDP(),
            {"solver": "euler-sde"},
            "needs a process with published Euler steps, as goub, irsde, refusion have, and BBDP has none",
        ),
        (IRSDE(), {"solver": "euler-ode", "eta": 0.0}, "eta = 0.0: the solver 'euler-ode' has no eta"),
        (BBDP(), {"solver": {"name": "heun", "etta": 0.5}}, "solver 'heun': unknown option 'etta'; did you mean 'eta'"),
        (BBDP(), {"solver": {"name": "heun", "eta": 0.5}, "eta": 1.0}, "give one of them"),
        (BBDP(), {"solver": {"eta": 0.5}}, "give a name"),
        (BBDP(), {"solver": Heun(), "eta": 0.5}, "eta = 0.5: give it to the Heun itself"),
        (BBDP(), {"solver": "multistep", "eta": -1.0}, "eta = -1"),
    ],
)
def test_refused_before_any_call(bridge: Bridge, options: dict[str, Any], message: str) -> None:
    def never(*given: Any) -> Tensor:
        raise AssertionError("the network was called")

    with pytest.raises(InputError, match=message):
        sample(bridge, never, torch.zeros(1, 1, 2, 2), grid=[1.0, 0.5, 0.0], **options)


def test_another_shape_of_the_estimate_is_refused_at_the_first_call() -> None:
    calls: list[int] = []

    def wrong(x: Tensor, t: Tensor, y: Tensor) -> Tensor:
        calls.append(1)
        return x[..., :-1]

    with pytest.raises(InputError, match=r"estimate of x0 has shape \(1, 1, 2, 1\), the state \(1, 1, 2, 2\)"):
        sample(BBDP(), wrong, torch.zeros(1, 1, 2, 2), grid=[1.0, 0.5, 0.0])
    assert len(calls) == 1
