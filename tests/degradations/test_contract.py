"""Guards what degradations do beyond the contract (tests/contracts): the transpose at many sizes, pickling, what is
refused.
"""

from __future__ import annotations

import pickle

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch.testing import assert_close

import wavegen.degradations  # noqa: F401
from wavegen.core.errors import InputError
from wavegen.core.registry import entry, names

NAMES = names("degradation")
LINEAR = [n for n in NAMES if "linear" in entry("degradation", n).capabilities] + ["chain", "random_chain"]


def image(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("name", NAMES)
def test_deterministic_for_a_seed(name, make):
    model = make(name)
    x = image(1, 2, 24, 32)
    y = model(x, 3)
    assert y.dtype == torch.float32
    assert y.shape[:2] == (1, 2)
    assert torch.isfinite(y).all()
    assert_close(model.forward(x, torch.Generator().manual_seed(3)), y, rtol=0, atol=0)
    assert_close(pickle.loads(pickle.dumps(model))(x, 3), y, rtol=0, atol=0)
    assert model(x.double(), 3).dtype == torch.float64
    if model.random:
        assert float((model(x, 4) - y).norm()) > 0
        with pytest.raises(InputError, match="seed"):
            model(x)
    else:
        assert_close(model(x), y, rtol=0, atol=0)
    record = entry("degradation", name)
    if name not in ("chain", "random_chain"):
        assert model.linear == ("linear" in record.capabilities)
        assert model.random == ("random" in record.capabilities)


@pytest.mark.parametrize("name", LINEAR)
@settings(deadline=None, max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(height=st.integers(1, 12), width=st.integers(1, 12), channels=st.integers(1, 3), seed=st.integers(0, 99))
def test_adjoint(name, make, height, width, channels, seed):
    """<A x, v> = <x, A^T v>, relative to the norms, at 1e-5."""
    model = make(name)
    x = image(1, channels, 4 * height, 4 * width, seed=seed) - 0.3
    operator = model.operator(tuple(x.shape), seed)
    y = operator.apply(x)
    v = image(*y.shape, seed=seed + 1) - 0.5
    back = operator.adjoint(v)
    assert back.shape == x.shape
    difference = (y.double() * v).sum() - (x.double() * back).sum()
    assert abs(float(difference)) <= 1e-5 * max(float(y.norm() * v.norm()), float(x.norm() * back.norm()))


@pytest.mark.parametrize("name", LINEAR)
def test_operator_is_what_forward_applies(name, make):
    model = make(name)
    x = image(1, 3, 24, 32)
    y = model(x, 7)
    assert_close(model.operator((1, 3, 24, 32), 7).apply(x), y, rtol=0, atol=0)
    assert_close(model.operator((1, 3, 24, 32), 7).apply(2 * x + 1), 2 * y + model(torch.ones_like(x), 7))
    if not model.random:
        assert_close(model.adjoint(y), model.operator(tuple(x.shape)).adjoint(y), rtol=0, atol=0)
        assert_close(model.apply(x), y, rtol=0, atol=0)
    else:
        with pytest.raises(InputError, match="drawn for each image"):
            model.apply(x) if name not in ("chain",) else make("mask").apply(x)


@pytest.mark.parametrize("name", [n for n in NAMES if n not in LINEAR])
def test_what_is_not_linear_has_no_adjoint(name, make):
    model, x = make(name), image(1, 1, 8, 8)
    for ask in (model.adjoint, model.apply, lambda y: model.operator((1, 1, 8, 8), 0)):
        with pytest.raises(InputError, match="not linear"):
            ask(x)


def test_adjoint_is_differentiable_and_works_in_inference_mode(make):
    model = make("gaussian_blur")
    y = image(1, 1, 6, 6).double().requires_grad_(True)
    assert torch.autograd.gradcheck(model.adjoint, (y,))
    with torch.inference_mode():
        inside = model.adjoint(image(1, 1, 6, 6))
    assert_close(inside, model.adjoint(image(1, 1, 6, 6)))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (torch.rand(8, 8), r"\(B, C, H, W\)"),
        (torch.zeros(1, 1, 8, 8, dtype=torch.uint8), "floating-point"),
        (torch.full((1, 1, 8, 8), torch.nan), "finite"),
        (torch.rand(0, 1, 8, 8), "non-empty"),
    ],
)
def test_wrong_images(name, bad, message, make):
    with pytest.raises(InputError, match=message):
        make(name)(bad, 0)


@pytest.mark.parametrize("name", ["camera", "low_light"])
def test_light_is_not_negative(name, make):
    x = image(1, 1, 8, 8)
    make(name)(x - 1e-6 * (x == x.min()), 0)  # rounding of a filter is no reason
    with pytest.raises(InputError, match=r"not negative|values in \[0, 1\]"):
        make(name)(x - 0.5, 0)
