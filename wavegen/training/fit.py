"""The one training loop: coarse stage, heads and critics of any pipeline, on any device."""

from __future__ import annotations

import json
import signal
import sys
import time
from collections import deque
from collections.abc import Sequence
from contextlib import nullcontext
from copy import deepcopy
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from wavegen.core.draws import Shared
from wavegen.core.errors import InputError
from wavegen.core.files import exclusive
from wavegen.core.registry import build, entry
from wavegen.core.types import Pair, PairSource
from wavegen.data.matching import Matched
from wavegen.losses import Objective, Terms
from wavegen.optimizers import roles_of
from wavegen.pipeline.config import PipelineConfig, Stage
from wavegen.pipeline.pipeline import Pipeline
from wavegen.pipeline.stages import stage_needs
from wavegen.pipeline.storage import read_weights
from wavegen.training import state
from wavegen.training.averages import Averages
from wavegen.training.config import Training
from wavegen.training.critics import Critics
from wavegen.training.divergence import Guard
from wavegen.training.interrupt import Deferred
from wavegen.training.learning_rate import cycle_done, cycle_of, rate, warmup_steps
from wavegen.training.processes import Processes, join
from wavegen.training.scales import scaled, write
from wavegen.training.stream import Stream, same_means
from wavegen.training.validation import Validation

PROBE = 12  # steps of a stage that are timed before their number is planned


