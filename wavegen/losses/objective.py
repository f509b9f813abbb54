"""What training minimises: the loss terms of one stage, for any pipeline."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from wavegen.bridges import from_x0, sample, to_x0
from wavegen.losses.adversarial import Candidate, adversarial_term, candidate
from wavegen.losses.distillation import teacher_states
from wavegen.losses.image import image_terms
from wavegen.networks import UNet
from wavegen.pipeline.config import Stage, Times
from wavegen.pipeline.system import COARSE_TERMS, System


@dataclass
class Terms:
    """Unweighted loss terms (scalars), and what the critics judge, coarsest scale first."""

    losses: dict[str, Tensor] = field(default_factory=dict)
    candidates: list[Candidate] = field(default_factory=list)


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

    ``coarse`` is the bridge's regression in the configured target; ``crps`` draws each item twice;
    ``distill`` compares the estimate of x0 with the end of the trajectory of ``teacher`` (None: the network as it is)
    that the state lies on; ``autoencoder`` is the L1 error of a lossy transform, which only this term trains; the
    others are of :func:`~wavegen.losses.image.image_terms`.
    """
    config, weights, device = pipe.config, stage.weights, y.device
    if pipe.transform.lossy:
        pipe.transform.requires_grad_("autoencoder" in weights)
    if "autoencoder" in weights:
        return Terms({"autoencoder": _reconstruction(pipe, torch.cat([x, y]))})
    members = 2 if "crps" in weights else 1
    x, y = x.repeat(members, 1, 1, 1), y.repeat(members, 1, 1, 1)
    true, own = pipe.transform.forward(x), pipe.transform.forward(y)
    x0, y_low = pipe.norm.low(true.ll, 0), pipe.norm.low(own.ll, 0)
    shape = (len(y), config.coarse_noise, *y_low.shape[-2:])
    condition = pipe.condition(y, own, torch.randn(shape, generator=generator).to(device))
    one_step = pipe.bridge.one_step
    share = 1.0 if one_step else config.start_fraction
    count = len(x) // members
    t = draw_times(count, share, generator, config.times, pipe.times).repeat(members)  # float64: stays on the CPU
    eps = torch.randn((count, *x0.shape[1:]), generator=generator).to(device).repeat(members, 1, 1, 1)
    a, b, c = (k.float().view(-1, 1, 1, 1).to(device) for k in pipe.bridge.coefficients(t))
    x_t = a * x0 + b * y_low + c * eps
    end = x0
    if "distill" in weights:
        t, x_t, end = teacher_states(pipe, teacher or pipe.coarse, y_low, condition, stage.teacher_steps, generator)
    coefficients = pipe.bridge.coefficients(t)

    terms = Terms()
    needs_coarse = not weights.keys().isdisjoint(COARSE_TERMS) or stage.ll == "predicted"
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
    if stage.ll == "sampled":
        seed = int(torch.randint(1 << 31, (1,), generator=generator))
        low, features = own_sample(pipe, y_low, condition, [seed + i for i in range(len(y))])
    critic = config.critic
    apart = stage.rollout and "adversarial" in weights  # the critics then see states of the model's own
    judged = t <= stage.max_t if stage.max_t < 1 else torch.ones_like(t, dtype=torch.bool)
    judged[count:] = False  # of two draws the critic sees one
    if weights.keys() - COARSE_TERMS:
        now = _without(stage, {"adversarial"}) if apart else stage
        if critic is not None and critic.coarse and "adversarial" in now.weights and judged.any():
            terms.candidates.append(candidate(critic, low[judged], x0[judged], y_low[judged], generator))
        scores, candidates = image_terms(pipe, now, true, own, low, features, judged, generator)
        terms.losses.update(scores)
        terms.candidates.extend(candidates)
    if apart:
        terms.candidates.extend(_own_candidates(pipe, x[:count], y[:count], condition[:count], stage, generator))
    if "adversarial" in weights and critics is not None and terms.candidates:
        assert config.critic is not None
        terms.losses["adversarial"] = adversarial_term(config.critic, critics, terms.candidates)
    return terms


def _reconstruction(pipe: System, images: Tensor) -> Tensor:
    """What the encoder and decoder lose of images, clean and degraded alike."""
    return F.l1_loss(pipe.transform.inverse(pipe.transform.forward(images)), images)


