"""The contract of time grids: from exactly 1 strictly down to exactly 0."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

from wavegen.bridges import BBDP, DDPM, Bridge
from wavegen.core.errors import InputError
from wavegen.testing.base import Subject

STEPS = (1, 2, 5, 20)
BRIDGES: tuple[Bridge, ...] = (BBDP(), DDPM())


def check(subject: Subject, grid: Callable[..., list[float]]) -> None:
    """Every check of the contract: ``grid(steps=...[, bridge=...])``."""
    takes_bridge = "bridge" in subject.parameters
    own_steps = bool(subject.capabilities and "own-steps" in subject.capabilities)
    for steps in (None,) if own_steps else STEPS:
        for bridge in BRIDGES if takes_bridge else BRIDGES[:1]:
            supplied = {"bridge": bridge} if takes_bridge else {}
            try:
                times = grid(steps=steps, **supplied)
            except InputError as error:
                raise subject.fail("steps", f"{steps} steps are refused: {error}") from error
            _times(subject, times, steps)


def _times(subject: Subject, times: list[float], steps: int | None) -> None:
    plain = isinstance(times, list) and all(isinstance(t, float) for t in times)
    subject.require(plain, "type", "it is not a list of floats")
    subject.require(all(math.isfinite(t) for t in times), "values", "a time is not finite")
    if steps is not None:
        subject.require(len(times) == steps + 1, "length", f"{len(times)} times for {steps} steps; give {steps + 1}")
    subject.require(times[0] == 1, "start", f"it starts at t = {times[0]:g}, not at 1")
    subject.require(times[-1] == 0, "end", f"it ends at t = {times[-1]:g}, not at 0")
    falls = all(a > b for a, b in pairwise(times))
    subject.require(falls, "order", f"times do not fall strictly: {[round(t, 4) for t in times]}")
