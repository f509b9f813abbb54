"""The contract of critics: logits of (candidate, condition) that depend on both, at any size."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from wavegen.testing.base import Subject, check_gradients, image

CHANNELS = 2
SUPPLIED: dict[str, Any] = {"in_channels": 2 * CHANNELS}


def check(subject: Subject, critic: nn.Module) -> None:
    """Every check of the contract."""
    subject.require(isinstance(critic, nn.Module), "type", "it is no torch.nn.Module")
    critic.eval()  # spectral norm keeps its estimate
    for size in ((1, 1), (7, 5), (32, 24)):
        logits = critic(_images(size), _images(size, 1))
        fits = logits.ndim == 4 and len(logits) == 3 and logits.dtype == torch.float32
        subject.require(fits, "logits", f"{tuple(logits.shape)}, {logits.dtype} for {size}; give (B, n, h, w), float32")
        subject.require(bool(torch.isfinite(logits).all()), "logits", "a logit is not finite")
    size = (32, 24)
    candidate, condition = _images(size), _images(size, 1)
    first = critic(candidate, condition).detach()
    others = {
        "candidate": critic(_images(size, 2), condition).detach(),
        "condition": critic(candidate, _images(size, 2)).detach(),
    }
    for what, other in others.items():
        differs = float((other - first).norm()) > 1e-5 * float(first.norm())
        subject.require(differs, what, f"the critic ignores the {what}: another one has the same logits")
    single = critic(candidate[1:2], condition[1:2])
    subject.close("batch", single, first[1:2], "an item's logits depend on the others in its batch", 1e-4)
    _least(subject, critic)
    candidate.requires_grad_()
    logits = critic(candidate, condition)
    gradient = None
    if logits.requires_grad:
        (gradient,) = torch.autograd.grad(logits.square().sum(), candidate, allow_unused=True)
    reached = gradient is not None and float(gradient.norm()) > 0
    subject.require(reached, "gradient", "none reaches the candidate: no generator could learn")
    check_gradients(subject, critic, critic(candidate.detach(), condition))


def _least(subject: Subject, critic: nn.Module) -> None:
    """At ``least`` pixels a side every pixel of the candidate takes part in some logit."""
    least = getattr(critic, "least", None)
    honest = isinstance(least, int) and least >= 1
    subject.require(honest, "least", f"{least!r}; give the smallest side in pixels that one logit needs, an integer")
    side = int(least or 1)
    candidate, condition = _images((side, side)), _images((side, side), 1)
    single = critic(candidate[:1], condition[:1])
    fits = single.ndim == 4 and min(single.shape) > 0 and bool(torch.isfinite(single).all())
    subject.require(fits, "least", f"an image of {side} x {side} pixels gives logits of {tuple(single.shape)}")
    candidate.requires_grad_()
    logits = critic(candidate, condition)
    if logits.requires_grad:
        (gradient,) = torch.autograd.grad(logits.square().sum(), candidate, allow_unused=True)
        unseen = 0 if gradient is None else int((gradient.abs().sum(dim=(0, 1)) == 0).sum())
        subject.require(unseen == 0, "least", f"at {side} x {side} pixels, {unseen} of them reach no logit")


def _images(size: tuple[int, int], seed: int = 0) -> Tensor:
    return image(3, CHANNELS, *size, seed=seed, dtype=torch.float32)
