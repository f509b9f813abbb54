"""Synthetic fields with known statistics, for which the paper's mechanisms should or should not hold."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from wavegen.core.errors import InputError
from wavegen.core.types import Pair


def _white(size: int, generator: torch.Generator) -> Tensor:
    return torch.randn(size, size, generator=generator)


def _laplace(size: int, generator: torch.Generator) -> Tensor:
    signs = torch.randint(2, (size, size), generator=generator) * 2 - 1
    sizes: Tensor = torch.empty(size, size).exponential_(generator=generator)
    return signs * sizes


def _pink(size: int, generator: torch.Generator) -> Tensor:
    fy, fx = torch.fft.fftfreq(size), torch.fft.rfftfreq(size)
    radius = torch.hypot(fy[:, None], fx[None]).clamp_min(1 / size)
    field: Tensor = torch.fft.irfft2(torch.fft.rfft2(_white(size, generator)) / radius, s=(size, size))
    return field


def _edges(size: int, generator: torch.Generator) -> Tensor:
    angle, offset = torch.rand(2, generator=generator).tolist()
    position = torch.arange(size) / size - 0.5
    direction = torch.tensor(angle * 2 * torch.pi)
    across = direction.cos() * position[:, None] + direction.sin() * position[None]
    edge: Tensor = (across > (offset - 0.5) / 2).float()
    return edge


CONTROLS: dict[str, Callable[[int, torch.Generator], Tensor]] = {
    "white-noise": _white,  # Gaussian at every scale and nowhere sparse: subbands have no advantage
    "laplace-noise": _laplace,  # independent non-Gaussian pixels: LL becomes Gaussian as fast as possible
    "pink-noise": _pink,  # Gaussian with spectrum 1/f² at every scale, ill-conditioned at full resolution
    "edges": _edges,  # one straight edge across the image: correlated over the whole image, so no tendency
}


class Control:
    """Images of one of :data:`CONTROLS`; x and y are the same. Item i is a pure function of (seed, i).

    Args:
        name: one of the controls.
        size: side in pixels, 16 to 4096.
        length: number of images, at least 1.
        seed: of all images.

    Raises:
        InputError: unknown name, or a value out of range.
    """

    def __init__(self, name: str, size: int = 128, length: int = 32, seed: int = 0) -> None:
        if name not in CONTROLS:
            raise InputError(f"no control {name!r}; known: {', '.join(CONTROLS)}")
        for option, value, low, high in (
            ("size", size, 16, 4096),
            ("length", length, 1, 2**20),
            ("seed", seed, 0, 2**30),
        ):
            if not isinstance(value, int) or not low <= value <= high:
                raise InputError(f"{name}: {option} = {value!r}; give a whole number from {low} to {high}")
        self.name, self.size, self.length, self.seed = name, size, length, seed

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> Pair:
        """Item ``index``, (1, size, size) float32, twice."""
        if not 0 <= index < self.length:
            raise IndexError(f"item {index} of {self.length}")
        state = np.random.SeedSequence(self.seed, spawn_key=(index,)).generate_state(1, np.uint32)[0]
        generator = torch.Generator().manual_seed(int(state))
        image = CONTROLS[self.name](self.size, generator)[None]
        return Pair(image, image)
