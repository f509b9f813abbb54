"""The contract of loss terms: a finite scalar with a gradient, least where nothing is wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from wavegen.core.types import Details
from wavegen.testing.base import Subject, image

SHAPE = (4, 1, 32, 32)


def check(subject: Subject, term: Any) -> None:
    """Every check of the contract of terms of bands and of the image; other terms are only asked to be callable."""
    subject.require(callable(term), "type", "it cannot be called")
    bases = {base.__name__ for base in type(term).__mro__}
    truth = image(*SHAPE, dtype=torch.float32)
    if "BandLoss" in bases:
        details = Details(truth, truth.flip(2), truth.flip(3))
        _judge(subject, lambda off: term(*_bands(details, off)), truth, getattr(term, "draws", 1))
    elif "ImageLoss" in bases:
        _judge(subject, lambda off: term(truth + off, truth), truth, getattr(term, "draws", 1))


def _bands(truth: Details, off: Tensor) -> tuple[Details, Details, Details]:
    """Two draws, one as wrong as ``off`` says, one half as wrong, and the truth between them."""
    drawn, second = (Details(*(band + offset for band in truth)) for offset in (off, 0.5 * off))
    return drawn, truth, second


def _judge(subject: Subject, value: Callable[[Tensor], Tensor], truth: Tensor, draws: int) -> None:
    off = (0.5 * image(*truth.shape, seed=1, dtype=torch.float32)).requires_grad_()
    wrong = value(off)
    scalar = isinstance(wrong, Tensor) and wrong.ndim == 0
    subject.require(scalar, "value", "it is no scalar tensor")
    subject.require(bool(torch.isfinite(wrong)), "value", "it is not finite")
    subject.require(wrong.requires_grad, "gradient", "it has no gradient: nothing would be learned from it")
    (gradient,) = torch.autograd.grad(wrong, off)
    learns = bool(torch.isfinite(gradient).all()) and float(gradient.norm()) > 0
    subject.require(learns, "gradient", "it is zero or not finite: nothing would be learned from it")
    if draws == 1:
        right, now = float(value(torch.zeros_like(truth))), float(wrong.detach())
        fault = f"the truth costs {right:.4g}, something wrong {now:.4g}: the sign is wrong"
        subject.require(right < now, "minimum", fault)
