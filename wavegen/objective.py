"""What training minimises: the loss terms of one stage, for any pipeline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from wavegen.bridges import from_x0, sample, to_x0
from wavegen.config import PipelineConfig, Stage, Times
from wavegen.distillation import teacher_states
from wavegen.gans import PatchDiscriminator, critic_loss, generator_loss, r1_penalty
from wavegen.metrics import ssim
from wavegen.networks import UNet
from wavegen.normalise import low_bands
from wavegen.system import System
from wavegen.transforms import Haar
from wavegen.types import Subbands


@dataclass
class Candidate:
    """One scale's image as a discriminator sees it: generated, true, and y, each (B, c, h, w)."""

    fake: Tensor
    real: Tensor
    y: Tensor


@dataclass
class Terms:
    """Unweighted loss terms (scalars), and what the critics judge, coarsest scale first."""

    losses: dict[str, Tensor] = field(default_factory=dict)
    candidates: list[Candidate] = field(default_factory=list)


def build_critics(config: PipelineConfig, scales: int) -> nn.ModuleList:
    """One patch discriminator for each scale; an empty list where the pipeline has no critic."""
    if config.critic is None:
        return nn.ModuleList()
    bands = 4 if config.critic.on == "bands" else 1
    return nn.ModuleList(
        PatchDiscriminator(
            2 * bands * config.channels,
            config.critic.width,
            config.critic.layers,
            config.critic.spectral_norm,
        )
        for _ in range(scales)
    )


def draw_times(
    count: int,
    start_fraction: float,
    generator: torch.Generator,
    times: Times = "uniform",
    grid: Sequence[float] = (),
) -> Tensor:
    """Times (B,) in (0, 1]: a fixed share exactly at the start t = 1, the rest stratified over a distribution.

    ``uniform``; ``logit-normal``: t = sigmoid(n), n ~ N(0, 1) (arXiv 2403.03206, eq. 19), which leans on the middle;
    ``grid``: one of the times of ``grid`` above 0, each as likely, moved at most half-way to its neighbours, so that
    the network learns most where a few-step sampler asks it.
    """
    starts = int(start_fraction * count)
    if start_fraction * count > starts:  # a share of an item: in that share of the batches
        starts += int(torch.rand((), generator=generator) < start_fraction * count - starts)
    rest = count - starts
    strata = (torch.arange(rest) + torch.rand(rest, generator=generator)) / max(rest, 1)
    if times == "grid":
        return torch.cat([torch.ones(starts).double(), _near_grid(strata.double(), grid)])
    if times == "logit-normal":
        strata = torch.special.ndtri(strata).sigmoid()
    return torch.cat([torch.ones(starts), strata.clamp_min(1e-3)]).double()


def _near_grid(u: Tensor, grid: Sequence[float]) -> Tensor:
    """Uniform values to times: equal shares for the cells that the middles between neighbours bound."""
    edges = torch.tensor([grid[0], *((t + s) / 2 for t, s in pairwise(grid))], dtype=torch.float64).flip(0)
    position = u * (len(edges) - 1)
    cell = position.floor().long().clamp_max(len(edges) - 2)
    return torch.lerp(edges[cell], edges[cell + 1], position - cell)


def loss_terms(
    pipe: System,
    x: Tensor,
    y: Tensor,
    stage: Stage,
    generator: torch.Generator,
    critics: nn.ModuleList | None,
    teacher: UNet | None = None,
) -> Terms:
    """All loss terms that ``stage`` weighs, for pairs (B, C, H, W) in network units.

    ``coarse`` is the bridge's regression in the configured target; ``distill`` compares the estimate of x0 with
    the end of the trajectory of ``teacher`` (None: the network as it is) that the state lies on; the others compare the
    image reconstructed at each scale (``l1``, ``l2``, ``ssim``, ``adversarial``) or the
    normalised bands (``bands``), averaged over scales.
    """
    config, weights, device = pipe.config, stage.weights, y.device
    true, own = pipe.transform.forward(x), pipe.transform.forward(y)
    x0, y_low = pipe.norm.low(true.ll, 0), pipe.norm.low(own.ll, 0)
    condition = pipe.condition(y, own)
    one_step = config.bridge["name"] == "regression"
    share = 1.0 if one_step else config.start_fraction
    t = draw_times(len(x), share, generator, config.times, pipe.times)  # float64: stays on the CPU
    eps = torch.randn(x0.shape, generator=generator).to(device)
    a, b, c = (k.float().view(-1, 1, 1, 1).to(device) for k in pipe.bridge.coefficients(t))
    x_t = a * x0 + b * y_low + c * eps
    rolled = stage.rollout and "adversarial" in weights
    if rolled:
        t, x_t = _roll_out(pipe, x_t, y_low, condition, t, stage.max_t, generator)
    end = x0
    if "distill" in weights:
        t, x_t, end = teacher_states(pipe, teacher or pipe.coarse, y_low, condition, stage.teacher_steps, generator)
    coefficients = pipe.bridge.coefficients(t)

    terms = Terms()
    needs_coarse = not weights.keys().isdisjoint({"coarse", "distill"}) or stage.ll == "predicted"
    features: Tensor | None = None
    low = x0
    if needs_coarse:
        out, features = pipe.predict(x_t, t.float().to(device), condition)
        distance = F.mse_loss if config.coarse_loss == "l2" else F.l1_loss
        if "coarse" in weights:
            goal = x0 if config.target == "x0" else from_x0(config.target, x0, x_t, y_low, eps, coefficients)
            terms.losses["coarse"] = distance(out, goal)
        estimate = to_x0(config.target, out, x_t, y_low, coefficients)
        if "distill" in weights:
            terms.losses["distill"] = distance(estimate, end)
        if stage.ll == "predicted":
            low = estimate
    if weights.keys() - {"coarse", "distill"}:
        judged = t <= stage.max_t if stage.max_t < 1 else torch.ones_like(t, dtype=torch.bool)
        _image_terms(pipe, stage, terms, true, own, low, features, judged, generator)
    if "adversarial" in weights and critics is not None and terms.candidates:
        logits = [critic(k.fake, k.y) for critic, k in zip(critics, terms.candidates, strict=True)]
        terms.losses["adversarial"] = torch.stack([generator_loss(k) for k in logits]).mean()
    return terms


