"""Conversions between what a network predicts and x0."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from wavegen.bridges import BBDP, IRSDE, Bridge, Coefficients, from_x0, to_x0
from wavegen.core.errors import InputError
from wavegen.core.registry import build, names

PAIRS = [(name, target) for name in names("bridge") for target in sorted(build("bridge", name).targets)]
TIMES = torch.tensor([1e-3, 0.3, 0.7, 1.0], dtype=torch.float64)


def state(
    bridge: Bridge, t: Tensor, dtype: torch.dtype = torch.float64
) -> tuple[Tensor, Tensor, Tensor, Tensor, Coefficients]:
    """x0, y, eps and x_t of (eq. 1), one item for each time."""
    x0, y, eps = torch.randn(3, len(t), 2, 4, 5, dtype=torch.float64).unbind()
    k = bridge.coefficients(t)
    a, b, c = (m.view(-1, 1, 1, 1) for m in k)
    return x0.to(dtype), y.to(dtype), eps.to(dtype), (a * x0 + b * y + c * eps).to(dtype), k


@pytest.mark.parametrize(("name", "target"), PAIRS)
@pytest.mark.parametrize(("dtype", "atol"), [(torch.float64, 1e-9), (torch.float32, 1e-3)])
def test_round_trip(name: str, target: str, dtype: torch.dtype, atol: float) -> None:
    x0, y, eps, x_t, k = state(build("bridge", name), TIMES, dtype)
    output = from_x0(target, x0, x_t, y, eps, k)
    back = to_x0(target, output, x_t, y, k)
    assert back.dtype == dtype
    torch.testing.assert_close(back, x0, rtol=0, atol=atol)


@pytest.mark.parametrize(("name", "target"), PAIRS)
def test_each_item_has_its_own_time(name: str, target: str) -> None:
    x0, y, eps, x_t, k = state(build("bridge", name), TIMES)
    whole = from_x0(target, x0, x_t, y, eps, k)
    for i in range(len(TIMES)):
        one = Coefficients(*(m[i : i + 1] for m in k))
        item = [v[i : i + 1] for v in (x0, x_t, y, eps)]
        torch.testing.assert_close(from_x0(target, *item, one), whole[i : i + 1], rtol=1e-12, atol=1e-12)
        torch.testing.assert_close(to_x0(target, whole[i : i + 1], item[1], item[2], one), item[0])


def test_definitions() -> None:
    """MATH's own formulas; for v that of the scaled residual, r0 = (x0 − y)/λ and v = a eps − (c/λ) r0."""
    bridge = IRSDE(lam=0.4)
    x0, y, eps, x_t, k = state(bridge, TIMES)
    a, _, c = (m.view(-1, 1, 1, 1) for m in k)
    expected = {
        "x0": x0,
        "residual": y - x0,
        "grad": x_t - x0,
        "eps": eps,
        "v": a * eps - c / 0.4 * (x0 - y) / 0.4,
    }
    for target, value in expected.items():
        torch.testing.assert_close(from_x0(target, x0, x_t, y, eps, k), value, rtol=1e-6, atol=1e-6)


def test_v_of_ddpm() -> None:
    x0, y, eps, x_t, k = state(build("bridge", "ddpm"), TIMES)
    a, _, c = (m.view(-1, 1, 1, 1) for m in k)
    torch.testing.assert_close(from_x0("v", x0, x_t, y, eps, k), a * eps - c * x0, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("target", ["eps", "v"])
def test_refused_where_a_is_0(target: str) -> None:
    x0, y, eps, x_t, k = state(BBDP(), TIMES)
    with pytest.raises(InputError, match=f"'{target}' is singular.*use x0, residual or grad"):
        to_x0(target, eps, x_t, y, k)
    with pytest.raises(InputError, match=f"'{target}' is singular"):
        from_x0(target, x0, x_t, y, eps, k)


@pytest.mark.parametrize("name", names("bridge"))
def test_eps_and_v_are_offered_where_x0_follows_from_them(name: str) -> None:
    bridge = build("bridge", name)
    assert bridge.targets >= {"x0", "residual"}
    left = float(bridge.coefficients(torch.ones((), dtype=torch.float64)).a)
    assert not bridge.pinned or not bridge.targets & {"eps", "v"}
    assert left > 0 or not bridge.targets & {"eps", "v"}


def test_unknown_target() -> None:
    x0, y, eps, x_t, k = state(build("bridge", "ddpm"), TIMES)
    with pytest.raises(InputError, match="unknown target 'noise'"):
        to_x0("noise", eps, x_t, y, k)
    with pytest.raises(InputError, match="unknown target 'noise'"):
        from_x0("noise", x0, x_t, y, eps, k)
