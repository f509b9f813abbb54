"""The contract of degradations: types and shapes, seeds, and the transpose where the model is linear."""

from __future__ import annotations

import torch
from torch import Tensor

from wavegen.degradations import Degradation
from wavegen.testing.base import Subject, image

SHAPE = (1, 2, 24, 32)


def check(subject: Subject, model: Degradation) -> None:
    """Every check of the contract."""
    subject.require(isinstance(model, Degradation), "type", "it does not derive from wavegen.degradations.Degradation")
    subject.declared("linear", model.linear)
    subject.declared("random", model.random)
    _form(subject, model)
    _seeds(subject, model)
    _wrong_input(subject, model)
    if model.linear:
        _linear(subject, model)
    else:
        subject.refuses("linear", lambda: model.operator(SHAPE, 0), "operator() of a model that is not linear")


def _image(seed: int = 0, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.rand(SHAPE, dtype=dtype, generator=torch.Generator().manual_seed(seed))


def _form(subject: Subject, model: Degradation) -> None:
    x = _image()
    kept, state = x.clone(), torch.get_rng_state()
    y = model(x, 3)
    subject.require(y.dtype == torch.float32, "dtype", f"float32 becomes {y.dtype}")
    subject.require(model(x.double(), 3).dtype == torch.float64, "dtype", "float64 does not stay float64")
    subject.require(y.ndim == 4 and y.shape[:2] == x.shape[:2], "shapes", f"{tuple(x.shape)} becomes {tuple(y.shape)}")
    subject.require(bool(torch.isfinite(y).all()), "values", "a value is not finite")
    subject.same("input", x, kept, "it is changed in place")
    subject.require(torch.equal(torch.get_rng_state(), state), "random", "it draws from torch's global generator")


def _seeds(subject: Subject, model: Degradation) -> None:
    x = _image()
    y = model(x, 3)
    subject.same("random", model(x, 3), y, "equal seeds give unequal results")
    same = model(x, torch.Generator().manual_seed(3))
    subject.same("random", same, y, "a generator and the seed that it was given lead to unequal results")
    if model.random:
        subject.require(not torch.equal(model(x, 4), y), "random", "declared, but another seed gives the same result")
        subject.refuses("random", lambda: model(x), "a call without a generator or seed")
    else:
        subject.same("random", model(x, 4), y, "not declared, but another seed gives another result")


def _wrong_input(subject: Subject, model: Degradation) -> None:
    for x in (torch.rand(8, 8), torch.zeros(SHAPE, dtype=torch.uint8), torch.full(SHAPE, torch.nan)):
        what = f"an image of shape {tuple(x.shape)}, {x.dtype}" + ("" if bool((x == x).all()) else ", not finite")
        subject.refuses("input", lambda x=x: model(x, 0), what)  # type: ignore[misc]
    low, high = model.limits
    for value in (low - 1, high + 1):
        if abs(value) != float("inf"):
            x = torch.full(SHAPE, value)
            subject.refuses("limits", lambda x=x: model(x, 0), f"a value of {value:g}, outside {model.limits},")  # type: ignore[misc]


def _linear(subject: Subject, model: Degradation) -> None:
    """The operator is what forward applies, is linear, and has the transpose: <A x, v> = <x, A^T v>."""
    a, b = _image(dtype=torch.float64), _image(1, dtype=torch.float64)
    operator = model.operator(SHAPE, 7)
    of_a, of_b = operator.apply(a), operator.apply(b)
    subject.close("linear", model(a, 7), of_a, "forward and operator(shape, seed) differ at one seed")
    mixed = operator.apply(2 * a - 3 * b)
    subject.close("linear", mixed, 2 * of_a - 3 * of_b, "declared, but A(2 a - 3 b) is not 2 A a - 3 A b")
    v = image(*of_a.shape, seed=2)
    back = operator.adjoint(v)
    subject.require(back.shape == a.shape, "adjoint", f"its result is {tuple(back.shape)}; images are {tuple(a.shape)}")
    left, right = float((of_a * v).sum()), float((a * back).sum())
    scale = max(float(of_a.norm() * v.norm()), float(a.norm() * back.norm()))
    fault = f"it is not the transpose: <A x, v> = {left:.6g}, <x, A^T v> = {right:.6g}"
    subject.require(abs(left - right) <= 1e-5 * scale, "adjoint", fault)
