"""The one training loop: coarse stage, heads and critics of any pipeline, on any device."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from copy import deepcopy
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Subset

from wavegen.core.errors import InputError
from wavegen.core.files import exclusive
from wavegen.core.types import Pair, PairSource
from wavegen.data import Crops
from wavegen.losses import Objective, Terms
from wavegen.pipeline.config import PipelineConfig, Stage
from wavegen.pipeline.pipeline import Pipeline
from wavegen.pipeline.stages import stage_needs
from wavegen.training import state
from wavegen.training.config import Training
from wavegen.training.critics import Critics
from wavegen.training.divergence import Guard
from wavegen.training.interrupt import Deferred
from wavegen.training.learning_rate import cycle_done, cycle_of, rate

PROBE = 12  # steps of a stage that are timed before their number is planned
STATISTICS = 64  # crops from which subband statistics are taken
BETAS = (0.9, 0.98)  # of AdamW


class Callback(Protocol):
    """Told of every logged step: figures so far and, lazily, the model with averaged weights.

    A callback may add figures to the record for those after it; ``diverged`` with a reason stops the training.
    """

    def __call__(self, record: dict[str, Any], pipeline: Pipeline, /) -> None:
        """Look at one record."""


def fit(
    pipeline: Pipeline,
    data: PairSource,
    training: Training,
    out: Path,
    *,
    resume: bool = False,
    callbacks: Sequence[Callback] = (),
    described: dict[str, Any] | None = None,
) -> Pipeline:
    """Train a pipeline and return it with averaged weights, also saved to ``out/model``.

    The state goes to ``out/checkpoint.safetensors`` regularly and at an interruption; a resumed
    run gives the same weights, bit for bit, as one that was never interrupted. ``described`` is
    kept with it (the data's configuration), and a resume must give the same.

    Raises:
        InputError: neither or both of steps and minutes; a run in ``out`` that is not resumed, or one
            of another configuration; another process that trains there; a loss that is no longer finite.
    """
    if (training.steps is None) == (training.minutes is None):
        raise InputError("give a training either steps or minutes")
    first = os.environ.get("RANK", "0") == "0"  # of the processes that share the work
    with exclusive(out / ".training.lock", f"the training in {out}") if first else nullcontext():
        return _Run(pipeline, data, training, out, resume, callbacks, described or {}).run()


def describe(config: PipelineConfig, training: Training, data: dict[str, Any]) -> dict[str, Any]:
    """The configuration of a run as its checkpoint records it; what cannot change the weights is left out."""
    harmless = {"workers", "checkpoint_every", "preview_every", "log_every"}
    return {
        "pipeline": config.model_dump(mode="json"),
        "training": training.model_dump(mode="json", exclude=harmless),
        "data": data,
    }


def _check_crop(objective: Objective, crop: int) -> None:
    """Refuse crops whose smallest scale a loss term cannot judge."""
    levels = objective.pipeline.transform.levels
    for terms in objective.stages:
        for name, loss in terms.image.items():
            least = loss.least_side * 2 ** max(levels - 1, 0)
            if crop < least:
                raise InputError(f"crop = {crop}: the {name} term over {levels} level(s) needs at least {least}")


def _groups(pipeline: Pipeline) -> list[dict[str, Any]]:
    """Parameters for the optimiser: those of a learned basis have no decay, for zero is no better a basis."""
    basis = list(pipeline.transform.parameters())
    if not basis:
        return [{"params": list(pipeline.parameters())}]
    own = {id(p) for p in basis}
    rest = [p for p in pipeline.parameters() if id(p) not in own]
    return [{"params": rest}, {"params": basis, "weight_decay": 0.0}]


class _Run:
    """The variables of one training."""

    def __init__(
        self,
        pipeline: Pipeline,
        data: PairSource,
        training: Training,
        out: Path,
        resume: bool,
        callbacks: Sequence[Callback],
        described: dict[str, Any],
    ) -> None:
        from accelerate import Accelerator, DistributedDataParallelKwargs

        self.accelerator = Accelerator(
            cpu=not (torch.cuda.is_available() or torch.backends.mps.is_available()),
            # A stage trains the coarse network, the heads, or both.
            kwargs_handlers=[DistributedDataParallelKwargs(find_unused_parameters=True)],
        )
        self.training, self.out, self.callbacks = training, out, callbacks
        self.pipeline = pipeline
        objective = Objective(pipeline)
        _check_crop(objective, training.crop)
        pipeline.precision = training.precision
        self.crops = Crops(data, training.crop, training.seed, length=1 << 40, transform=pipeline.normalise)
        self.critics = Critics(pipeline, training)
        distills = any(stage_needs(stage, "needs:teacher") for stage in pipeline.config.stages)
        self.teacher = nn.ModuleList([deepcopy(pipeline.coarse)] if distills else []).requires_grad_(False)
        pipeline.train()
        for module in (pipeline, self.critics.modules, self.teacher):
            module.to(self.accelerator.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.optimizer = torch.optim.AdamW(
            _groups(pipeline), training.learning_rate, BETAS, weight_decay=training.weight_decay
        )
        self.guard = Guard()
        self.ema = state.Ema(pipeline, training.ema)
        self.progress = state.Progress()
        self.run_description = json.loads(json.dumps(describe(pipeline.config, training, described)))
        self.file = out / "checkpoint.safetensors"
        if self.file.exists() and not resume:
            raise InputError(f"{out} holds a training already; give --resume to continue it, or another --out")
        if self.file.exists():
            self.progress = state.load(self.file, self._modules(), self._optimizers(), self.ema, self.run_description)
        else:
            pipeline.fit_normalisation(self.crops[i].x for i in range(STATISTICS))
        # With several processes DistributedDataParallel wraps the module; alone it is returned as it is.
        self.objective, self.optimizer = self.accelerator.prepare(objective, self.optimizer)

    def _modules(self) -> dict[str, nn.Module]:
        return {"model": self.pipeline, "critics": self.critics.modules, "teacher": self.teacher}

    def _optimizers(self) -> dict[str, torch.optim.Optimizer]:
        optimizers: dict[str, torch.optim.Optimizer] = {"adam": getattr(self.optimizer, "optimizer", self.optimizer)}
        if self.critics.optimizer is not None:
            optimizers["critic_adam"] = self.critics.optimizer
        return optimizers

    def save(self) -> None:
        """Write the state; only the first process does."""
        if self.accelerator.is_main_process:
            state.save(self.file, self._modules(), self._optimizers(), self.ema, self.progress, self.run_description)

    def run(self) -> Pipeline:
        """Go through the stages; keep the state at an interruption."""
        stages = self.pipeline.config.stages
        with Deferred() as interruption:
            while self.progress.stage < len(stages):
                self._run_stage(self.progress.stage, stages[self.progress.stage], interruption)
                self.progress.stage += 1
                self.progress.step_in_stage = 0
            self.save()
        self.ema.swap(self.pipeline)
        self.pipeline.eval()
        if self.accelerator.is_main_process:
            self.pipeline.save_pretrained(self.out / "model")
        return self.pipeline

    def _run_stage(self, index: int, stage: Stage, interruption: Deferred) -> None:
        share = stage.share / sum(s.share for s in self.pipeline.config.stages)
        if len(self.progress.plan) <= index:
            planned = max(1, round(share * self.training.steps)) if self.training.steps else 0
            self.progress.plan.append(planned)  # 0: not known until PROBE steps are timed
        if self.progress.step_in_stage == 0:
            self._begin_stage(index, stage)
        spent = time.process_time()
        probed: list[float] = []
        for batch in self._batches():
            planned = self.progress.plan[index]
            if planned and self.progress.step_in_stage >= planned:
                break
            within = self.progress.step_in_stage / planned if planned else 0.0
            figures = self._step(index, stage, batch, self._rate(index, within))
            self.progress.step += 1
            self.progress.step_in_stage += 1
            seconds = time.process_time() - spent
            self.progress.core_seconds += seconds
            if not planned:
                probed.append(seconds)
                self._plan(index, share, probed)
            self._after_step(stage, figures)
            if interruption.received:
                self.save()
                interruption.check()
            spent = time.process_time()  # what the callbacks took is not training

    def _begin_stage(self, index: int, stage: Stage) -> None:
        """What the stage before leaves to this one: its teacher, its transform."""
        if stage_needs(stage, "needs:teacher"):
            self._appoint_teacher()
        if index and stage_needs(self.pipeline.config.stages[index - 1], "needs:lossy"):
            self._settle_transform()

    def _plan(self, index: int, share: float, probed: list[float]) -> None:
        """Turn a stage's share of the minutes into steps, once PROBE steps have been timed."""
        if len(probed) == PROBE:
            seconds = 60 * (self.training.minutes or 0.0) * share
            # The median: the first steps are slower (memory, kernels being chosen).
            steps = int(seconds / sorted(probed)[PROBE // 2])
            self.progress.plan[index] = max(self.progress.step_in_stage, steps)

    def _appoint_teacher(self) -> None:
        """The coarse network with its averaged weights teaches from now on."""
        self.ema.swap(self.pipeline)
        self.teacher[0].load_state_dict(self.pipeline.coarse.state_dict())
        self.ema.swap(self.pipeline)

    def _settle_transform(self) -> None:
        """The auto-encoder keeps its averaged weights from now on, and its bands are normalised by their statistics."""
        transform = self.pipeline.transform
        self.ema.swap(self.pipeline)
        averaged = {name: value.clone() for name, value in transform.state_dict().items()}
        self.ema.swap(self.pipeline)
        transform.load_state_dict(averaged)
        self.pipeline.fit_normalisation(self.crops[i].x for i in range(STATISTICS))

    def _batches(self) -> Iterator[Pair]:
        """Batches from the current step on; item i of the stream depends on the seed and i only."""
        size = self.training.batch * self.accelerator.num_processes
        rest = Subset(self.crops, range(self.progress.step * size, len(self.crops)))
        loader = DataLoader(rest, batch_size=self.training.batch, num_workers=self.training.workers)
        return iter(self.accelerator.prepare(loader))

    def _rate(self, index: int, within: float) -> float:
        """The learning rate at the current step of stage ``index``."""
        stages, training = self.pipeline.config.stages, self.training
        steps = self.progress.step - sum(self.progress.plan[: cycle_of(stages, index).start])
        factor = rate(cycle_done(stages, index, within), steps, training.warmup, training.final_rate)
        return training.learning_rate * factor

    def _step(self, index: int, stage: Stage, batch: Pair, rate: float) -> dict[str, Tensor]:
        """One update of the pipeline and, where it is due, of the critics."""
        seed = (self.training.seed * 1_000_003 + self.progress.step) * 4096 + self.accelerator.process_index
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.critics.modules.requires_grad_(False)
        terms: Terms = self.objective(
            batch.x, batch.y, index, torch.Generator().manual_seed(seed), self.critics.modules, *self.teacher
        )
        weighted = {name: stage.weight(name) * value for name, value in terms.losses.items()}
        extra = self.critics.balance(weighted)
        total = sum(weighted.values(), torch.zeros(()))
        if not total.requires_grad:
            raise InputError(
                f"stage {stage.name!r}, step {self.progress.step + 1}: no loss term has a gradient "
                f"({', '.join(stage.weights)}); weigh another one, or give a larger max_t, batch or crop"
            )
        self.optimizer.zero_grad(set_to_none=True)
        self.accelerator.backward(total)
        norm = self.accelerator.clip_grad_norm_(self.pipeline.parameters(), self.training.clip)
        self.optimizer.step()
        self.ema.update(self.pipeline, self.progress.step)
        figures = {**terms.losses, **extra, "total": total, "gradient": torch.as_tensor(norm)}
        figures |= self.critics.learn(
            terms.candidates, self.progress.step, lambda gradient: self.accelerator.reduce(gradient, "mean")
        )
        return {name: value.detach() for name, value in figures.items()}

    def _after_step(self, stage: Stage, figures: dict[str, Tensor]) -> None:
        step, training = self.progress.step, self.training
        planned = sum(self.progress.plan)
        last = bool(self.progress.plan[-1]) and self.progress.step_in_stage >= self.progress.plan[-1]
        self._stop_for(self.guard.reason(figures))
        if step % training.log_every == 0 or last:
            record: dict[str, Any] = {
                "step": step,
                "stage": stage.name,
                "planned": planned,
                "core_minutes": round(self.progress.core_seconds / 60, 3),
                **{name: float(value) for name, value in figures.items()},
            }
            if self.accelerator.is_main_process:
                self._tell(record)
                self._stop_for(record.get("diverged"))
        if step % training.checkpoint_every == 0:
            self.save()

    def _stop_for(self, reason: str | None) -> None:
        """End a training that has diverged; what was saved last stays."""
        if reason is not None:
            kept = f"the last good state is kept in {self.file}" if self.file.exists() else "no state was kept yet"
            raise InputError(
                f"training diverged at step {self.progress.step}: {reason}; {kept}; lower the learning rate"
            )

    def _tell(self, record: dict[str, Any]) -> None:
        self.ema.swap(self.pipeline)
        self.pipeline.eval()
        try:
            for callback in self.callbacks:
                callback(record, self.pipeline)
        finally:
            self.ema.swap(self.pipeline)
            self.pipeline.train()
