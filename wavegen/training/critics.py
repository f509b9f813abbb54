"""The critics of a run: their weights, their optimiser, their updates, and how hard they may pull."""

from __future__ import annotations

import torch
from torch import Tensor

from wavegen.core.registry import build
from wavegen.gans import adaptive_weight
from wavegen.losses.adversarial import build_critics, check_critics, critics_loss
from wavegen.losses.base import Terms
from wavegen.optimizers import roles_of
from wavegen.pipeline.config import Stage
from wavegen.pipeline.pipeline import Pipeline
from wavegen.pipeline.stages import needs, stage_needs
from wavegen.training.config import Training
from wavegen.training.processes import Processes


class Critics:
    """``modules``, one for each scale (none where the pipeline has no critic), and ``optimizer``.

    Raises:
        InputError: the training's crops are too small for them.
    """

    def __init__(self, pipeline: Pipeline, training: Training, processes: Processes) -> None:
        self.pipeline, self.processes = pipeline, processes
        self.settings, transform = pipeline.config.critic, pipeline.transform
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(training.seed)  # initial weights
            coarse = transform.coarse_channels(pipeline.config.channels)
            self.modules = build_critics(pipeline.config, max(transform.levels, 1), coarse)
        check_critics(pipeline.config, self.modules, transform.sizes((training.crop, training.crop)))
        self.optimizer: torch.optim.Optimizer | None = None
        if self.settings is not None:
            rate = self.settings.learning_rate
            chosen = self.settings.optimizer or {"name": "adamw", "rate": rate, "beta1": 0.0}
            self.optimizer = build("optimizer", chosen, roles=roles_of(self.modules))
        self.last = torch.zeros(())  # logged between updates

    def balance(self, weighted: dict[str, Tensor]) -> dict[str, Tensor]:
        """Let the adversarial term pull as hard at the last layer as the others together, where that is wanted.

        ``weighted`` holds the weighted terms and is changed in place; what is to be logged is returned.
        """
        from_critics = [name for name in weighted if "needs:critic" in needs(name)]
        if self.settings is None or not self.settings.adaptive or not 0 < len(from_critics) < len(weighted):
            return {}
        nothing = torch.zeros(())
        adversarial = sum((weighted[name] for name in from_critics), nothing)
        others = sum((value for name, value in weighted.items() if name not in from_critics), nothing)
        factor = adaptive_weight(others, adversarial, self.pipeline.last_layer, average=self.processes.average)
        for name in from_critics:
            weighted[name] = factor * weighted[name]
        return {"adversarial_factor": factor}

    def learn(self, terms: Terms, step: int) -> dict[str, Tensor]:
        """One update, where one is due at this step and any process judges anything. Returns what is to be logged."""
        if terms.share is None or self.settings is None or self.optimizer is None:
            return {}
        self.modules.requires_grad_(True)
        if step % self.settings.every:
            return {"critic": self.last}
        penalised = step // self.settings.every % self.settings.penalty_every == 0
        self.optimizer.zero_grad(set_to_none=True)
        loss = torch.zeros(())
        if terms.candidates:
            loss = terms.share * critics_loss(self.pipeline, self.modules, terms.candidates, penalised)
            loss.backward()  # type: ignore[no-untyped-call]
        self.processes.average_gradients(self.modules.parameters())
        self.processes.equalise(self.modules.buffers(), bool(terms.candidates))  # spectral norms, where one judged
        self.optimizer.step()
        self.last = loss.detach()
        return {"critic": self.last}

    def typical_steps(self, stage: Stage, turn: int) -> list[tuple[int, float]]:
        """Steps of each kind that a stage has, with and without an update and a penalty, and their shares of all.

        Another ``turn`` gives other steps of the same kinds.
        """
        if self.settings is None or not stage_needs(stage, "needs:critic"):
            return [(turn, 1.0)]
        every, penalty_every = self.settings.every, self.settings.penalty_every
        kinds = [(0, 1 / penalty_every / every), (every, (1 - 1 / penalty_every) / every), (1, 1 - 1 / every)]
        return [(step + turn * every * penalty_every, share) for step, share in kinds if share > 0]

    def forget(self) -> None:
        """Log nothing of updates that have been taken back."""
        self.last = torch.zeros(())
