"""The contract of heads: one level's detail bands from what the level is given, and noise."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from wavegen.core.types import Details
from wavegen.gans import Head, LevelInput
from wavegen.testing.base import Subject, check_gradients, image, perturb

CHANNELS, TRUNK, SIZE = 2, (6, 2), (6, 5)
SUPPLIED: dict[str, Any] = {"channels": CHANNELS, "trunk": TRUNK}


def given(size: tuple[int, int] = SIZE, items: int = 3) -> LevelInput:
    """What a level is told: random bands, features on 2 x 2 patches padded to whole cells, a noise level."""
    shape = (items, CHANNELS, *size)

    def band(seed: int) -> Tensor:
        return image(*shape, seed=seed, dtype=torch.float32)

    return LevelInput(
        ll=band(0),
        y_ll=band(1),
        y_details=Details(band(2), band(3), band(4)),
        features=image(items, TRUNK[0], *((side + 3) // 4 * 2 for side in size), seed=6, dtype=torch.float32),
        sigma=Details(*(torch.full((items, CHANNELS, 1, 1), 0.1 * k) for k in (1, 2, 3))),
    )


def check(subject: Subject, head: Head) -> None:
    """Every check of the contract."""
    subject.require(isinstance(head, Head), "type", "it does not derive from wavegen.gans.Head")
    perturb(head)
    for size in ((1, 1), SIZE, (3, 9)):
        _shapes(subject, head, size)
    with torch.no_grad():
        _noise(subject, head)
        _level(subject, head)
        _sigma(subject, head)
        _items(subject, head)
    if head.trainable:
        z = _noise_of(head, SIZE)
        check_gradients(subject, head, torch.cat(head(given(), z), dim=1))


def _noise_of(head: Head, size: tuple[int, int], seed: int = 5) -> Tensor:
    return image(3, head.noise_channels, *size, seed=seed, dtype=torch.float32)


def _drawn(head: Head, known: LevelInput, seed: int = 5) -> Tensor:
    return torch.cat(head(known, _noise_of(head, (known.ll.shape[-2], known.ll.shape[-1]), seed)), dim=1)


def _shapes(subject: Subject, head: Head, size: tuple[int, int]) -> None:
    known, generator = given(size), torch.Generator().manual_seed(0)
    z = _noise_of(head, size)
    calls = (("forward", head(known, z)), ("estimate", head.estimate(known, known.y_details, z, generator)))
    for call, out in calls:
        subject.require(isinstance(out, Details), "shapes", f"{call} returns {type(out).__name__}, not Details")
        for name, band in zip(Details._fields, out, strict=True):
            wanted = (3, CHANNELS, *size)
            fits = tuple(band.shape) == wanted and band.dtype == torch.float32
            fault = f"{call} gives band {name} of {tuple(band.shape)}, {band.dtype}; give {wanted}, float32"
            subject.require(fits, "shapes", fault)
            subject.require(bool(torch.isfinite(band).all()), "values", f"{call} gives values that are not finite")


def _noise(subject: Subject, head: Head) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        first = _drawn(head, given())
        torch.manual_seed(2)
        again = _drawn(head, given())
    subject.same("noise", again, first, "equal noise gives unequal bands: all randomness must come from `noise`")
    if head.noise_channels:
        other = _drawn(head, given(), seed=9)
        fault = f"noise_channels = {head.noise_channels}, but noise changes nothing"
        subject.require(_differ(other, first), "noise", fault)


def _level(subject: Subject, head: Head) -> None:
    """The bands must depend on what they are told; without parameters, on y's details at least."""
    known = given()
    first = _drawn(head, known)
    told: list[tuple[str, LevelInput]] = [
        (f"y_details.{name}", known._replace(y_details=known.y_details._replace(**{name: 1 + 2 * band})))
        for name, band in zip(Details._fields, known.y_details, strict=True)
    ]
    if head.trainable:
        told.append(("ll", known._replace(ll=known.ll + image(*known.ll.shape, seed=9, dtype=torch.float32))))
    for name, changed in told:
        uses = _differ(_drawn(head, changed), first)
        subject.require(uses, "level", f"the head ignores {name} of its level: another one gives the same bands")


def _sigma(subject: Subject, head: Head) -> None:
    known = given()
    assert known.sigma is not None
    first = _drawn(head, known)
    if head.needs_sigma:
        louder = known._replace(sigma=Details(*(2 * sigma for sigma in known.sigma)))
        uses = _differ(_drawn(head, louder), first)
        subject.require(uses, "sigma", "needs_sigma, but another noise level gives the same bands")
        return
    try:
        without = _drawn(head, known._replace(sigma=None))
    except (TypeError, AttributeError, AssertionError) as error:
        raise subject.fail("sigma", "the head uses sigma, but needs_sigma is False: the pipeline gives none") from error
    subject.same("sigma", without, first, "the head uses sigma, but needs_sigma is False: the pipeline gives none")


def _items(subject: Subject, head: Head) -> None:
    known, z = given(), _noise_of(head, SIZE)
    together = torch.cat(head(known, z), dim=1)
    one = slice(1, 2)
    single = LevelInput(
        known.ll[one],
        known.y_ll[one],
        Details(*(band[one] for band in known.y_details)),
        None if known.features is None else known.features[one],
        None if known.sigma is None else Details(*(s[one] for s in known.sigma)),
    )
    got = torch.cat(head(single, z[one]), dim=1)
    subject.close("batch", got, together[one], "an item's bands depend on the others in its batch", 1e-4)


def _differ(a: Tensor, b: Tensor) -> bool:
    return float((a - b).norm()) > 1e-5 * float(b.norm() + 1e-6)
