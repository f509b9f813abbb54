"""Adversarial losses as pure functions of logits, and the R1 penalty."""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

Adversarial = Literal["hinge", "wasserstein"]


def critic_loss(kind: Adversarial, real: Tensor, fake: Tensor) -> Tensor:
    """What the discriminator minimises, for logits of real and generated patches.

    ``hinge``: E max(0, 1 - D(real)) + E max(0, 1 + D(fake)) (Lim and Ye, arXiv 1705.02894).
    ``wasserstein``: E D(fake) - E D(real) (Arjovsky et al., arXiv 1701.07875); the Lipschitz bound comes from
    the discriminator's spectral norm.
    """
    if kind == "hinge":
        return F.relu(1 - real).mean() + F.relu(1 + fake).mean()
    return fake.mean() - real.mean()


def generator_loss(fake: Tensor) -> Tensor:
    """What the generator minimises, for both kinds: -E D(fake)."""
    return -fake.mean()


def r1_penalty(logits: Tensor, real: Tensor) -> Tensor:
    """Half the mean squared gradient of D at real data (Mescheder et al., arXiv 1801.04406, eq. 9)."""
    (gradient,) = torch.autograd.grad(logits.sum(), real, create_graph=True)
    return 0.5 * gradient.square().sum(dim=(1, 2, 3)).mean()
