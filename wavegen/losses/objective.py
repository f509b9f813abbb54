"""What training minimises: the loss terms of one stage, for any pipeline."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from wavegen.core.draws import among, normal, own, seeds, whole
from wavegen.core.errors import InputError
from wavegen.core.registry import build
from wavegen.core.types import Subbands
from wavegen.losses.adversarial import candidate
from wavegen.losses.ascent import Ascent
from wavegen.losses.base import BandLoss, CoarseCall, CoarseLoss, CriticLoss, ImageLoss, Judged, Terms, TransformLoss
from wavegen.losses.distillation import teacher_states
from wavegen.losses.rollout import own_sample, roll_out
from wavegen.losses.times import draw_times
from wavegen.pipeline.config import Stage
from wavegen.pipeline.denoiser import Denoiser
from wavegen.pipeline.pipeline import Pipeline
from wavegen.pipeline.stages import needs


@dataclass
class StageTerms:
    """The loss terms of a stage, built, by what they judge."""

    transform: dict[str, TransformLoss] = field(default_factory=dict)
    coarse: dict[str, CoarseLoss] = field(default_factory=dict)
    bands: dict[str, BandLoss] = field(default_factory=dict)
    image: dict[str, ImageLoss] = field(default_factory=dict)
    critic: dict[str, CriticLoss] = field(default_factory=dict)
    teacher: bool = False

    @classmethod
    def of(cls, stage: Stage) -> StageTerms:
        """Build the terms that a stage weighs."""
        terms = cls()
        sorts = (
            (TransformLoss, terms.transform),
            (CoarseLoss, terms.coarse),
            (BandLoss, terms.bands),
            (ImageLoss, terms.image),
            (CriticLoss, terms.critic),
        )
        for name, options in stage.options().items():
            loss = build("loss", {"name": name, **options})
            into = next((into for sort, into in sorts if isinstance(loss, sort)), None)
            if into is None:
                known = ", ".join(sort.__name__ for sort, _ in sorts)
                raise InputError(f"stage {stage.name!r}: loss {name!r} is a {type(loss).__name__}, none of {known}")
            into[name] = loss
            terms.teacher |= "needs:teacher" in needs(name)
        return terms

    @property
    def draws(self) -> int:
        """How often each item is drawn."""
        return max((loss.draws for loss in self.image.values()), default=1)


@dataclass(frozen=True)
class _Batch:
    """A batch in training: subbands, the state at random times, and the network under its conditioning.

    ``times`` are those of the whole batch over processes, once.
    """

    true: Subbands
    y: Subbands
    x0: Tensor
    y_low: Tensor
    t: Tensor
    times: Tensor
    eps: Tensor
    x_t: Tensor
    end: Tensor
    denoiser: Denoiser


class Objective(nn.Module):
    """The loss terms of a pipeline's stages as a module's call, which several processes can share.

    Args:
        pipeline: what is trained.

    Raises:
        InputError: a loss that is of no known sort, or one of two draws where the pipeline has no noise.
    """

    def __init__(self, pipeline: Pipeline) -> None:
        super().__init__()
        self.pipeline = pipeline
        self.stages = [StageTerms.of(stage) for stage in pipeline.config.stages]
        for stage, terms in zip(pipeline.config.stages, self.stages, strict=True):
            if terms.draws > 1 and not pipeline.config.coarse_noise + pipeline.head_noise:
                raise InputError(f"stage {stage.name!r} weighs a loss of two draws, but nothing is drawn")

    def forward(
        self,
        x: Tensor,
        y: Tensor,
        stage: int = 0,
        generator: torch.Generator | None = None,
        critics: nn.ModuleList | None = None,
        teacher: nn.Module | None = None,
    ) -> Terms:
        """Unweighted loss terms of one stage, and what the critics judge.

        Args:
            x: (B, C, H, W), clean images in network units.
            y: (B, C, H, W), degraded images in network units.
            stage: index of the stage.
            generator: of times and noise; None: one of seed 0.
            critics: one for each scale; without them there is no adversarial term.
            teacher: the frozen network of a distillation; None: the coarse network as it is.
        """
        generator = generator or torch.Generator().manual_seed(0)
        pipe, settings, terms = self.pipeline, self.pipeline.config.stages[stage], self.stages[stage]
        if pipe.transform.lossy:
            pipe.transform.requires_grad_(bool(terms.transform))
        if terms.transform:
            both = torch.cat([x, y])
            return Terms({name: loss(pipe.transform, both) for name, loss in terms.transform.items()})
        batch = self._batch(x, y, terms.draws, generator)
        if terms.teacher:
            frozen = pipe.denoiser(batch.denoiser.condition, teacher)
            times, x_t, end = teacher_states(pipe, frozen, batch.y_low, settings.teacher_steps, generator)
            batch = replace(batch, t=own(times, generator), times=times[: len(batch.times)], x_t=x_t, end=end)
        result, low, features = self._coarse(batch, settings, terms, generator)
        self._details(result, batch, low, features, settings, terms, generator)
        if critics is not None and result.share is not None and pipe.config.critic is not None:
            for name, loss in terms.critic.items():
                result.losses[name] = torch.zeros((), device=x.device)
                if result.candidates:
                    result.losses[name] = result.share * loss(pipe.config.critic.loss, critics, result.candidates)
        return result

    def _batch(self, x: Tensor, y: Tensor, draws: int, generator: torch.Generator) -> _Batch:
        """Everything at random times; with two draws the batch is repeated, and shares its times and states."""
        pipe, config = self.pipeline, self.pipeline.config
        count = len(x)
        x, y = x.repeat(draws, 1, 1, 1), y.repeat(draws, 1, 1, 1)
        true, y_bands = pipe.transform.forward(x), pipe.transform.forward(y)
        x0, y_low = pipe.norm.low(true.ll, 0), pipe.norm.low(y_bands.ll, 0)
        shape = (len(y), config.coarse_noise, *y_low.shape[-2:])
        condition = pipe.condition(y, y_bands, normal(shape, generator).to(y.device))
        starts = 1.0 if pipe.bridge.one_step else config.start_fraction
        times = draw_times(whole(count, generator), starts, generator, config.times, pipe.times)
        t = own(times, generator).repeat(draws)  # float64: stays on the CPU
        eps = normal((count, *x0.shape[1:]), generator).to(y.device).repeat(draws, 1, 1, 1)
        x_t = pipe.bridge.state(x0, y_low, t, eps)
        return _Batch(true, y_bands, x0, y_low, t, times, eps, x_t, x0, pipe.denoiser(condition))

    def _coarse(
        self, batch: _Batch, stage: Stage, terms: StageTerms, generator: torch.Generator
    ) -> tuple[Terms, Tensor, Tensor | None]:
        """Terms of the coarse network, and the band and features that the heads start from."""
        pipe, result = self.pipeline, Terms()
        low, features = batch.x0, None
        if terms.coarse or stage.low_band == "predicted":
            estimate = batch.denoiser.estimate(batch.x_t, batch.t, batch.y_low)
            call = CoarseCall(
                bridge=pipe.bridge,
                prediction=pipe.config.prediction,
                x0=batch.x0,
                y=batch.y_low,
                x_t=batch.x_t,
                t=batch.t,
                eps=batch.eps,
                end=batch.end,
                estimate=estimate,
                distance=F.mse_loss if pipe.config.coarse_loss == "l2" else F.l1_loss,
            )
            result.losses |= {name: loss(call) for name, loss in terms.coarse.items()}
            features = estimate.features
            if stage.low_band == "predicted":
                low = estimate.x0
        if stage.low_band == "sampled":
            low = own_sample(pipe, batch.denoiser, batch.y_low, seeds(len(low), generator))
            features = batch.denoiser.features
        return result, low, features

    def _details(
        self,
        result: Terms,
        batch: _Batch,
        low: Tensor,
        features: Tensor | None,
        stage: Stage,
        terms: StageTerms,
        generator: torch.Generator,
    ) -> None:
        """Terms of details and images, and what the critics judge, added to ``result``."""
        if not (terms.bands or terms.image or terms.critic):
            return
        pipe, critic = self.pipeline, self.pipeline.config.critic
        count = len(batch.t) // terms.draws
        judged: Judged | None = None
        if terms.critic and not stage.rollout:
            judged = _judged(batch, count, stage.max_t)
            if critic is not None and critic.coarse and judged.everywhere.any():
                fake, real, y_low = (k[judged.own] for k in (low, batch.x0, batch.y_low))
                with among(judged.everywhere, generator):
                    result.candidates.append(candidate(critic, fake, real, y_low, generator))
        ascent = Ascent(pipe, stage, batch.true, batch.y, features, generator)
        found = ascent.run(low, terms.bands, terms.image, judged)
        result.losses |= found.losses
        result.candidates += found.candidates
        if judged is not None and judged.everywhere.any():
            result.share = judged.share(count)
            result.candidates = result.candidates if judged.own.any() else []
        if terms.critic and stage.rollout:
            result.share = 1.0
            result.candidates += self._reached(batch, count, stage, generator).candidates

    def _reached(self, batch: _Batch, count: int, stage: Stage, generator: torch.Generator) -> Terms:
        """What the critics judge of states that the model reached itself, for half of the batch.

        The other terms keep states made from the truth: one that the model reached says nothing of this x, so that a
        regression on it unlearns to follow the state, and the spread of the samples with it.
        """
        pipe, critic = self.pipeline, self.pipeline.config.critic
        half = slice(0, -(-count // 2))
        true, y = _items(batch.true, half), _items(batch.y, half)
        x0, y_low = batch.x0[half], batch.y_low[half]
        denoiser = pipe.denoiser(batch.denoiser.condition[half])
        total = whole(count, generator)
        everywhere = torch.arange(total) < len(x0) * (total // count)  # the first half of each process
        with among(everywhere, generator):
            x_t, t = roll_out(pipe, denoiser, y_low, stage.max_t, generator)
            estimate = denoiser.estimate(x_t, t, y_low)
            ascent = Ascent(pipe, stage, true, y, estimate.features, generator)
            result = ascent.run(estimate.x0, {}, {}, Judged(torch.ones_like(t, dtype=torch.bool), everywhere))
            if critic is not None and critic.coarse:
                result.candidates.insert(0, candidate(critic, estimate.x0, x0, y_low, generator))
        return result


def _judged(batch: _Batch, count: int, max_t: float) -> Judged:
    """The items at times that the critics may see; of two draws they see one."""
    own, everywhere = (
        t <= max_t if max_t < 1 else torch.ones_like(t, dtype=torch.bool) for t in (batch.t, batch.times)
    )
    own[count:] = False
    return Judged(own, everywhere)


def _items(bands: Subbands, which: slice) -> Subbands:
    """Some items of a batch of subbands."""
    details = tuple(type(level)(*(band[which] for band in level)) for level in bands.details)
    return Subbands(bands.ll[which], details, bands.size)
