"""The contract of loss terms: a finite scalar with a gradient, least where nothing is wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from wavegen.bridges import BBDP
from wavegen.core.types import Details
from wavegen.gans import Adversarial
from wavegen.losses import CoarseCall
from wavegen.losses.base import Candidate
from wavegen.pipeline.denoiser import Estimate
from wavegen.testing.base import Subject, image
from wavegen.transforms import Haar

SHAPE = (4, 1, 32, 32)


def check(subject: Subject, term: Any) -> None:
    """Every check of the contract, by the base class of the term."""
    subject.require(callable(term), "type", "it cannot be called")
    checks: dict[str, Callable[[Subject, Any], None]] = {
        "CoarseLoss": _coarse,
        "BandLoss": _bands,
        "ImageLoss": _image,
        "TransformLoss": _transform,
        "CriticLoss": _critic,
    }
    bases = [base.__name__ for base in type(term).__mro__ if base.__name__ in checks]
    subject.require(bool(bases), "type", f"it derives from none of {', '.join(checks)}")
    checks[bases[0]](subject, term)


def _coarse(subject: Subject, term: Any) -> None:
    """A call that estimates the truth costs nothing, whatever the form of the prediction."""
    x0, y, eps = (image(*SHAPE, seed=seed, dtype=torch.float32) for seed in range(3))
    bridge, t = BBDP(), torch.linspace(0.2, 0.9, len(x0), dtype=torch.float64)
    x_t = bridge.state(x0, y, t, eps)
    for distance in (F.l1_loss, F.mse_loss):

        def value(off: Tensor, distance: Callable[[Tensor, Tensor], Tensor] = distance) -> Tensor:
            estimate = Estimate(x0 + off, x0 + off, off)
            result: Tensor = term(CoarseCall(bridge, "x0", x0, y, x_t, t, eps, x0, estimate, distance))
            return result

        _judge(subject, value, x0, perfect=True)


def _bands(subject: Subject, term: Any) -> None:
    """Two draws, one as wrong as ``off`` says, one half as wrong, and the truth between them."""
    band = image(*SHAPE, dtype=torch.float32)
    truth = Details(band, band.flip(2), band.flip(3))

    def value(off: Tensor) -> Tensor:
        drawn, second = (Details(*(k + offset for k in truth)) for offset in (off, 0.5 * off))
        result: Tensor = term(drawn, truth, second)
        return result

    _judge(subject, value, band, least=getattr(term, "draws", 1) == 1)


def _image(subject: Subject, term: Any) -> None:
    truth = image(*SHAPE, dtype=torch.float32)
    _judge(subject, lambda off: term(truth + off, truth), truth, least=getattr(term, "draws", 1) == 1)


class _Off(Haar):
    """A transform whose inverse is wrong by a given image."""

    off = torch.zeros(())

    def inverse(self, bands: Any) -> Tensor:
        return super().inverse(bands) + self.off


def _transform(subject: Subject, term: Any) -> None:
    """A transform that loses nothing costs nothing."""
    images = image(*SHAPE, dtype=torch.float32)
    transform = _Off(levels=1)

    def value(off: Tensor) -> Tensor:
        transform.off = off
        result: Tensor = term(transform, images)
        return result

    _judge(subject, value, images, perfect=True)


class _Likes(nn.Module):
    """A critic whose logits are the candidate less the condition."""

    def forward(self, candidate: Tensor, condition: Tensor) -> Tensor:
        return candidate - condition


def _critic(subject: Subject, term: Any) -> None:
    """For every adversarial loss: a finite scalar that falls where the critics like the image better."""
    real, y = image(*SHAPE, seed=2, dtype=torch.float32), image(*SHAPE, seed=3, dtype=torch.float32)
    critics = nn.ModuleList([_Likes()])
    for kind in get_args(Adversarial):

        def value(off: Tensor, kind: str = kind) -> Tensor:
            result: Tensor = term(kind, critics, [Candidate(y + off, real, y)])
            return result

        off = _value_and_gradient(subject, value, real)[0]
        disliked, liked = (float(value(off + shift).detach()) for shift in (-1, 1))
        fault = f"{kind}: it rises from {disliked:.4g} to {liked:.4g} where the critics like the image better"
        subject.require(liked < disliked, "direction", fault)


def _value_and_gradient(subject: Subject, value: Callable[[Tensor], Tensor], like: Tensor) -> tuple[Tensor, float]:
    """An error and what it costs: a finite scalar with a gradient to the error."""
    off = (0.5 * image(*like.shape, seed=1, dtype=torch.float32)).requires_grad_()
    cost = value(off)
    scalar = isinstance(cost, Tensor) and cost.ndim == 0
    subject.require(scalar, "value", "it is no scalar tensor")
    subject.require(bool(torch.isfinite(cost)), "value", "it is not finite")
    subject.require(cost.requires_grad, "gradient", "it has no gradient: nothing would be learned from it")
    (gradient,) = torch.autograd.grad(cost, off, allow_unused=True)
    learns = gradient is not None and bool(torch.isfinite(gradient).all()) and float(gradient.norm()) > 0
    subject.require(learns, "gradient", "it is zero or not finite: nothing would be learned from it")
    return off.detach(), float(cost.detach())


def _judge(
    subject: Subject, value: Callable[[Tensor], Tensor], truth: Tensor, least: bool = True, perfect: bool = False
) -> None:
    """Check a term of ``truth + off``; with ``least`` off = 0 costs least, with ``perfect`` it costs 0."""
    _, wrong = _value_and_gradient(subject, value, truth)
    if not least:
        return
    right = float(value(torch.zeros_like(truth)).detach())
    fault = f"the truth costs {right:.4g}, something wrong {wrong:.4g}: the sign is wrong"
    subject.require(right < wrong, "minimum", fault)
    if perfect:
        subject.require(abs(right) < 1e-5 * wrong, "minimum", f"a perfect result costs {right:.4g}, not 0")
