"""When a training is beyond help: figures that are not finite, and critics that explode."""

from __future__ import annotations

import math
from collections.abc import Mapping

from torch import Tensor

SETTLED = 50  # updates of the critic before its size is judged
FACTOR, LEAST = 100.0, 100.0  # |loss| above both the factor times its running mean and the least is an explosion
MEMORY = 0.99


class Guard:
    """Looks at the figures of every step."""

    def __init__(self) -> None:
        self.mean, self.count = 0.0, 0

    def reason(self, figures: Mapping[str, Tensor]) -> str | None:
        """Why the training has to stop, or None."""
        named = [name for name, value in figures.items() if not math.isfinite(float(value))]
        if named:
            return f"{', '.join(named)} is not finite"
        if "critic" not in figures:
            return None
        size = abs(float(figures["critic"]))
        if self.count >= SETTLED and size > max(LEAST, FACTOR * self.mean):
            return f"the critic's loss exploded to {size:.3g}, its running mean is {self.mean:.3g}"
        self.mean = size if not self.count else MEMORY * self.mean + (1 - MEMORY) * size
        self.count += 1
        return None
