"""The one training loop: coarse stage, heads and critics of any pipeline, on any device."""

from __future__ import annotations

import json
import signal
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator, Sequence
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
from wavegen.data.matched import Matched
from wavegen.losses import Objective, Terms
from wavegen.optimizers import roles_of
from wavegen.pipeline.config import PipelineConfig, Stage
from wavegen.pipeline.pipeline import Pipeline
from wavegen.pipeline.stages import stage_needs
from wavegen.pipeline.storage import read_weights
from wavegen.training import state
from wavegen.training.averages import Averages
from wavegen.training.budget import Budget, check_length
from wavegen.training.checkpoints import Checkpoints
from wavegen.training.config import Training
from wavegen.training.critics import Critics
from wavegen.training.divergence import Guard
from wavegen.training.interrupt import Deferred
from wavegen.training.learning_rate import cycle_done, cycle_of, rate, warmup_steps
from wavegen.training.pace import Clock, Forecast, Pace, peak_bytes
from wavegen.training.processes import Processes, join
from wavegen.training.scales import scaled, write
from wavegen.training.stream import Stream, same_means
from wavegen.training.validation import Validation

TIMED_RATE = 1e-6  # of the peak rates, for steps that are only timed: weights hardly move


class Callback(Protocol):
    """Told of every logged step: figures so far and, lazily, the model with averaged weights.

    A callback may add figures to the record for those after it; ``diverged`` with a reason stops the training. One
    with a method ``begin(step)`` is told before the first step how many steps the run has behind it, one with
    ``expect(forecast)`` what it will take, and one with ``tick(pace)`` of every step. Of several processes the first
    alone calls them.
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
    check_length(training, pipeline.config)
    processes = join()
    data, remark = scaled(pipeline, data)
    if remark and processes.first:
        print(f"wavegen: {remark}", file=sys.stderr)
    with exclusive(out / ".training.lock", f"the training in {out}") if processes.first else nullcontext():
        run = described or {}
        if validation is not None:
            run = {**run, "validation": validation.described()}
        return Run(pipeline, data, training, out, resume, callbacks, run, processes, validation).run()


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


class Run:
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
        validation: Validation | None = None,
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
        stages = pipeline.config.stages
        self.budget = Budget(self.progress, stages, training.steps, training.minutes, processes.tell)
        self.checkpoints, self.clock = Checkpoints(training.checkpoint_every), Clock()
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
            began = time.monotonic()
            self._write(self.file)
            self.checkpoints.wrote(time.monotonic() - began)

    def _write(self, file: Path) -> None:
        described = (self.run_description, self.stream.means)
        state.save(file, self._modules(), self._optimizers(), self.averages, self.progress, *described)

    def run(self) -> Pipeline:
        """Go through the stages; keep the state at an interruption."""
        stages = self.pipeline.config.stages
        self._each("begin", self.progress.step)
        with Deferred(patience=self.processes.count > 1) as interruption:
            self.clock.lap()
            if self.progress.stage < len(stages):
                self._foresee()
            while self.progress.stage < len(stages):
                self._run_stage(self.progress.stage, stages[self.progress.stage], interruption)
                self.budget.next_stage()
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

    def _each(self, name: str, value: Any) -> None:
        """Tell every callback that has such a method."""
        if self.processes.first:
            for callback in self.callbacks:
                getattr(callback, name, lambda value: None)(value)

    def _foresee(self) -> None:
        """Plan, and tell what the training will take, where somebody asks; for that, steps of all stages are timed."""
        asked = self.processes.tell(any(hasattr(callback, "expect") for callback in self.callbacks))
        if self.training.minutes is None and not asked:
            return
        if not self.progress.costs:
            costs = self._timed()
            self.progress.core_seconds += self.clock.lap()
            self.budget.start(costs)
        seconds = self.progress.core_seconds + self.budget.seconds_left
        forecast = Forecast(self.budget.planned, seconds / 60, peak_bytes(self.processes.device))
        self._each("expect", forecast)

    def _timed(self) -> list[float]:
        """Seconds of a step of every stage: some are made, and the state is put back, bit for bit."""
        progress = self.progress
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / self.file.name
            began = time.process_time()
            self._write(file)
            self.budget.saving = time.process_time() - began
            step, batches = progress.step, self.stream.batches(progress.step, self.processes.device)
            costs = [self.time_step(index, batches) for index in range(len(self.pipeline.config.stages))]
            progress.step = step
            state.load(file, self._modules(), self._optimizers(), self.averages, self.run_description)
        self.critics.forget()
        return costs

    def time_step(self, index: int, batches: Iterator[Pair], turn: int = 0) -> float:
        """Processor seconds of a step of a stage; it changes the state of the run.

        Steps with and without the critics' updates and penalties count as often as they happen. One step is made before
        them: the first of a stage is slower (memory, kernels being chosen).
        """
        stage, mean = self.pipeline.config.stages[index], 0.0
        steps = self.critics.typical_steps(stage, turn)
        for step, share in [(steps[0][0], 0.0), *steps]:
            self.progress.step = step
            began = time.process_time()
            self._step(index, stage, next(batches), TIMED_RATE)
            mean += share * (time.process_time() - began)
        return mean

    def _run_stage(self, index: int, stage: Stage, interruption: Deferred) -> None:
        if self.progress.step_in_stage == 0:
            self._begin_stage(index, stage)
        for batch in self.stream.batches(self.progress.step, self.processes.device):
            if self.budget.over:
                break
            figures = self._step(index, stage, batch, self._rate(index, self.budget.within))
            self.budget.made(self.clock.lap())
            self._after_step(stage, figures)
            if received := self._received(interruption):
                self.save()
                self.processes.wait()  # a launcher ends the others where one ends
                interruption.check(received)
            self.budget.besides(self.clock.lap())

    def _received(self, interruption: Deferred) -> int:
        """The signal that this or another process was sent, the largest number of several; 0: none."""
        numbers = torch.zeros(max(signal.valid_signals()) + 1)
        numbers[interruption.received] = 1
        return int(self.processes.sum(numbers).nonzero().max()) if self.processes.count > 1 else interruption.received

    def _begin_stage(self, index: int, stage: Stage) -> None:
        """What the stage before leaves to this one: its teacher, its transform. Another loss has another course."""
        self.guard = Guard()
        if stage_needs(stage, "needs:teacher"):
            self._appoint_teacher()
        if index and stage_needs(self.pipeline.config.stages[index - 1], "needs:lossy"):
            self._settle_transform()

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
        progress, planned = self.progress, self.budget.planned
        self._stop_for(self.guard.reason(figures))
        minutes = (progress.core_seconds / 60, self.budget.seconds_left / 60)
        self._each("tick", Pace(progress.step, planned, stage.name, float(figures["total"]), *minutes))
        last = self.budget.over
        whole = self.training.steps or planned
        due = self.validation is not None and self.validation.due(progress.step, whole, last)
        if progress.step % self.training.log_every == 0 or last or due:
            record: dict[str, Any] = {
                "step": progress.step,
                "stage": stage.name,
                "planned": planned,
                "core_minutes": round(progress.core_seconds / 60, 3),
                **{name: float(value) for name, value in figures.items()},
            }
            if self.processes.first:
                self._tell(record, due)
            self._stop_for(self.processes.tell(record.get("diverged")))
        if due and self.validation is not None and self.processes.tell(self.validation.stop(whole)):
            self.budget.stop()
        if self.checkpoints.due(progress.step):
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
                for length in self.averages.candidates if final and self.budget.over else self.averages.lengths:
                    with self.averages.shown(self.pipeline, length):
                        self.validation.look(f"{length:g}", record, self.pipeline, final)
            with self.averages.shown(self.pipeline):
                for callback in self.callbacks:
                    callback(record, self.pipeline)
        finally:
            self.pipeline.train()
