"""When a training is beyond help: figures that are not finite, critics that explode, a loss that has left for good."""

from __future__ import annotations

import math
from collections.abc import Mapping

from torch import Tensor

SETTLED = 50  # updates of the critic before its size is judged
FACTOR, LEAST = 100.0, 100.0  # |loss| above both the factor times its running mean and the least is an explosion
MEMORY = 0.99
RECENT = 0.95  # memory of the running mean of the whole loss: about twenty steps
FAR, LONG = 3.0, 200  # above its start and this many times above its least, for so many steps: it does not come back


class Guard:
    """Looks at the figures of every step of one stage."""

    def __init__(self) -> None:
        self.mean, self.count = 0.0, 0
        self.loss = _Course()

    def reason(self, figures: Mapping[str, Tensor]) -> str | None:
        """Why the training has to stop, or None."""
        named = [name for name, value in figures.items() if not math.isfinite(float(value))]
        if named:
            return f"{', '.join(named)} is not finite"
        if "critic" not in figures:
            return self.loss.reason(float(figures["total"]))
        size = abs(float(figures["critic"]))
        if self.count >= SETTLED and size > max(LEAST, FACTOR * self.mean):
            return f"the critic's loss exploded to {size:.3g}, its running mean is {self.mean:.3g}"
        self.mean = size if not self.count else MEMORY * self.mean + (1 - MEMORY) * size
        self.count += 1
        return None


class _Course:
    """The running mean of a loss that should fall, since its stage began or was resumed.

    Critics move what a loss is; with them this says nothing.
    """

    def __init__(self) -> None:
        self.steps, self.mean, self.least, self.start, self.away = 0, 0.0, math.inf, math.inf, 0

    def reason(self, loss: float) -> str | None:
        """Why the training has to stop, or None."""
        self.steps += 1
        weight = max(1 - RECENT, 1 / self.steps)  # the plain mean at first
        self.mean += weight * (loss - self.mean)
        if self.steps * (1 - RECENT) < 1:
            return None
        if self.start == math.inf:
            self.start = self.mean
        self.least = min(self.least, self.mean)
        far = self.least > 0 and self.mean > max(self.start, FAR * self.least)
        self.away = self.away + 1 if far else 0
        if self.away < LONG:
            return None
        return (
            f"the loss has been above its first mean of {self.start:.3g} for {LONG} steps and is {self.mean:.3g}, "
            f"after {self.least:.3g} at best"
        )