class Callback(Protocol):
    """Told of every logged step: figures so far and, lazily, the model with averaged weights.

    A callback may add figures to the record for those after it; ``diverged`` with a reason stops the training. One
    with a method ``begin(step)`` is told before the first step how many steps the run has behind it. Of several
    processes the first alone calls them.
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
    validation: Validation | None = None,
) -> Pipeline:
    """Train a pipeline and return it with averaged weights, also saved to ``out/model``.

    With a ``validation`` the model is the best average that it has seen, safe in ``out/model`` from then on; the last
    one is beside it in ``out/model-last``.

    The state goes to ``out/checkpoint.safetensors`` regularly and at an interruption; a resumed
    run gives the same weights, bit for bit, as one that was never interrupted. ``described`` is
    kept with it (the data's configuration), and a resume must give the same. Targets whose scale is unrelated to that
    of their inputs are laid on it first, if ``intensity.target`` is ``matched`` or ``auto`` finds it so; how is written
    to ``out/intensity.json`` (:mod:`wavegen.training.scales`).

    Started by ``torchrun`` or ``accelerate launch``, several processes do one training together: they share every
    batch, and the first writes and calls the callbacks. How many they are changes no result but by rounding.

    Raises:
        InputError: neither or both of steps and minutes; a run in ``out`` that is not resumed, or one
            of another configuration or other data; another process that trains there; a loss that is no longer
            finite; a process of this training that ended.
    """
    if (training.steps is None) == (training.minutes is None):
        raise InputError("give a training either steps or minutes")
    stages = len(pipeline.config.stages)
    if training.steps is not None and training.steps < stages:
        raise InputError(f"steps = {training.steps}: {pipeline.config.name} has {stages} stages; give each a step")
    processes = join()
    data, remark = scaled(pipeline, data)
    if remark and processes.first:
        print(f"wavegen: {remark}", file=sys.stderr)
    with exclusive(out / ".training.lock", f"the training in {out}") if processes.first else nullcontext():
        run = described or {}
        if validation is not None:
            run = {**run, "validation": validation.described()}
        return _Run(pipeline, data, training, out, resume, callbacks, run, processes, validation).run()


def describe(config: PipelineConfig, training: Training, data: dict[str, Any]) -> dict[str, Any]:
    """The configuration of a run as its checkpoint records it; what cannot change the weights is left out."""
    return {"pipeline": config.model_dump(mode="json"), "training": state.described(training), "data": data}


def _check_crop(objective: Objective, crop: int) -> None:
    """Refuse crops whose smallest scale a loss term cannot judge."""
    levels = objective.pipeline.transform.levels
    for terms in objective.stages:
        for name, loss in terms.image.items():
            least = loss.least_side * 2 ** max(levels - 1, 0)
            if crop < least:
                raise InputError(f"crop = {crop}: the {name} term over {levels} level(s) needs at least {least}")


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
        processes: Processes,
        validation: Validation | None,
    ) -> None:
        self.training, self.out, self.callbacks, self.validation = training, out, callbacks, validation
        self.pipeline, self.processes = pipeline, processes
        self.objective = Objective(pipeline)
        _check_crop(self.objective, training.crop)
        pipeline.precision = training.precision
        self.stream = Stream(data, training, partial(pipeline.normalise, matched=isinstance(data, Matched)), processes)
        self.critics = Critics(pipeline, training, processes)
        distills = any(stage_needs(stage, "needs:teacher") for stage in pipeline.config.stages)
        self.teacher = nn.ModuleList([deepcopy(pipeline.coarse)] if distills else []).requires_grad_(False)
        pipeline.train()
        for module in (pipeline, self.critics.modules, self.teacher):
            module.to(processes.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
            processes.equalise(module.state_dict().values())
        roles = roles_of(pipeline, pipeline.transform)
        self.optimizer: torch.optim.Optimizer = build("optimizer", training.optimizer, roles=roles)
        self.own_schedule = "own-schedule" in entry("optimizer", training.optimizer["name"]).capabilities
        self.guard = Guard()
        self.averages = Averages(pipeline, training.ema)
        self.progress = state.Progress()
        self.run_description = json.loads(json.dumps(describe(pipeline.config, training, described)))
        self.file = out / "checkpoint.safetensors"
        if self.file.exists() and not resume:
            raise InputError(f"{out} holds a training already; give --resume to continue it, or another --out")
        if self.file.exists():
            self.progress = state.load(
                self.file, self._modules(), self._optimizers(), self.averages, self.run_description
            )
            deque(self.stream.clean(), maxlen=0)  # for the means
            state.check_data(self.file, self.stream.means)
        else:
            pipeline.fit_normalisation(self.stream.clean())
        self._compare_with_first()
        if processes.first:
            write(data, out)
        if validation is not None:
            validation.begin(pipeline, training, self.progress.step, len(self.averages.lengths), processes.first)

    def _compare_with_first(self) -> None:
        """Refuse a state or data that are not the same for all processes; all come to know."""
        means, step = self.processes.tell((self.stream.means, self.progress.step))
        differs = torch.tensor([step != self.progress.step, not same_means(means, self.stream.means)]).int()
        other_step, other_data = self.processes.sum(differs).tolist()
        if other_step:
            raise InputError(
                f"not all processes see {self.file} as the first does; give all machines one shared folder"
            )
        if other_data:
            raise InputError("not all processes have the data of the first; give all machines the same files")

    def _modules(self) -> dict[str, nn.Module]:
        return {"model": self.pipeline, "critics": self.critics.modules, "teacher": self.teacher}

    def _optimizers(self) -> dict[str, torch.optim.Optimizer]:
        optimizers: dict[str, torch.optim.Optimizer] = {"adam": self.optimizer}
        if self.critics.optimizer is not None:
            optimizers["critic_adam"] = self.critics.optimizer
        return optimizers

    def save(self) -> None:
        """Write the state; only the first process does."""
        if self.processes.first:
            described = (self.run_description, self.stream.means)
            state.save(self.file, self._modules(), self._optimizers(), self.averages, self.progress, *described)

    def run(self) -> Pipeline:
        """Go through the stages; keep the state at an interruption."""
        stages = self.pipeline.config.stages
        if self.processes.first:
            for callback in self.callbacks:
                getattr(callback, "begin", lambda step: None)(self.progress.step)
        with Deferred(patience=self.processes.count > 1) as interruption:
            while self.progress.stage < len(stages):
                self._run_stage(self.progress.stage, stages[self.progress.stage], interruption)
                self.progress.stage += 1
                self.progress.step_in_stage = 0
            self.save()
        self.averages.put(self.pipeline)
        self.pipeline.eval()
        if self.processes.first:
            self.pipeline.save_pretrained(self.out / ("model" if self.validation is None else "model-last"))
        if self.validation is not None:
            self.pipeline.load_state_dict(read_weights(self.validation.model, self.pipeline.state_dict()))
            if self.processes.first:
                self.validation.finish(self.pipeline)
        self.processes.wait()
        return self.pipeline

    def _run_stage(self, index: int, stage: Stage, interruption: Deferred) -> None:
        share = stage.share / sum(s.share for s in self.pipeline.config.stages)
        if len(self.progress.plan) <= index:
            self.progress.plan.append(self._steps_of(index, share))
        if self.progress.step_in_stage == 0:
            self._begin_stage(index, stage)
        spent = time.process_time()
        probed: list[float] = []
        for batch in self.stream.batches(self.progress.step, self.processes.device):
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
            if received := self._received(interruption):
                self.save()
                self.processes.wait()  # a launcher ends the others where one ends
                interruption.check(received)
            spent = time.process_time()  # what the callbacks took is not training

    def _received(self, interruption: Deferred) -> int:
        """The signal that this or another process was sent, the largest number of several; 0: none."""
        numbers = torch.zeros(max(signal.valid_signals()) + 1)
        numbers[interruption.received] = 1
        return int(self.processes.sum(numbers).nonzero().max()) if self.processes.count > 1 else interruption.received

    def _begin_stage(self, index: int, stage: Stage) -> None:
        """What the stage before leaves to this one: its teacher, its transform."""
        if stage_needs(stage, "needs:teacher"):
            self._appoint_teacher()
        if index and stage_needs(self.pipeline.config.stages[index - 1], "needs:lossy"):
            self._settle_transform()

    def _steps_of(self, index: int, share: float) -> int:
        """A stage's steps, the last one's what is left; 0: not known until PROBE steps are timed."""
        if self.training.steps is None:
            return 0
        last = index == len(self.pipeline.config.stages) - 1
        left = self.training.steps - sum(self.progress.plan)
        return max(1, left if last else round(share * self.training.steps))

    def _plan(self, index: int, share: float, probed: list[float]) -> None:
        """Turn a stage's share of the minutes into steps, once PROBE steps have been timed."""
        if len(probed) == PROBE:
            seconds = 60 * (self.training.minutes or 0.0) * share
            # The median: the first steps are slower (memory, kernels being chosen).
            steps = int(seconds / sorted(probed)[PROBE // 2])
            self.progress.plan[index] = self.processes.tell(max(self.progress.step_in_stage, steps))

    def _appoint_teacher(self) -> None:
        """The coarse network with its averaged weights teaches from now on."""
        with self.averages.shown(self.pipeline):
            self.teacher[0].load_state_dict(self.pipeline.coarse.state_dict())

    def _settle_transform(self) -> None:
        """The auto-encoder keeps its averaged weights from now on, and its bands are normalised by their statistics."""
        transform = self.pipeline.transform
        with self.averages.shown(self.pipeline):
            averaged = {name: value.clone() for name, value in transform.state_dict().items()}
        transform.load_state_dict(averaged)
        self.pipeline.fit_normalisation(self.stream.clean())

    def _rate(self, index: int, within: float) -> float:
        """What the peak rates are multiplied by at the current step of stage ``index``."""
        stages, training = self.pipeline.config.stages, self.training
        cycle = cycle_of(stages, index)
        steps = self.progress.step - sum(self.progress.plan[: cycle.start])
        planned = sum(self.progress.plan[cycle.start : cycle.stop])
        final = 1.0 if self.own_schedule else training.final_rate
        return rate(cycle_done(stages, index, within), steps, warmup_steps(training.warmup, planned), final)

    def _step(self, index: int, stage: Stage, batch: Pair, rate: float) -> dict[str, Tensor]:
        """One update of the pipeline and, where it is due, of the critics."""
        seed = (self.training.seed * 1_000_003 + self.progress.step) * 4096
        generator = Shared(seed, self.processes.rank, self.processes.count, len(batch.x))
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group["initial_lr"]
        self.critics.modules.requires_grad_(False)
        terms: Terms = self.objective(batch.x, batch.y, index, generator, self.critics.modules, *self.teacher)
        weighted = {name: stage.weight(name) * value for name, value in terms.losses.items()}
        extra = self.critics.balance(weighted)
        total = sum(weighted.values(), torch.zeros(()))
        self.optimizer.zero_grad(set_to_none=True)
        if total.requires_grad:  # with few items a process may have none that its stage judges
            total.backward()  # type: ignore[no-untyped-call]
        if not self.processes.sum(torch.tensor(int(total.requires_grad))):
            raise InputError(
                f"stage {stage.name!r}, step {self.progress.step + 1}: no loss term has a gradient "
                f"({', '.join(stage.weights)}); weigh another one, or give a larger max_t, batch or crop"
            )
        self.processes.average_gradients(self.pipeline.parameters())
        norm = torch.nn.utils.clip_grad_norm_(self.pipeline.parameters(), self.training.clip)
        self.optimizer.step()
        own: list[Tensor] | None = self.optimizer.averaged() if self.own_schedule else None  # type: ignore[attr-defined]
        self.averages.update(self.pipeline, self.progress.step, own)
        figures = {**terms.losses, **extra, "total": total, "gradient": torch.as_tensor(norm)}
        figures |= self.critics.learn(terms, self.progress.step)
        return self.processes.average_figures({name: value.detach() for name, value in figures.items()})

    def _after_step(self, stage: Stage, figures: dict[str, Tensor]) -> None:
        step, training = self.progress.step, self.training
        planned = sum(self.progress.plan)
        last = bool(self.progress.plan[-1]) and self.progress.step_in_stage >= self.progress.plan[-1]
        self._stop_for(self.guard.reason(figures))
        whole = training.steps or planned
        due = self.validation is not None and self.validation.due(step, whole, last)
        if step % training.log_every == 0 or last or due:
            record: dict[str, Any] = {
                "step": step,
                "stage": stage.name,
                "planned": planned,
                "core_minutes": round(self.progress.core_seconds / 60, 3),
                **{name: float(value) for name, value in figures.items()},
            }
            if self.processes.first:
                self._tell(record, due)
            self._stop_for(self.processes.tell(record.get("diverged")))
        if due and self.validation is not None and self.processes.tell(self.validation.stop(whole)):
            self.progress.plan[-1] = self.progress.step_in_stage
        if step % training.checkpoint_every == 0:
            self.save()

    def _stop_for(self, reason: str | None) -> None:
        """End a training that has diverged; what was saved last stays."""
        if reason is not None:
            kept = f"the last good state is kept in {self.file}" if self.file.exists() else "no state was kept yet"
            if self.validation is not None and self.validation.model.exists():
                kept += f", the best model so far in {self.validation.model}"
            raise InputError(
                f"training diverged at step {self.progress.step}: {reason}; {kept}; lower the learning rate"
            )

    def _tell(self, record: dict[str, Any], validate: bool) -> None:
        """Show the averaged weights to the validation, where it is due, and to the callbacks."""
        self.pipeline.eval()
        try:
            if validate and self.validation is not None:
                final = self.progress.stage == len(self.pipeline.config.stages) - 1
                for length in self.averages.lengths:
                    with self.averages.shown(self.pipeline, length):
                        self.validation.look(f"{length:g}", record, self.pipeline, final)
            with self.averages.shown(self.pipeline):
                for callback in self.callbacks:
                    callback(record, self.pipeline)
        finally:
            self.pipeline.train()