def _image_terms(
    pipe: System,
    stage: Stage,
    terms: Terms,
    true: Subbands,
    own: Subbands,
    low: Tensor,
    features: Tensor | None,
    judged: Tensor,
    generator: torch.Generator,
) -> None:
    """Go up level by level from the normalised coarsest band and compare at each scale."""
    true_lows, own_lows = low_bands(pipe.transform, true), low_bands(pipe.transform, own)
    levels = len(true.details)
    low = pipe.norm.low_inverse(low, 0)
    scores: dict[str, list[Tensor]] = {name: [] for name in stage.weights.keys() - {"coarse", "distill", "adversarial"}}
    for index in range(max(levels, 1)):
        if levels:
            given = true_lows[index] if stage.ll == "true" else low
            shape = (len(given), pipe.head_noise, *given.shape[-2:])
            z = torch.randn(shape, generator=generator).to(given.device)
            details = pipe.detail(index, given, own_lows[index], own.details[index], z, features)
            level = levels - index
            low = pipe.transform.inverse_level(given, details, pipe.transform.sizes(true.size)[level - 1], level)
            if "bands" in scores:
                a = torch.cat(pipe.norm.details(details, index))
                b = torch.cat(pipe.norm.details(true.details[index], index))
                scores["bands"].append(F.l1_loss(a, b))
        else:
            low = pipe.transform.inverse(Subbands(low, (), true.size))
        # A low band is ratio^level times its image.
        gain = float(pipe.transform.ratio ** max(levels - index - 1, 0))
        fake, real, y = low / gain, true_lows[index + 1] / gain, own_lows[index + 1] / gain
        if "l1" in scores:
            scores["l1"].append(F.l1_loss(fake, real))
        if "l2" in scores:
            scores["l2"].append(F.mse_loss(fake, real))
        if "ssim" in scores:
            scores["ssim"].append(1 - ssim(fake, real, 1.0).mean())
        if "adversarial" in stage.weights and judged.any():
            terms.candidates.append(_candidate(pipe, fake[judged], real[judged], y[judged]))
    terms.losses.update({name: torch.stack(values).mean() for name, values in scores.items() if values})


def _candidate(pipe: System, fake: Tensor, real: Tensor, y: Tensor) -> Candidate:
    """The images themselves, or their Haar bands whitened by the true batch's own spread."""
    if pipe.config.critic is None or pipe.config.critic.on == "image":
        return Candidate(fake, real, y)
    haar = Haar(levels=1)

    def bands(image: Tensor) -> Tensor:
        split = haar.forward(image)
        return torch.cat([split.ll, *split.details[0]], dim=1)

    true = bands(real)
    spread = true.std(dim=(0, 2, 3), keepdim=True).clamp_min(1e-3)
    return Candidate(bands(fake) / spread, true / spread, bands(y) / spread)


@torch.no_grad()
def _roll_out(
    pipe: System,
    x_t: Tensor,
    y_low: Tensor,
    condition: Tensor,
    t: Tensor,
    max_t: float,
    generator: torch.Generator,
) -> tuple[Tensor, Tensor]:
    """Replace all states but those at t = 1 by states that the model reaches itself at one common time."""
    inside = t < 1
    if not inside.any():
        return t, x_t
    u = torch.rand(2, generator=generator)
    least = min(0.05, max_t / 2)
    end = float(least + 0.95 * (max_t - least) * u[0])
    seed = int(torch.randint(1 << 31, (1,), generator=generator))
    cond = condition[inside]

    def predict_x0(state: Tensor, time: Tensor, low: Tensor) -> Tensor:
        out, _ = pipe.predict(state, time, cond)
        return to_x0(pipe.config.target, out, state, low, pipe.bridge.coefficients(time.cpu().double()))

    middle = end + (1 - end) * (0.05 + 0.9 * float(u[1]))
    seeds = [seed + i for i in range(len(cond))]
    reached = sample(pipe.bridge, predict_x0, y_low[inside], grid=[1.0, middle, end], seeds=seeds).x
    x_t, t = x_t.clone(), t.clone()
    x_t[inside], t[inside] = reached, end
    return t, x_t


def critics_loss(pipe: System, critics: nn.ModuleList, candidates: list[Candidate], with_r1: bool) -> Tensor:
    """What the discriminators minimise for candidates whose ``fake`` carries no gradient."""
    settings = pipe.config.critic
    assert settings is not None
    total = torch.zeros((), device=candidates[0].real.device)
    for critic, k in zip(critics, candidates, strict=True):
        real = k.real.detach().requires_grad_(with_r1)
        logits = critic(real, k.y)
        total = total + critic_loss(settings.loss, logits, critic(k.fake.detach(), k.y))
        if with_r1:
            total = total + settings.r1 * r1_penalty(logits, real)
    return total / len(candidates)
