"""Detail stage: generators, discriminators, adversarial losses."""

from wavegen.gans.augment import AUGMENTATIONS, augment
from wavegen.gans.base import Head, LevelInput
from wavegen.gans.bridge import BridgeHead
from wavegen.gans.classical import CopyHead, ShrinkHead, bayes_shrink, noise_deviation
from wavegen.gans.critics import MultiScaleDiscriminator, PatchDiscriminator, ProjectedDiscriminator
from wavegen.gans.generator import GanHead
from wavegen.gans.losses import (
    Adversarial,
    adaptive_weight,
    critic_loss,
    diversity_loss,
    energy_score,
    fourier_amplitude,
    generator_loss,
    gradient_penalty,
    r1_penalty,
)

__all__ = [
    "AUGMENTATIONS",
    "Adversarial",
    "BridgeHead",
    "CopyHead",
    "GanHead",
    "Head",
    "LevelInput",
    "MultiScaleDiscriminator",
    "PatchDiscriminator",
    "ProjectedDiscriminator",
    "ShrinkHead",
    "adaptive_weight",
    "augment",
    "bayes_shrink",
    "critic_loss",
    "diversity_loss",
    "energy_score",
    "fourier_amplitude",
    "generator_loss",
    "gradient_penalty",
    "noise_deviation",
    "r1_penalty",
]
