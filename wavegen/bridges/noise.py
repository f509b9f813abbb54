"""Noise that is a function of (seed, sample, stream, channel, absolute pixel), so that a tile gets its share."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from wavegen.core.errors import InputError

_MASK = (1 << 64) - 1
# The increment and multipliers of Steele, Lea and Flood's SplitMix (OOPSLA 2014).
_STEP, _M1, _M2 = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB

BLOCK = 1 << 15  # values made at a time: 256 KiB of counters stay in a core's own cache


def _signed(value: int) -> int:
    """The 64-bit pattern as torch's int64 holds it."""
    value &= _MASK
    return value - (1 << 64) if value >> 63 else value


def _mix_integer(z: int) -> int:
    z = (z ^ (z >> 30)) * _M1 & _MASK
    z = (z ^ (z >> 27)) * _M2 & _MASK
    return z ^ (z >> 31)


def _key(*words: int) -> int:
    state = 0
    for word in words:
        state = _mix_integer((state + _STEP + (word & _MASK)) & _MASK)
    return state


def _shifted(z: Tensor, bits: int) -> Tensor:
    """Logical right shift of int64."""
    return (z >> bits).bitwise_and_((1 << (64 - bits)) - 1)


def noise(
    shape: Sequence[int],
    *,
    seeds: Sequence[int],
    sample: int = 0,
    stream: int = 0,
    origin: tuple[int, int] = (0, 0),
    device: torch.device | str = "cpu",
) -> Tensor:
    """Standard normal values (B, C, H, W), float32.

    Every value depends on nothing but its item's seed, ``sample``, ``stream`` (which draw it is), its
    channel and its absolute place (``origin`` + index); two images of one seed get the same noise.

    Args:
        shape: (B, C, H, W).
        seeds: one for each of the B items.
        sample: which sample of an image.
        stream: which draw of a sample: a sampling step, a head's level.
        origin: absolute (row, column) of the first pixel.
        device: where the result is wanted.

    Raises:
        InputError: a number of seeds other than B.
    """
    return draws(shape, seeds=seeds, sample=sample, streams=[stream], origin=origin, device=device)[0]


def draws(
    shape: Sequence[int],
    *,
    seeds: Sequence[int],
    streams: Sequence[int],
    sample: int = 0,
    origin: tuple[int, int] = (0, 0),
    device: torch.device | str = "cpu",
) -> Tensor:
    """The :func:`noise` of several streams at once, (streams, B, C, H, W): less work than one by one.

    Raises:
        InputError: a number of seeds other than B.
    """
    count, channels, height, width = shape
    if len(seeds) != count:
        raise InputError(f"{len(seeds)} seeds for {count} items; give one for each")
    # Two neighbours of a row share a word. Its counter, (channel 2^48 + row 2^24 + column // 2) · step + key modulo
    # 2^64, is a sum over lines and columns.
    distinct = list(dict.fromkeys(seeds))
    words = [_signed(_key(seed, sample, stream)) for stream in streams for seed in distinct]
    keys = torch.tensor(words, dtype=torch.int64)
    places = (torch.arange(channels)[:, None] << 48) + (torch.arange(origin[0], origin[0] + height) << 24)
    lines = (keys[:, None, None] + places * _signed(_STEP)).view(-1, 1)
    columns = torch.arange(origin[1] // 2, (origin[1] + width + 1) // 2) * _signed(_STEP)
    made = torch.empty(len(lines), 2 * len(columns))
    block = max(1, BLOCK // max(1, len(columns)))
    for first in range(0, len(lines), block):
        here = slice(first, first + block)
        _normal(lines[here] + columns, made[here])
    first = origin[1] % 2
    fields = made[:, first : first + width].reshape(len(streams), len(distinct), channels, height, width)
    return (fields if len(distinct) == count else fields[:, [distinct.index(seed) for seed in seeds]]).to(device)


def _normal(z: Tensor, out: Tensor) -> None:
    """SplitMix64's finaliser on int64 counters, whose products wrap around, then Box-Muller from a word's two ends.

    ``out`` is twice as wide as ``z``: a word gives the two values r cos and r sin.
    """
    z = z.bitwise_xor_(_shifted(z, 30)).mul_(_signed(_M1))
    z = z.bitwise_xor_(_shifted(z, 27)).mul_(_signed(_M2))
    # The last round, z ^ (z >> 31), leaves the upper 24 bits, and takes none of the sign's copies to the lower 24.
    upper = _shifted(z, 40).float().add_(0.5).mul_(2.0**-24)  # 24 bits: exact in float32, never 0 or 1
    lower = z.bitwise_xor_(z >> 31).bitwise_and_((1 << 24) - 1).float().mul_(2 * math.pi * 2.0**-24)
    radius = upper.log_().mul_(-2).sqrt_()
    torch.mul(radius, lower.cos(), out=out[:, 0::2])
    torch.mul(radius, lower.sin_(), out=out[:, 1::2])