@torch.no_grad()
def own_sample(pipe: System, y_low: Tensor, condition: Tensor, seeds: list[int]) -> tuple[Tensor, Tensor | None]:
    """The normalised coarsest band as the pipeline draws it by default, and the features of the last call."""
    sampler, features = pipe.config.sampler, None

    def predict_x0(state: Tensor, time: Tensor, low: Tensor) -> Tensor:
        nonlocal features
        out, features = pipe.predict(state, time, condition)
        return to_x0(pipe.config.target, out, state, low, pipe.bridge.coefficients(time.cpu().double()))

    reached = sample(
        pipe.bridge,
        predict_x0,
        y_low,
        grid=pipe.times,
        solver=sampler.solver,
        temperature=sampler.temperature,
        seeds=seeds,
    )
    return reached.x, features


def _own_candidates(
    pipe: System, x: Tensor, y: Tensor, condition: Tensor, stage: Stage, generator: torch.Generator
) -> list[Candidate]:
    """What the critics judge of states that the model reached itself, for half of the batch.

    The other terms keep states made from the truth: one that the model reached says nothing of this x, so that a
    regression on it unlearns to follow the state, and the spread of the samples with it.
    """
    half = slice(0, -(-len(x) // 2))
    x, y, condition = x[half], y[half], condition[half]
    true, own = pipe.transform.forward(x), pipe.transform.forward(y)
    x0, y_low = pipe.norm.low(true.ll, 0), pipe.norm.low(own.ll, 0)
    x_t, t = _roll_out(pipe, y_low, condition, stage.max_t, generator)
    out, features = pipe.predict(x_t, t.float().to(y.device), condition)
    low = to_x0(pipe.config.target, out, x_t, y_low, pipe.bridge.coefficients(t))
    alone = _without(stage, stage.weights.keys() - {"adversarial"})
    judged = torch.ones_like(t, dtype=torch.bool)
    found = image_terms(pipe, alone, true, own, low, features, judged, generator)[1]
    critic = pipe.config.critic
    if critic is not None and critic.coarse:
        found.insert(0, candidate(critic, low, x0, y_low, generator))
    return found


def _without(stage: Stage, terms: Collection[str]) -> Stage:
    """The stage without some of its terms."""
    return stage.model_copy(update={"weights": {k: v for k, v in stage.weights.items() if k not in terms}})


@torch.no_grad()
def _roll_out(
    pipe: System, y_low: Tensor, condition: Tensor, max_t: float, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """States that the model reaches itself from y at one common time of at most ``max_t``, and that time (B,)."""
    u = torch.rand(2, generator=generator)
    least = min(0.05, max_t / 2)
    end = float(least + 0.95 * (max_t - least) * u[0])
    seed = int(torch.randint(1 << 31, (1,), generator=generator))

    def predict_x0(state: Tensor, time: Tensor, low: Tensor) -> Tensor:
        out, _ = pipe.predict(state, time, condition)
        return to_x0(pipe.config.target, out, state, low, pipe.bridge.coefficients(time.cpu().double()))

    middle = end + (1 - end) * (0.05 + 0.9 * float(u[1]))
    seeds = [seed + i for i in range(len(y_low))]
    reached = sample(pipe.bridge, predict_x0, y_low, grid=[1.0, middle, end], seeds=seeds).x
    return reached, torch.full((len(y_low),), end, dtype=torch.float64)


class Objective(nn.Module):
    """The loss terms of a pipeline's stages as a module's call, which is what several processes can share."""

    def __init__(self, pipeline: System) -> None:
        super().__init__()
        self.pipeline = pipeline

    def forward(
        self,
        x: Tensor,
        y: Tensor,
        stage: int = 0,
        generator: torch.Generator | None = None,
        critics: nn.ModuleList | None = None,
        teacher: UNet | None = None,
    ) -> Terms:
        """Unweighted loss terms of one stage for pairs (B, C, H, W) in network units."""
        generator = generator or torch.Generator().manual_seed(0)
        return loss_terms(self.pipeline, x, y, self.pipeline.config.stages[stage], generator, critics, teacher)
