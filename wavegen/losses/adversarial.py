"""The critics' side of training: what they judge, how they are built, what they minimise."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from wavegen.core.draws import uniform
from wavegen.core.errors import InputError
from wavegen.core.registry import build, register
from wavegen.gans import Adversarial as Kind
from wavegen.gans import augment, critic_loss, generator_loss, gradient_penalty, r1_penalty
from wavegen.losses.base import Candidate, CriticLoss
from wavegen.pipeline.config import Critic, PipelineConfig
from wavegen.pipeline.pipeline import Pipeline
from wavegen.pipeline.stages import stage_needs
from wavegen.transforms import Haar


def build_critics(config: PipelineConfig, scales: int, coarse_channels: int | None = None) -> nn.ModuleList:
    """One discriminator for each scale; with ``critic.coarse`` one more, the first, for the coarsest band.

    An empty list where the pipeline has no critic.

    Raises:
        InputError: the frozen features of a projected critic are not found.
    """
    settings = config.critic
    if settings is None:
        return nn.ModuleList()
    bands = (4 if settings.on == "bands" else 1) * config.channels
    inputs = [(3 if settings.low else 2) * bands] * scales
    if settings.coarse:
        inputs.insert(0, 2 * (coarse_channels or config.channels))
    return nn.ModuleList(build("critic", settings.network, in_channels=count) for count in inputs)


def check_critics(config: PipelineConfig, critics: nn.ModuleList, sizes: list[tuple[int, int]]) -> None:
    """Refuse crops whose bands are smaller than what one logit of their critic sees.

    ``sizes`` are the transform's of a crop.

    Raises:
        InputError: naming the band's size and the critic's.
    """
    settings = config.critic
    if settings is None or not any(stage_needs(stage, "needs:critic") for stage in config.stages):
        return
    images = [min(size) for size in sizes[: len(critics) - settings.coarse]][::-1]  # coarsest first
    sides = [-(-side // 2) for side in images] if settings.on == "bands" else images
    if settings.coarse:
        sides.insert(0, min(sizes[-1]))
    for side, critic in zip(sides, critics, strict=True):
        least = int(critic.least)  # type: ignore[arg-type]
        if side < least:
            raise InputError(
                f"crop = {sizes[0][0]}: the critic ({settings.network['name']}) needs {least} pixels a side and the "
                f"smallest band that it judges has {side}; give the critic fewer layers, the transform fewer levels, "
                "or a larger crop"
            )


def image_candidate(
    pipe: Pipeline, fake: Tensor, real: Tensor, y: Tensor, lows: tuple[Tensor, Tensor], generator: torch.Generator
) -> Candidate:
    """One scale's images as the critic of the configuration sees them.

    ``lows`` are the low bands that the generated and the true image were made from, grown to the images' size.
    """
    settings = pipe.config.critic
    assert settings is not None
    parts = [fake, real, y]
    if settings.low:
        parts += [lows[0].detach(), lows[1]]
    if settings.on == "bands":
        haar = Haar(levels=1)
        split = [haar.forward(image) for image in parts]
        parts = [torch.cat([k.ll, *k.details[0]], dim=1) for k in split]
        spread = parts[1].std(dim=(0, 2, 3), keepdim=True).clamp_min(1e-3)  # whitened by the true batch's own
        parts = [part / spread for part in parts]
    if settings.low:
        parts = [torch.cat([parts[0], parts[3]], dim=1), torch.cat([parts[1], parts[4]], dim=1), parts[2]]
    return candidate(settings, parts[0], parts[1], parts[2], generator)


def candidate(settings: Critic, fake: Tensor, real: Tensor, y: Tensor, generator: torch.Generator) -> Candidate:
    """Augment what is to be judged, and draw what the penalties need."""
    if settings.augment:
        fake, real, y = augment([fake, real, y], settings.augment, generator)
    # Augmentation moves them together with fake, a basis that is trained makes them: neither is to learn from a critic.
    real, y = real.detach(), y.detach()
    between = None
    if settings.gradient_penalty:
        between = uniform((len(real), 1, 1, 1), generator).to(real)
    return Candidate(fake, real, y, between)


@register("loss", "adversarial", "what the critics say of the image", capabilities=("needs:critic",))
class Adversarial(CriticLoss):
    """The generator's side of the critic's loss, the mean over critics."""

    def __call__(self, kind: Kind, critics: nn.ModuleList, candidates: Sequence[Candidate]) -> Tensor:
        """Return a scalar."""
        values = []
        for critic, k in zip(critics, candidates, strict=True):
            fake = critic(k.fake, k.y)
            real = critic(k.real, k.y) if kind == "relativistic" else fake
            values.append(generator_loss(kind, fake, real))
        return torch.stack(values).mean()


def critics_loss(pipe: Pipeline, critics: nn.ModuleList, candidates: list[Candidate], penalised: bool) -> Tensor:
    """What the discriminators minimise for candidates whose ``fake`` carries no gradient.

    ``penalised`` adds the penalties of the configuration, times ``penalty_every`` (lazy regularisation, Karras et al.,
    arXiv 1912.04958).
    """
    settings = pipe.config.critic
    assert settings is not None
    lazy = settings.penalty_every
    total = torch.zeros((), device=candidates[0].real.device)
    for critic, k in zip(critics, candidates, strict=True):
        real = k.real.detach().requires_grad_(penalised and settings.r1 > 0)
        fake = k.fake.detach().requires_grad_(penalised and settings.r2 > 0)
        on_real, on_fake = critic(real, k.y), critic(fake, k.y)
        total = total + critic_loss(settings.loss, on_real, on_fake)
        if penalised and settings.r1:
            total = total + lazy * settings.r1 * r1_penalty(on_real, real)
        if penalised and settings.r2:
            total = total + lazy * settings.r2 * r1_penalty(on_fake, fake)
        if penalised and settings.gradient_penalty and k.between is not None:
            middle = torch.lerp(fake.detach(), real.detach(), k.between).requires_grad_()
            total = total + lazy * settings.gradient_penalty * gradient_penalty(critic(middle, k.y), middle)
    return total / len(candidates)
