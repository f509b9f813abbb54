"""Detail stage: generators, discriminators, adversarial losses."""

from wavegen.gans.discriminators import PatchDiscriminator
from wavegen.gans.heads import GanHead
from wavegen.gans.losses import critic_loss, generator_loss, r1_penalty

__all__ = ["GanHead", "PatchDiscriminator", "critic_loss", "generator_loss", "r1_penalty"]
