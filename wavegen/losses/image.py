"""The loss terms of details and images: up level by level, compared with the truth at each scale."""

from __future__ import annotations

from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

from wavegen.core.types import Details, Subbands
from wavegen.gans import diversity_loss, fourier_amplitude
from wavegen.losses.adversarial import Candidate, image_candidate
from wavegen.losses.scores import packet_score
from wavegen.metrics import Lpips, ssim
from wavegen.pipeline.config import Stage
from wavegen.pipeline.system import COARSE_TERMS, System
from wavegen.transforms import low_bands

BAND_LEVELS = 2  # of the packets of a band, in which two draws are scored
LPIPS_SIDE = 32  # smaller scales are not judged: the trunk would have nothing left to pool


def image_terms(
    pipe: System,
    stage: Stage,
    true: Subbands,
    own: Subbands,
    low: Tensor,
    features: Tensor | None,
    judged: Tensor,
    generator: torch.Generator,
) -> tuple[dict[str, Tensor], list[Candidate]]:
    """Terms by name, averaged over scales, and what the critics judge at each.

    Of the image at each scale: ``l1``, ``l2``, ``ssim`` (1 - SSIM), ``lpips``, ``fourier`` (amplitudes), ``crps`` (of
    the batch's halves, two draws of the same items); of the normalised bands of each level: ``bands`` (L1), ``energy``
    and ``diversity`` (two draws at one low band). Scores of draws are of :func:`~wavegen.losses.scores.packet_score`.

    Args:
        pipe: the system.
        stage: which terms, and what the heads are given.
        true: bands of x.
        own: bands of y.
        low: the coarsest band to start from, normalised.
        features: of the coarse network's call that made it.
        judged: which items the critics see, (B,) of bool.
        generator: of the heads' noise.
    """
    true_lows, own_lows = low_bands(pipe.transform, true), low_bands(pipe.transform, own)
    levels = len(true.details)
    low = pipe.norm.low_inverse(low, 0)
    scores: dict[str, list[Tensor]] = {name: [] for name in stage.weights.keys() - COARSE_TERMS - {"adversarial"}}
    candidates = []
    for index in range(max(levels, 1)):
        above = levels - index  # the level that is taken apart by now; the finest is 1
        size = pipe.transform.sizes(true.size)[above - 1] if levels else true.size
        if levels:
            given = _given_low(pipe, stage, true_lows[index], index, generator) if _teaches(stage) else low
            details = _details(pipe, index, given, own_lows[index], true, own, features, scores, generator)
            low = pipe.transform.inverse_level(given, details, size, above)
        else:
            given, low = low, pipe.transform.inverse(Subbands(low, (), true.size))
        gain = float(pipe.transform.ratio ** max(above - 1, 0))  # a low band is ratio^level times its image
        fake, real, y = low / gain, true_lows[index + 1] / gain, own_lows[index + 1] / gain
        _compare(scores, fake, real)
        if "crps" in scores:
            first, second = fake.chunk(2)
            scores["crps"].append(packet_score(first, second, real.chunk(2)[0]))
        if "adversarial" in stage.weights and judged.any():
            lows = (given, true_lows[index])
            if pipe.config.critic is not None and pipe.config.critic.low and levels:
                lows = (_grown(pipe, given, size, above) / gain, _grown(pipe, true_lows[index], size, above) / gain)
            lows = (lows[0][judged], lows[1][judged])
            candidates.append(image_candidate(pipe, fake[judged], real[judged], y[judged], lows, generator))
    return {name: torch.stack(values).mean() for name, values in scores.items() if values}, candidates


def _teaches(stage: Stage) -> bool:
    """Whether the heads are given true low bands at every level."""
    return stage.ll in ("true", "noisy")


def _given_low(pipe: System, stage: Stage, low: Tensor, index: int, generator: torch.Generator) -> Tensor:
    """The true low band; with ``noisy`` imperfect by noise of a strength drawn for each item."""
    if stage.ll == "true":
        return low
    strength = stage.ll_noise * torch.rand(len(low), 1, 1, 1, generator=generator)
    noise = (strength * torch.randn(low.shape, generator=generator)).to(low.device)
    return pipe.norm.low_inverse(pipe.norm.low(low, index) + noise, index)


def _details(
    pipe: System,
    index: int,
    given: Tensor,
    y_low: Tensor,
    true: Subbands,
    own: Subbands,
    features: Tensor | None,
    scores: dict[str, list[Tensor]],
    generator: torch.Generator,
) -> Details:
    """One level's unnormalised bands from its head, which are compared with the truth on the way."""
    truth = pipe.norm.details(true.details[index], index)
    z = pipe.draw_noise(given, generator)
    bands = pipe.estimate(index, given, y_low, own, truth, z, features, generator)
    if "bands" in scores:
        scores["bands"].append(F.l1_loss(torch.cat(bands), torch.cat(truth)))
    if scores.keys() & {"energy", "diversity"}:
        z = pipe.draw_noise(given, generator)
        second = pipe.estimate(index, given, y_low, own, truth, z, features, generator)
        if "energy" in scores:
            of_bands = [packet_score(f, g, x, BAND_LEVELS) for f, g, x in zip(bands, second, truth, strict=True)]
            scores["energy"].append(torch.stack(of_bands).mean())
        if "diversity" in scores:
            scores["diversity"].append(diversity_loss(bands, second, truth))
    return pipe.norm.details_inverse(bands, index)


def _compare(scores: dict[str, list[Tensor]], fake: Tensor, real: Tensor) -> None:
    """The distances of one scale's images."""
    if "l1" in scores:
        scores["l1"].append(F.l1_loss(fake, real))
    if "l2" in scores:
        scores["l2"].append(F.mse_loss(fake, real))
    if "ssim" in scores:
        scores["ssim"].append(1 - ssim(fake, real, 1.0).mean())
    if "fourier" in scores:
        scores["fourier"].append(fourier_amplitude(fake, real))
    if "lpips" in scores and min(real.shape[-2:]) >= LPIPS_SIDE:
        scores["lpips"].append(_lpips().distance(fake, real, 1.0).mean())


def _grown(pipe: System, low: Tensor, size: tuple[int, int], level: int) -> Tensor:
    """A low band as an image one level up, without details."""
    nothing = torch.zeros_like(low)
    return pipe.transform.inverse_level(low, Details(nothing, nothing, nothing), size, level)


@cache
def _lpips() -> Lpips:
    """The distance's networks, loaded once, and only where a stage weighs it."""
    return Lpips()
