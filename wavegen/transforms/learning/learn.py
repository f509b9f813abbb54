"""Learning the taps of a basis from images."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor

from wavegen.core.errors import InputError
from wavegen.core.registry import build
from wavegen.transforms.base import Transform
from wavegen.transforms.filters import discrete_wavelets, filter_pairs, is_orthonormal
from wavegen.transforms.learning.lattice import Lattice, angles_of
from wavegen.transforms.learning.lifting import STARTS, Lifting
from wavegen.transforms.learning.sparsity import OBJECTIVES

DUPLICATES = (
    "db1",
    "bior1.1",
    "rbio1.1",
    "sym2",
    "sym3",
    "dmey",
)  # of haar, db2 and db3; dmey is not exact
Kind = Literal["lattice", "lifting"]
FIXED, RANDOM = 6, 4  # numbers of fixed and of random starting points
BATCH = 8
RATE, FINAL_RATE = 0.02, 0.0005
EVERY = 100  # steps between evaluations on all images
JITTER = 0.05  # added to angles or coefficients: a fixed basis may be a stationary point


class Learned(NamedTuple):
    """A learned basis.

    ``spec`` builds it, ``start`` names its starting point, and ``value`` is its objective on the training images.
    ``fixed`` holds the objective of each fixed basis with at most as many taps; ``steps`` counts the steps from all
    starting points.
    """

    spec: dict[str, Any]
    start: str
    value: float
    fixed: dict[str, float]
    steps: int


def fixed_bases(kind: Kind, taps: int) -> list[str]:
    """Wavelets of PyWavelets with at most ``taps`` taps: orthonormal ones for the lattice, all for lifting."""
    known = []
    for name in discrete_wavelets():
        lo = filter_pairs(name)[0]
        if len(lo.lo) <= taps and name not in DUPLICATES and (kind == "lifting" or is_orthonormal(lo)):
            known.append(name)
    return known


def check_options(taps: int, objective: str, steps: int | None, minutes: float | None) -> None:
    """Check the options of :func:`learn` before any work is done.

    Raises:
        InputError: an odd number of taps, or one outside 2 to 24; an unknown objective; both or none of steps and
            minutes, or one that is not positive.
    """
    if taps % 2 or not 2 <= taps <= 24:
        raise InputError(f"taps = {taps}: give an even number from 2 to 24")
    if objective not in OBJECTIVES:
        raise InputError(f"objective {objective!r} is not one of {', '.join(OBJECTIVES)}")
    if (steps is None) == (minutes is None):
        raise InputError("give either steps or minutes")
    if (steps or minutes or 0) <= 0:
        raise InputError(f"steps = {steps}, minutes = {minutes}: give more than 0")


def starts(kind: Kind, taps: int, levels: int) -> dict[str, dict[str, Any]]:
    """Specifications of the starting points by name: fixed bases, padded with zeros to ``taps`` taps.

    For lifting ``taps`` is the number of taps of each of its steps.
    """
    specs: dict[str, dict[str, Any]] = {}
    if kind == "lattice":
        for name in fixed_bases(kind, taps):
            lo = filter_pairs(name)[0].lo
            before = (taps - len(lo)) // 4 * 2  # even, to preserve the polyphase components
            padded = (0.0,) * before + lo + (0.0,) * (taps - len(lo) - before)
            specs[name] = {"name": kind, "angles": angles_of(padded), "levels": levels}
        return specs
    for name, (steps, scale) in STARTS.items():
        wide = [_padded(step, taps, before=(0 if i % 2 else 1)) for i, step in enumerate(steps)]
        specs[name] = {"name": kind, "steps": wide, "scale": scale, "levels": levels}
    return specs


def _padded(step: list[float], taps: int, before: int) -> list[float]:
    """An equivalent step with more taps; a single tap is padded to two on the outer side."""
    if len(step) == 1:
        step = [*step, 0.0] if before else [0.0, *step]
    sides = [0.0] * ((taps - len(step)) // 2)
    return [*sides, *step, *sides]


def basis_value(objective: str, spec: dict[str, Any], images: Tensor) -> float:
    """The objective of a basis on images (B, 1, H, W), in batches where it is a mean over images."""
    measure, _ = OBJECTIVES[objective]
    with torch.no_grad():
        transform = build("transform", spec)
        if objective == "coding_gain":  # defined over all images together
            return float(measure(transform, images))
        parts = [float(measure(transform, part)) * len(part) for part in torch.split(images, BATCH)]
    return sum(parts) / len(images)


def learn(
    images: Tensor,
    kind: Kind = "lattice",
    taps: int = 8,
    levels: int = 3,
    objective: str = "sparsity",
    steps: int | None = 300,
    minutes: float | None = None,
    seed: int = 0,
    report: Callable[[float, float], None] = lambda share, loss: None,
) -> Learned:
    """Learn a basis by Adam from several starting points, since the objective has many local optima.

    Starting points are the six best fixed bases on ``images``, and for the lattice four random ones. The result is
    the best of all states that were evaluated on all images, so it is never worse there than the best fixed basis
    among the starting points.

    Args:
        images: (B, 1, H, W) as :func:`~wavegen.transforms.learning.sparsity.contrast` gives them.
        kind: ``lattice`` (orthonormal) or ``lifting`` (biorthogonal).
        taps: filter length (for lifting, of each step); even, 2 to 24.
        levels: decomposition levels that the objective covers.
        objective: ``sparsity`` or ``coding_gain``.
        steps: number of steps from each starting point; or
        minutes: processor minutes in total.
        seed: of batches and random starts.
        report: called with the fraction of the work done, and the loss.

    Raises:
        InputError: wrong options.
    """
    check_options(taps, objective, steps, minutes)
    _, sign = OBJECTIVES[objective]
    generator = torch.Generator().manual_seed(seed)
    specs = starts(kind, taps, levels)
    scores = {name: sign * basis_value(objective, spec, images) for name, spec in specs.items()}
    chosen = sorted(scores, key=scores.__getitem__)[:FIXED]
    best, start, best_score = specs[chosen[0]], chosen[0], scores[chosen[0]]
    if kind == "lattice":
        for i in range(RANDOM):
            angles = 2 * math.pi * torch.rand(taps // 2, generator=generator)
            specs[f"random {i + 1}"] = {"name": kind, "angles": angles.tolist(), "levels": levels}
            chosen.append(f"random {i + 1}")
    total = 0
    for i, name in enumerate(chosen):
        transform = build("transform", specs[name])
        for done in _descend(
            transform, images, objective, steps, minutes / len(chosen) if minutes else None, generator
        ):
            total += 1
            report((i + done.share) / len(chosen), best_score if done.score is None else done.score)
            if done.score is not None and done.score < best_score:
                best, start, best_score = spec_of(transform), name, done.score
    others = fixed_bases(kind, _length(best))
    fixed = {name: basis_value(objective, {"name": name, "levels": levels}, images) for name in others}
    return Learned(best, start, sign * best_score, fixed, total)


class _Step(NamedTuple):
    """Fraction of the work done, and the loss on all images if it was evaluated at this step."""

    share: float
    score: float | None


def _descend(
    transform: Transform,
    images: Tensor,
    objective: str,
    steps: int | None,
    minutes: float | None,
    generator: torch.Generator,
) -> Iterator[_Step]:
    """Adam on batches with an exponentially falling learning rate."""
    measure, sign = OBJECTIVES[objective]
    with torch.no_grad():
        for parameter in transform.parameters():
            parameter.add_(JITTER * torch.randn(parameter.shape, generator=generator))
    optimizer = torch.optim.Adam(transform.parameters(), lr=RATE)
    began, step, share = time.process_time(), 0, 0.0
    while share < 1:
        for group in optimizer.param_groups:
            group["lr"] = RATE * (FINAL_RATE / RATE) ** share
        batch = images[torch.randint(len(images), (BATCH,), generator=generator)]
        loss = sign * measure(transform, batch)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        step += 1
        share = min(step / steps if steps else (time.process_time() - began) / (60 * (minutes or 1)), 1.0)
        if step % EVERY == 0 or share == 1:
            yield _Step(share, sign * basis_value(objective, spec_of(transform), images))
        else:
            yield _Step(share, None)


def spec_of(transform: Transform) -> dict[str, Any]:
    """The specification that rebuilds this transform with its present coefficients."""
    if isinstance(transform, Lattice):
        return {"name": "lattice", "angles": transform.angles.tolist(), "levels": transform.levels}
    assert isinstance(transform, Lifting)
    steps = [step.tolist() for step in transform.steps]
    return {"name": "lifting", "steps": steps, "scale": transform.scale, "levels": transform.levels}


def _length(spec: dict[str, Any]) -> int:
    """Taps of the longer analysis filter."""
    if spec["name"] == "lattice":
        return 2 * len(spec["angles"])
    reach = {0: 0, 1: 0}  # of the odd and of the even phase, in taps on either side
    for i, step in enumerate(spec["steps"]):
        reach[i % 2] = max(reach[i % 2], reach[1 - i % 2] + len(step) - 1)
    return 2 * max(reach.values()) + 2
