"""Adversarial and reconstruction losses as pure functions, and the penalties that keep critics smooth."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from wavegen.core.types import Details

Adversarial = Literal["hinge", "wasserstein", "nonsaturating", "least_squares", "relativistic"]


def critic_loss(kind: Adversarial, real: Tensor, fake: Tensor) -> Tensor:
    """What the discriminator minimises, for logits D of real and generated patches.

    ``hinge``: E max(0, 1 - D(real)) + E max(0, 1 + D(fake)) (Lim and Ye, arXiv 1705.02894).
    ``wasserstein``: E D(fake) - E D(real) (Arjovsky et al., arXiv 1701.07875); the Lipschitz bound comes from
    the discriminator's spectral norm, or from :func:`gradient_penalty`.
    ``nonsaturating``: E softplus(-D(real)) + E softplus(D(fake)) (Goodfellow et al., arXiv 1406.2661).
    ``least_squares``: (E (D(real) - 1)² + E D(fake)²) / 2 (Mao et al., arXiv 1611.04076).
    ``relativistic``: E softplus(D(fake) - D(real)), patch by patch of a pair (Huang et al., arXiv 2501.05441).
    """
    if kind == "hinge":
        return F.relu(1 - real).mean() + F.relu(1 + fake).mean()
    if kind == "nonsaturating":
        return F.softplus(-real).mean() + F.softplus(fake).mean()
    if kind == "least_squares":
        return 0.5 * ((real - 1).square().mean() + fake.square().mean())
    if kind == "relativistic":
        return F.softplus(fake - real).mean()
    return fake.mean() - real.mean()


def generator_loss(kind: Adversarial, fake: Tensor, real: Tensor) -> Tensor:
    """What the generator minimises, of the sources of :func:`critic_loss`; only ``relativistic`` looks at ``real``.

    ``hinge``, ``wasserstein``: -E D(fake). ``nonsaturating``: E softplus(-D(fake)).
    ``least_squares``: E (D(fake) - 1)² / 2. ``relativistic``: E softplus(D(real) - D(fake)).
    """
    if kind == "nonsaturating":
        return F.softplus(-fake).mean()
    if kind == "least_squares":
        return 0.5 * (fake - 1).square().mean()
    if kind == "relativistic":
        return F.softplus(real - fake).mean()
    return -fake.mean()


def _squared_gradient(logits: Tensor, points: Tensor) -> Tensor:
    """|grad D|² at each item, (B,)."""
    (gradient,) = torch.autograd.grad(logits.sum(), points, create_graph=True)
    return gradient.square().sum(dim=(1, 2, 3))


def r1_penalty(logits: Tensor, points: Tensor) -> Tensor:
    """Half the mean squared gradient of D (Mescheder et al., arXiv 1801.04406, eq. 9).

    R1 at real data; R2 is the same at generated data.
    """
    return 0.5 * _squared_gradient(logits, points).mean()


def gradient_penalty(logits: Tensor, points: Tensor) -> Tensor:
    """E (|grad D| - 1)² at points between real and generated data (Gulrajani et al., arXiv 1704.00028, eq. 3).

    D of an item is the mean of its patches' logits, for the bound is on the mean that the loss takes.
    """
    squared = _squared_gradient(logits.flatten(1).mean(dim=1), points)
    return ((squared + 1e-12).sqrt() - 1).square().mean()


def adaptive_weight(
    reconstruction: Tensor,
    adversarial: Tensor,
    weight: Tensor,
    most: float = 1e4,
    average: Callable[[Tensor], Tensor] = lambda gradient: gradient,
) -> Tensor:
    """|grad reconstruction| / |grad adversarial| at the last layer's ``weight``, detached and at most ``most``.

    Esser et al., arXiv 2012.09841: both losses then pull equally hard at that layer. ``average`` is over processes.
    """
    norms: list[Tensor] = []
    for loss in (reconstruction, adversarial):
        gradient = None
        if loss.requires_grad:
            (gradient,) = torch.autograd.grad(loss, weight, retain_graph=True, allow_unused=True)
        norms.append(average(torch.zeros_like(weight) if gradient is None else gradient).norm())
    return (norms[0] / (norms[1] + 1e-6)).clamp(0, most).detach()


def energy_score(first: Tensor, second: Tensor, truth: Tensor) -> Tensor:
    """E|f - x| - E|f - f'| / 2 of two draws f, f' and the truth x, value by value.

    The fair continuous ranked probability score of two members (Gneiting and Raftery, JASA 102 (2007) 359):
    least where the draws have the distribution of the truth, so that unused noise costs.
    """
    return 0.5 * ((first - truth).abs() + (second - truth).abs() - (first - second).abs()).mean()


def diversity_loss(first: Details, second: Details, truth: Details) -> Tensor:
    """max(0, 1 - E|f - f'| / E|f - x|), the mean over bands: 0 where two draws differ as much as one from the truth.

    Draws of the true posterior do. After the mode-seeking term of Mao et al. (arXiv 1903.05628), but bounded: the
    error in the denominator is detached.
    """
    parts = []
    for f, g, x in zip(first, second, truth, strict=True):
        error = (f - x).abs().mean().detach().clamp_min(1e-6)
        parts.append(F.relu(1 - (f - g).abs().mean() / error))
    return torch.stack(parts).mean()


def fourier_amplitude(fake: Tensor, real: Tensor) -> Tensor:
    """Mean absolute difference of the amplitudes of the orthonormal Fourier transforms of (B, C, H, W).

    Fuoli et al., arXiv 2106.00783 (its amplitude part). Computed in float32.
    """
    with torch.autocast(fake.device.type, enabled=False):
        a, b = (torch.fft.rfft2(image.float(), norm="ortho").abs() for image in (fake, real))
    return F.l1_loss(a, b)
