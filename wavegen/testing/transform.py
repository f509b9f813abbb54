"""The contract of transforms: image to subbands and back."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from wavegen.core.errors import InputError
from wavegen.core.types import Details, Subbands
from wavegen.testing.base import Subject, distance, image
from wavegen.transforms import Transform

EVEN, ODD = (32, 64), (37, 26)
TOLERANCE = {torch.float64: 1e-9, torch.float32: 1e-4}


def check(subject: Subject, transform: Transform) -> None:
    """Every check of the contract; a lossy transform, whose inverse is learned, has only the first three."""
    subject.require(isinstance(transform, Transform), "type", "it does not derive from wavegen.transforms.Transform")
    subject.declared("lossy", transform.lossy)
    with torch.no_grad():
        for size in (EVEN, ODD):
            for dtype in TOLERANCE:
                _shapes(subject, transform, image(2, 3, *size, dtype=dtype))
        _items(subject, transform)
        _wrong_input(subject, transform)
        if transform.lossy:
            return
        for size in (EVEN, ODD):
            for dtype in TOLERANCE:
                _round_trip(subject, transform, image(2, 3, *size, dtype=dtype))
        _linear(subject, transform)
        _orthonormal(subject, transform)
        if transform.levels:
            _low_band(subject, transform)
            _orientation(subject, transform)
            _level_order(subject, transform)
            _level_by_level(subject, transform)


def coefficients(bands: Subbands) -> list[Tensor]:
    """All bands: ll, then h, v, d from the coarsest level on."""
    return [bands.ll, *(band for level in bands.details for band in level)]


def flat(bands: Subbands) -> Tensor:
    """All coefficients of each image, (B, n)."""
    return torch.cat([band.flatten(1) for band in coefficients(bands)], dim=1)


def _shapes(subject: Subject, transform: Transform, x: Tensor) -> None:
    before = x.clone()
    bands = transform.forward(x)
    size = (x.shape[-2], x.shape[-1])
    sizes = transform.sizes(size)
    say = subject.require
    say(sizes[0] == bands.size == size, "sizes", f"bands.size is {bands.size}, sizes() begins with {sizes[0]}: {size}")
    say(len(bands.details) == transform.levels, "levels", f"{len(bands.details)} details for {transform.levels} levels")
    wanted = (x.shape[0], transform.coarse_channels(x.shape[1]), *sizes[-1])
    got = tuple(bands.ll.shape)
    say(got == wanted, "shapes", f"ll is {got}; coarse_channels() and sizes() say {wanted}")
    found = [tuple(level.h.shape[-2:]) for level in bands.details]
    if found != sizes[:0:-1][: len(found)] and found[::-1] == sizes[:0:-1][: len(found)]:
        raise subject.fail("levels", f"details come finest first, sizes {found}; the coarsest level comes first")
    for level, wanted_size in zip(bands.details, sizes[:0:-1], strict=False):
        for name, band in zip(Details._fields, level, strict=True):
            shape = (*x.shape[:2], *wanted_size)
            say(tuple(band.shape) == shape, "shapes", f"band {name} is {tuple(band.shape)}; sizes() says {shape}")
    for band in coefficients(bands):
        say(band.dtype == x.dtype, "dtype", f"{x.dtype} becomes {band.dtype}")
        say(bool(torch.isfinite(band).all()), "values", "a coefficient is not finite")
    kept = [band.clone() for band in coefficients(bands)]
    again = transform.inverse(bands)
    same = again.shape == x.shape and again.dtype == x.dtype
    was = f"{tuple(x.shape)} of {x.dtype}"
    say(same, "shapes", f"the inverse is {tuple(again.shape)} of {again.dtype}; the image was {was}")
    unchanged = all(torch.equal(a, b) for a, b in zip([x, *coefficients(bands)], [before, *kept], strict=True))
    say(unchanged, "input", "it is changed in place")


def _round_trip(subject: Subject, transform: Transform, x: Tensor) -> None:
    again, tolerance = transform.inverse(transform.forward(x)), TOLERANCE[x.dtype]
    error = distance(again, x)
    if error <= tolerance:
        return
    factor = float((again * x).sum() / x.square().sum())
    where = f"{x.shape[-2]} x {x.shape[-1]}, {x.dtype}"
    if distance(again, factor * x) <= tolerance:
        raise subject.fail("round trip", f"the inverse gives {factor:.4g} times the image ({where})")
    raise subject.fail("round trip", f"relative error {error:.2g}, at most {tolerance:g} ({where})")


def _items(subject: Subject, transform: Transform) -> None:
    x = image(3, 2, *ODD)
    whole, single = flat(transform.forward(x)), flat(transform.forward(x[1:2]))
    subject.close("batch", whole[1:2], single, "an image's bands depend on the others in its batch", 1e-6)
    order = [2, 0, 1]
    subject.close("batch", flat(transform.forward(x[order])), whole[order], "the order of images matters", 1e-6)


def _wrong_input(subject: Subject, transform: Transform) -> None:
    for x in (torch.zeros(1, 1, 8, 8, dtype=torch.uint8), torch.zeros(8, 8), torch.zeros(1, 1, 0, 8)):
        what = f"an image of shape {tuple(x.shape)} and {x.dtype}"
        subject.refuses("input", lambda x=x: transform.forward(x), what)  # type: ignore[misc]
    ll, details, size = transform.forward(image(1, 2, *EVEN))
    subject.refuses("input", lambda: transform.inverse(Subbands(ll[..., 1:], details, size)), "a cut low band")
    more = Subbands(ll, (*details, Details(ll, ll, ll)), size)
    subject.refuses("input", lambda: transform.inverse(more), "a level too many")


def _linear(subject: Subject, transform: Transform) -> None:
    a, b = image(1, 1, *ODD), image(1, 1, *ODD, seed=1)
    together = flat(transform.forward(2 * a - 3 * b))
    parts = 2 * flat(transform.forward(a)) - 3 * flat(transform.forward(b))
    subject.close("linear", together, parts, "f(2 a - 3 b) is not 2 f(a) - 3 f(b)", 1e-9)


def _orthonormal(subject: Subject, transform: Transform) -> None:
    """Where declared: the sum of squares stays, and the inverse is the transpose."""
    if not transform.orthonormal:
        return
    x = image(1, 1, *EVEN)
    bands = transform.forward(x)
    change = float(flat(bands).square().sum() / x.square().sum())
    subject.require(abs(change - 1) < 1e-6, "orthonormal", f"declared, but the sum of squares changes by {change:.4g}")
    other = transform.forward(image(1, 1, *EVEN, seed=1))
    random = Subbands(torch.randn_like(other.ll), tuple(Details(*map(torch.randn_like, d)) for d in other.details),
                      other.size)  # fmt: skip
    one, two = (flat(bands) * flat(random)).sum(), (x * transform.inverse(random)).sum()
    subject.require(abs(float(one - two)) < 1e-6 * float(one.abs() + two.abs() + 1), "orthonormal",
                    "declared, but the inverse is not the transpose")  # fmt: skip


def _low_band(subject: Subject, transform: Transform) -> None:
    ll = transform.forward(torch.ones(1, 1, *EVEN, dtype=torch.float64)).ll
    wanted = float(transform.ratio**transform.levels)
    subject.close("low band", ll, torch.full_like(ll, wanted),
                  f"a constant image has the low band {float(ll.mean()):.4g}; ratio^levels is {wanted:g}")  # fmt: skip


def _stripes(rows: float, columns: float) -> Tensor:
    """A wave of the given frequencies (in units of half a cycle per pixel) along each axis."""
    i, j = (torch.arange(64, dtype=torch.float64) for _ in range(2))
    return (math.pi * (rows * i[:, None] + columns * j) + 0.3).cos()[None, None]


def _orientation(subject: Subject, transform: Transform) -> None:
    """Each of three waves of the highest frequency has its own detail band."""
    if not transform.oriented:
        return
    waves = {"h": ("stripes along rows", _stripes(1, 0)), "v": ("stripes along columns", _stripes(0, 1)),
             "d": ("a checkerboard", _stripes(1, 1))}  # fmt: skip
    landed = {}
    for band, (_, wave) in waves.items():
        finest = transform.forward(wave).details[-1]
        energies = {name: float(values.square().sum()) for name, values in zip("hvd", finest, strict=True)}
        landed[band] = max(energies, key=lambda name: energies[name])
    if (landed["h"], landed["v"]) == ("v", "h"):
        raise subject.fail(
            "orientation", "horizontal and vertical details are swapped: stripes along rows land in v, not in h"
        )
    for band, (what, _) in waves.items():
        subject.require(landed[band] == band, "orientation", f"{what} land in {landed[band]}, not in {band}")


def _level_order(subject: Subject, transform: Transform) -> None:
    """A wave in the middle of level k's octave answers there most, relative to white noise."""

    def energies(x: Tensor) -> Tensor:
        return torch.stack([torch.cat([b.flatten() for b in d]).square().mean() for d in transform.forward(x).details])

    noise = energies(image(4, 1, 64, 64))
    found = []
    for level in range(transform.levels, 0, -1):
        frequency = 0.75 / 2 ** (level - 1)
        found.append(transform.levels - int((energies(_stripes(frequency, 0)) / noise).argmax()))
    wanted = list(range(transform.levels, 0, -1))
    if found == wanted[::-1] != wanted:
        raise subject.fail("level order", "levels are reversed: the finest detail comes first, not last")
    subject.require(found == wanted, "level order", f"waves of levels {wanted} answer in levels {found} (1: finest)")


def _level_by_level(subject: Subject, transform: Transform) -> None:
    x = image(2, 1, *ODD)
    bands = transform.forward(x)
    sizes, ll = transform.sizes(bands.size), bands.ll
    try:
        for level, details in zip(range(transform.levels, 0, -1), bands.details, strict=True):
            ll = transform.inverse_level(ll, details, sizes[level - 1], level)
    except InputError as error:
        raise subject.fail("inverse_level", f"it refuses bands that forward gave: {error}") from error
    subject.close("inverse_level", ll, x, "level by level does not lead where inverse does", 1e-9)
