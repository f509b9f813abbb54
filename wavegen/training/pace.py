"""What a training takes: the forecast before its first step, and how far it is after each."""

from __future__ import annotations

import time
from dataclasses import dataclass

import torch

from wavegen.core.memory import peak_memory


@dataclass(frozen=True)
class Forecast:
    """The steps of a whole training, its processor minutes, and the bytes of memory that it needs (0: not known)."""

    steps: int
    minutes: float
    memory: int


@dataclass(frozen=True)
class Pace:
    """After a step: how many were made and are planned, the stage, the loss, processor minutes spent and left."""

    step: int
    planned: int
    stage: str
    loss: float
    spent: float
    left: float


class Clock:
    """Processor time of this process, all threads; nothing between two laps is lost."""

    def __init__(self) -> None:
        self.at = time.process_time()

    def lap(self) -> float:
        """Seconds since the last call."""
        before, self.at = self.at, time.process_time()
        return self.at - before


def peak_bytes(device: torch.device) -> int:
    """The most memory used so far where the networks compute; 0 where that is not known."""
    return int(torch.cuda.max_memory_allocated(device)) if device.type == "cuda" else peak_memory()
