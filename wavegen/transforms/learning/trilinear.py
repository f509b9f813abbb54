"""A filter bank that is also differentiable with respect to its taps.

One axis of the periodised bank is the trilinear form

    T(x, c, f) = sum_b sum_k sum_j c_b[k] f_b[j] x[2k + L/2 - j],      b = low, high

of an image x, bands c and taps f. Analysis, synthesis and the gradient of the taps are its three partial
derivatives, and each is differentiated by means of the other two, to any order.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from wavegen.transforms.base import Bands
from wavegen.transforms.filters import FilterPair
from wavegen.transforms.shifts import COLUMNS, ROWS, analyse_axis, place, split, synthesise_axis, wrap


def _pair(taps: Tensor) -> FilterPair:
    lo, hi = taps.tolist()
    return FilterPair(tuple(lo), tuple(hi))


class _Analyse(torch.autograd.Function):
    """(x, f) -> dT/dc."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, taps: Tensor, axis: int) -> tuple[Tensor, Tensor]:
        ctx.save_for_backward(x, taps)
        ctx.axis = axis
        return analyse_axis(x, _pair(taps), axis)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Any:
        x, taps = ctx.saved_tensors
        return (
            _Synthesise.apply(*grads, taps, ctx.axis),
            _Correlate.apply(x, *grads, taps, ctx.axis) if ctx.needs_input_grad[1] else None,
            None,
        )


class _Synthesise(torch.autograd.Function):
    """(c, f) -> dT/dx."""

    @staticmethod
    def forward(ctx: Any, lo: Tensor, hi: Tensor, taps: Tensor, axis: int) -> Tensor:
        ctx.save_for_backward(lo, hi, taps)
        ctx.axis = axis
        return synthesise_axis(lo, hi, _pair(taps), axis)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Any:
        (grad,) = grads
        lo, hi, taps = ctx.saved_tensors
        wrt_taps = _Correlate.apply(grad, lo, hi, taps, ctx.axis) if ctx.needs_input_grad[2] else None
        return *_Analyse.apply(grad, taps, ctx.axis), wrt_taps, None


class _Correlate(torch.autograd.Function):
    """(x, c) -> dT/df, of the shape and dtype of ``like``."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, lo: Tensor, hi: Tensor, like: Tensor, axis: int) -> Tensor:
        ctx.save_for_backward(x, lo, hi)
        ctx.axis = axis
        length, n = like.shape[1], lo.shape[axis]
        before, after = -place(length - 1, length)[1], place(0, length)[1]
        phases = [wrap(phase, axis, before, after) for phase in split(x, axis)]
        result = []
        for j in range(length):
            p, s = place(j, length)
            sample = phases[p].narrow(axis, before + s, n)
            result.append(torch.stack([(band * sample).sum() for band in (lo, hi)]))
        return torch.stack(result, 1).to(like)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Any:
        (grad,) = grads
        x, lo, hi = ctx.saved_tensors
        return _Synthesise.apply(lo, hi, grad, ctx.axis), *_Analyse.apply(x, grad, ctx.axis), None, None


def analyse(x: Tensor, taps: Tensor) -> Bands:
    """(B, C, 2h, 2w) and taps (2, L), low-pass first, to LL, H, V, D, each (B, C, h, w)."""
    lo, hi = _Analyse.apply(x, taps, COLUMNS)
    return *_Analyse.apply(lo, taps, ROWS), *_Analyse.apply(hi, taps, ROWS)


def synthesise(ll: Tensor, h: Tensor, v: Tensor, d: Tensor, taps: Tensor) -> Tensor:
    """The transpose of :func:`analyse` with the same taps."""
    lo, hi = _Synthesise.apply(ll, h, taps, ROWS), _Synthesise.apply(v, d, taps, ROWS)
    result: Tensor = _Synthesise.apply(lo, hi, taps, COLUMNS)
    return result
